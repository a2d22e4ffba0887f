"""What versions cost: `etude check`, `seal`, `restore` beyond the copying, and a `dvc repro` with nothing to do.

    python benchmarks/versions.py

It works on copies of this checkout's finished run; without one, only `etude check` is timed.
Wanted: check at most 2 s (3 s before the code was ever parsed), seal 30 s, restore 20 s more than `dvc pull`, an idle
`dvc repro` 20 s. On a machine that others use, read the seconds of the processor.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import yaml

from etude.pipeline.known_code import MEMORY

MADE = ("data", "models", "reports", ".snakemake")
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def took(folder: Path, *words: str) -> tuple[float, float]:
    """Seconds by the clock, and of the processor, that ``words`` need in ``folder``."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(words, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def etude(folder: Path, word: str) -> tuple[float, float]:
    return took(folder, sys.executable, "-m", "etude", word)


def dvc(folder: Path, *words: str) -> tuple[float, float]:
    return took(folder, sys.executable, "-m", "dvc", *words)


def check_anew(folder: Path) -> tuple[float, float]:
    """`etude check` where no module was ever parsed, as in a clone that was made this minute."""
    (folder / MEMORY).unlink(missing_ok=True)
    return etude(folder, "check")


def sealed(folder: Path) -> list[str]:
    """The stages in dvc.lock: `dvc repro` without a name would go on to papers that nobody has asked for."""
    return list(yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))["stages"])


def least(times: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Of several runs, the one that took the processor least: others may be at work on this machine."""
    return min(times, key=lambda seconds: seconds[1])


def say(what: str, seconds: tuple[float, float], wanted: str) -> None:
    print(f"{what}: {seconds[0]:.1f} s, {seconds[1]:.1f} CPU-s (wanted: {wanted})", flush=True)


def clone(source: Path, folder: Path) -> Path:
    took(folder.parent, "git", "clone", "--quiet", str(source), str(folder))
    took(folder, "git", "config", "user.name", "Benchmark")
    took(folder, "git", "config", "user.email", "benchmark@example.org")
    return folder


def main(root: Path, space: Path) -> None:
    project = clone(root, space / "project")
    etude(project, "check")  # compiles
    say("etude check", least(etude(project, "check") for _ in range(5)), "<= 2 s")
    say("etude check, no code known yet", least(check_anew(project) for _ in range(3)), "<= 3 s")
    if not (root / "reports/fad.csv").exists():
        print("no finished run here (`make run`): seal, restore and repro are not timed")
        return
    for name in MADE:
        shutil.copytree(root / name, project / name, symlinks=True, dirs_exist_ok=True)
    say("etude seal, first time", etude(project, "seal"), "<= 30 s")
    say("etude seal, nothing new", etude(project, "seal"), "<= 30 s")
    say("dvc repro, nothing to do", dvc(project, "repro", *sealed(project)), "<= 20 s")
    took(project, "git", "commit", "--quiet", "--all", "--message", "sealed", "--allow-empty")
    took(project, "git", "add", "dvc.lock", "snakemake.lock")
    took(project, "git", "commit", "--quiet", "--message", "locks", "--allow-empty")
    dvc(project, "remote", "add", "--local", "-d", "folder", str(space / "remote"))
    dvc(project, "push")
    pulled, restored = clone(project, space / "pulled"), clone(project, space / "restored")
    for folder in (pulled, restored):
        dvc(folder, "remote", "add", "--local", "-d", "folder", str(space / "remote"))
    copying, everything = dvc(pulled, "pull", *sealed(pulled)), etude(restored, "restore")
    beyond = everything[0] - copying[0], everything[1] - copying[1]
    say(f"etude restore, {everything[0]:.1f} s, beyond `dvc pull`, {copying[0]:.1f} s", beyond, "<= 20 s")
    size = sum(path.stat().st_size for path in (space / "remote").rglob("*") if path.is_file())
    print(f"sealed: {size / 1e6:.0f} MB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(__file__).resolve().parents[1], Path(folder))
