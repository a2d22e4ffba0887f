"""A note of where each job ran: machine, Slurm job, versions. The Snakefile has it written before every job's command.

    python -m etude.pipeline.ran '<the command of the job>'

Snakemake records what a job was (rule, parameters, checksums of its inputs); this is what it cannot know, since on a
cluster the job runs elsewhere. `etude why` joins the two. The note is filed under the log that the command writes,
which is the one name that no two jobs share, and a job never fails for want of it.
"""

import importlib.metadata
import json
import os
import platform
import re
import sys
import time
from pathlib import Path
from typing import Any

from etude.pipeline.files import write_json
from etude.pipeline.processes import SLURM_JOB

FOLDER = Path(".snakemake/ran")
PACKAGES = ("numpy", "scipy", "torch", "torchaudio", "librosa", "soundfile", "soxr", "onnxruntime", "snakemake")


def note() -> dict[str, Any]:
    """Facts about this process: host, processor, GPUs, Slurm job (None outside Slurm), time (UTC), versions."""
    return {
        "host": platform.node(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "gpus": _gpus(),
        "slurm_job": os.environ.get(SLURM_JOB),
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def path_of(log: str, directory: Path = Path(".")) -> Path:
    """Where the note of the job that writes ``log`` lies."""
    return directory / FOLDER / f"{log}.json"


def read(log: str, directory: Path = Path(".")) -> dict[str, Any] | None:
    """The note of the job that writes ``log``, or None."""
    try:
        return json.loads(path_of(log, directory).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def log_of(command: str) -> str | None:
    """The log that a job's ``command`` writes: every rule ends in `| tee {log}`."""
    found = re.findall(r"\| tee (?:-a )?(\S+)", command)
    return found[-1] if found else None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.machine()


def _gpus() -> list[str]:
    """Models of the GPUs that this job may use, as the kernel driver names them."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return []
    names = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        found = re.search(r"^Model:\s*(.*)$", path.read_text(errors="replace"), re.MULTILINE)
        names += [found[1]] if found else []
    return names


def main(command: str) -> None:
    """File the note of the job that ``command`` belongs to."""
    log = log_of(command)
    if log and not os.path.isabs(log) and ".." not in Path(log).parts:
        write_json(path_of(log), note())


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except OSError as error:  # a full disk, say: the job itself will complain about that
        print(f"etude: no note of where this job runs: {error}", file=sys.stderr)
