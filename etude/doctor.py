"""`etude doctor`: what this machine has and lacks, what each missing thing costs, and what to type.

Exit status 0 unless something is missing that the default run needs. Nothing is changed, nothing is fetched.
"""

import argparse
import ctypes
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from etude.config import resolve
from etude.errors import UserError
from etude.pipeline import ran

PYTHON = ((3, 11), (3, 13))  # from, to below: `requires-python` of pyproject.toml
MEMORY_GB = 4.0  # what jobs say they need (mem_mb of the rules)
GROWTH = 4.0  # gigabytes of a run for each of a data set: raw, clips, latents, audio
LEAST_GB = 2.0
Params = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One line of the answer. ``missing``: the default run needs it; ``note``: something else does."""

    state: Literal["ok", "note", "missing"]
    what: str
    found: str
    costs: str = ""
    do: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `etude doctor` (none)."""


def execute(arguments: argparse.Namespace) -> int:
    """Print what was found; returns the exit status."""
    findings = list(examine(Path.cwd()))
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        print(f"{finding.state:8}{finding.what:{width}}  {finding.found}")
        for label, text in (("costs", finding.costs), ("do", finding.do)):
            if text:
                print(f"{'':8}{'':{width}}    {label}: {text}")
    missing = [finding.what for finding in findings if finding.state == "missing"]
    notes = sum(finding.state == "note" for finding in findings)
    print()
    if missing:
        print(f"etude: the default run needs what is missing here: {', '.join(missing)}")
        return 1
    print(f"etude: everything is there for `make run`{f'; {notes} notes above' if notes else ''}")
    return 0


def examine(root: Path) -> Iterator[Finding]:
    """All findings about the project in ``root`` and the machine it lies on."""
    params, problem = _params(root)
    yield problem
    for check in CHECKS:
        yield from check(root, params)


def _params(root: Path) -> tuple[Params, Finding]:
    what = "project"
    for name in ("Snakefile", "params.yaml"):
        if not (root / name).is_file():
            raise UserError(f"no {name} in {root}; run this in the root of the project")
    try:
        params = resolve(yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8")), root)
    except (UserError, yaml.YAMLError) as error:
        text = " ".join(str(error).split())
        return {}, Finding(
            "missing", what, text, "no run starts", "correct that key; `git diff params.yaml` shows edits"
        )
    grid = params["grid"]
    cells = f"{', '.join(grid['datasets'])}; {', '.join(grid['systems'])}"
    return params, Finding("ok", what, f"{root}, scale {params['scale']} ({cells})")


def machine(root: Path, params: Params) -> Iterator[Finding]:
    facts = ran.note()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    found = f"{platform.node()}, {facts['processor']}, {facts['cores']} cores, {memory:.0f} GB of memory"
    if memory < MEMORY_GB:
        yield Finding(
            "note", "machine", found, f"jobs ask for up to {MEMORY_GB:g} GB: several at once may run out of it",
            "make run ARGS='-- --cores 1'",
        )  # fmt: skip
    else:
        yield Finding("ok", "machine", found)


def python(root: Path, params: Params) -> Iterator[Finding]:
    first, end = PYTHON
    found = f"{platform.python_version()}, {sys.executable}"
    if first <= sys.version_info[:2] < end:
        yield Finding("ok", "Python", found)
    else:
        wanted = ".".join(map(str, first))
        yield Finding(
            "missing",
            "Python",
            found,
            f"{wanted} to below {end[0]}.{end[1]} is what the packages are pinned for",
            "make setup",
        )
    if shutil.which("snakemake") != str(Path(sys.executable).with_name("snakemake")):
        yield Finding(
            "note", "PATH", "`snakemake` is not the one of this project",
            "commands that begin with `snakemake` or `dvc` do not work as written; `make` and `etude` do",
            'export PATH="$PWD/.venv/bin:$PATH"',
        )  # fmt: skip


def packages(root: Path, params: Params) -> Iterator[Finding]:
    """Against requirements/: what `make setup` would install."""
    needed = {**pins(root / "requirements/run.txt"), **pins(root / "requirements/nodeps.txt")}
    if not needed:
        yield Finding("note", "packages", "no requirements/run.txt here to compare with", "versions are not checked")
        return
    lost = [name for name in needed if installed(name) is None]
    if lost:
        yield Finding(
            "missing", "packages", f"not installed: {', '.join(lost)}", "jobs that import them fail", "make setup"
        )
    every = {**pins(root / "requirements/constraints.txt"), **needed}
    other = {name: found for name, pin in every.items() if (found := installed(name)) and found != pin}
    if other:
        listed = ", ".join(f"{name} {found} (pinned: {every[name]})" for name, found in list(other.items())[:5])
        yield Finding(
            "note", "packages", f"{len(other)} of other versions: {listed}{', ...' if len(other) > 5 else ''}",
            "numbers may differ from those that others get", "make setup",
        )  # fmt: skip
    if not lost and not other:
        yield Finding("ok", "packages", f"{len(needed)} as pinned, and all {len(every)} that they bring along")
    if missing := [name for name in pins(root / "requirements/test.txt") if installed(name) is None]:
        yield Finding(
            "note", "tests", f"not installed: {', '.join(missing)}", "`make test` and `make lint`", "make setup-test"
        )


def pins(path: Path) -> dict[str, str]:
    """name -> version of the lines ``name[extras]==version`` in ``path``; none when there is no such file."""
    if not path.is_file():
        return {}
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;#]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(found)


def installed(package: str) -> str | None:
    """Its version without a local tag such as +cpu, or None."""
    try:
        return importlib.metadata.version(package).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return None


def synthesiser(root: Path, params: Params) -> Iterator[Finding]:
    """Needed by what is rendered here: the embedded data sets, MIDI."""
    embedded = [name for name in _datasets(params) if _source(root, name).get("access") == "embedded"]
    state = "missing" if embedded else "note"
    costs = f"{', '.join(embedded) or 'embedded data sets'} cannot be made"
    try:
        ctypes.CDLL("libfluidsynth.so.3")
        yield Finding("ok", "FluidSynth", "libfluidsynth.so.3")
    except OSError:
        yield Finding(
            state, "FluidSynth", "libfluidsynth.so.3 not found", costs, "apt-get install libfluidsynth3, as root"
        )
    spec = importlib.util.find_spec("pretty_midi")
    font = Path(spec.origin).with_name("TimGM6mb.sf2") if spec and spec.origin else None
    if font and font.is_file():
        yield Finding("ok", "SoundFont", f"{font.name}, {font.stat().st_size / 1e6:.1f} MB")
    else:
        again = f"{Path(sys.executable).name} -m pip install --force-reinstall --no-deps pretty_midi"
        yield Finding(state, "SoundFont", "TimGM6mb.sf2 is not in the package pretty_midi", costs, again)


def gpu(root: Path, params: Params) -> Iterator[Finding]:
    names = ran.note()["gpus"]
    if not names:
        yield Finding(
            "note", "GPU", "none", "nothing at scale smoke or laptop; `paper` and `large` need one",
            "`etude cost --scale paper` says how long, `slurm/config.yaml` how to ask a cluster",
        )  # fmt: skip
        return
    import torch  # seconds, and only where there is something to ask

    if torch.cuda.is_available():
        yield Finding("ok", "GPU", ", ".join(names))
    else:
        yield Finding(
            "note", "GPU", f"{', '.join(names)}, and torch {torch.__version__} cannot use it", "jobs run on the CPU",
            "install the torch of this version that was built for your CUDA, as pytorch.org tells",
        )  # fmt: skip


def slurm(root: Path, params: Params) -> Iterator[Finding]:
    if not shutil.which("sbatch"):
        yield Finding(
            "note", "Slurm", "none on this machine", "only `--profile slurm` needs it",
            "`make slurm` (as root) tries the profile on a queue of one machine",
        )  # fmt: skip
        return
    asked = subprocess.run(["sinfo", "--noheader", "--format=%P %a %D"], capture_output=True, text=True, timeout=30)
    partitions = "; ".join(line.strip() for line in asked.stdout.splitlines())
    if asked.returncode or not partitions:
        yield Finding("note", "Slurm", "sbatch is there, the controller does not answer", "no job can be sent", "sinfo")
    else:
        yield Finding("ok", "Slurm", partitions)


def disk(root: Path, params: Params) -> Iterator[Finding]:
    free = shutil.disk_usage(root).free / 1e9
    sizes = {name: (_source(root, name).get("size") or {}).get("gigabytes", 0.0) for name in _datasets(params)}
    need = LEAST_GB + GROWTH * sum(sizes.values())
    found = f"{free:,.0f} GB free, a run needs about {need:,.0f}"
    if free < need:
        yield Finding(
            "missing", "disk", found, "the run stops when it is full, and goes on when there is space again",
            "free some, or link data/ to a larger disk; `etude cost` tells where it goes",
        )  # fmt: skip
    else:
        yield Finding("ok", "disk", found)


def datasets(root: Path, params: Params) -> Iterator[Finding]:
    for name in _datasets(params):
        source = _source(root, name)
        if (root / f"data/raw/{name}/manifest.csv").is_file() or source.get("access") == "embedded":
            continue
        if source.get("access") == "open":
            size = (source.get("size") or {}).get("gigabytes", 0)
            yield Finding(
                "note", name, f"will be downloaded, {size:g} GB", "the network, or a folder with the archives",
                "export ETUDE_MIRROR=<folder with the archives>",
            )  # fmt: skip
        elif not any((root / Path(str(source.get("place"))).expanduser()).glob("*")):
            yield Finding(
                "missing", name, f"nothing at {source.get('place')}", f"no row for {name}", str(source.get("how"))
            )


def weights(root: Path, params: Params) -> Iterator[Finding]:
    """Weight files that params.yaml names, and those that the grid needs and it does not name."""
    used = {("codec", name) for name in params.get("grid", {}).get("codecs", ())}
    used |= {("judge", name) for name in params.get("grid", {}).get("embeddings", ())}
    unnamed = []
    for family in ("codec", "judge"):
        for name, block in params.get(family, {}).items():
            if not isinstance(block, dict) or "weights" not in block:
                continue
            path, state = block["weights"], "missing" if (family, name) in used else "note"
            key = f"{family}.{name}.weights"
            if path and (root / Path(path).expanduser()).is_file():
                yield Finding("ok", key, path)
            elif path or state == "missing":
                yield Finding(
                    state, key, f"{path}: no such file" if path else "null in params.yaml",
                    f"{family} {name} cannot be used", f"the path of the file into params.yaml, as {key}",
                )  # fmt: skip
            else:
                unnamed.append(f"{family}.{name}")
    if unnamed:
        yield Finding(
            "note", "weights", f"none for {', '.join(unnamed)}",
            "nothing in this grid; they are the published networks that the papers' own numbers rest on",
            f"the path of a file into params.yaml, as {unnamed[0]}.weights",
        )  # fmt: skip


def versions(root: Path, params: Params) -> Iterator[Finding]:
    if not shutil.which("git"):
        yield Finding(
            "note", "git", "not found", "versions cannot be kept (`etude seal`)", "apt-get install git, as root"
        )
        return
    inside = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True)
    if inside.returncode:
        yield Finding(
            "note", "git", "this folder is no repository with a commit",
            "versions cannot be kept (`etude seal`), and results do not say which code made them",
            "git init && git add -A && git commit -m start",
        )  # fmt: skip
    else:
        yield Finding("ok", "git", f"at {inside.stdout.strip()}")
    if installed("dvc") is None:
        return  # said already, by packages
    texts = [path.read_text(encoding="utf-8") for path in _dvc_configs(root)]
    remotes = re.findall(r'''^\[['"]?remote "([^"]+)"''', "\n".join(texts), re.MULTILINE)
    if remotes:
        yield Finding("ok", "DVC", f"remote {', '.join(remotes)}")
    else:
        yield Finding(
            "note", "DVC", "no remote", "sealed versions stay on this machine: `dvc push` has nowhere to go",
            "dvc remote add --local -d store <a folder, or s3://...>",
        )  # fmt: skip


CHECKS: tuple[Callable[[Path, Params], Iterator[Finding]], ...] = (
    machine, python, packages, synthesiser, gpu, slurm, disk, datasets, weights, versions,
)  # fmt: skip


def _datasets(params: Params) -> list[str]:
    return params.get("grid", {}).get("datasets", [])


def _source(root: Path, name: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load((root / f"data/sources/{name}.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


def _dvc_configs(root: Path) -> list[Path]:
    return [path for name in ("config", "config.local") if (path := root / ".dvc" / name).is_file()]
