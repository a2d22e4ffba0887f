"""What DVC has of this project: its command line, dvc.lock, and the objects of its cache."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etude.errors import UserError
from etude.pipeline.workflow import read_yaml
from etude.versions.lockfile import LOCK, conflict

DVC_LOCK = Path("dvc.lock")
DVC_YAML = Path("dvc.yaml")
EMPTY_FOLDER = hashlib.md5(b"[]", usedforsecurity=False).hexdigest() + ".dir"  # what DVC calls one
INSIDE = "DVC_STAGE"  # DVC sets it for the command of a stage


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `dvc` with ``arguments`` in ``directory``, without a terminal to ask questions on."""
    if sys.stderr.isatty():  # it hashes, copies, sends gigabytes, and its own words are kept from the terminal
        print(f"etude: dvc {arguments[0]} is at work", file=sys.stderr)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DVC_STAGE")}
    return subprocess.run(
        [sys.executable, "-m", "etude.versions.together", *arguments],
        cwd=directory,
        env=environment | {"DVC_NO_ANALYTICS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The last error that DVC printed, in one line."""
    text = done.stderr.rpartition("ERROR: ")[2].partition("\n<https")[0]
    return " ".join(text.split()) or f"exit status {done.returncode}"


def require(directory: Path) -> None:
    """Raise ``UserError`` unless ``directory`` is the root of a git repository with DVC, free of merge conflicts."""
    if not (directory / "Snakefile").exists():
        raise UserError(f"no Snakefile in {directory}; run this in the root of the project")
    if not (directory / ".git").exists():
        raise UserError(f"{directory} is no git repository, and versions are kept with commits; `git clone` gives one")
    if not (directory / ".dvc/config").exists():
        raise UserError(f"no .dvc/config in {directory}; `git checkout .dvc` brings it back")
    for name in (DVC_YAML, DVC_LOCK, LOCK):
        path = directory / name
        if path.exists() and conflict(path.read_text(encoding="utf-8", errors="replace")):
            what = (
                "`etude sync` writes it anew"
                if name == DVC_YAML
                else f"take one side of {DVC_LOCK} and {LOCK} (`git checkout --ours {DVC_LOCK} {LOCK}`, or --theirs), "
                "then `etude restore` brings its data, or `etude run` and `etude seal` make it anew"
            )
            raise UserError(f"{name} holds a merge conflict; {what}")


def locked(directory: Path) -> dict[str, dict[str, str]]:
    """Stage -> out -> md5 as dvc.lock has them (a folder's ends in `.dir`). Raises ``UserError`` if there is none."""
    path = directory / DVC_LOCK
    if not path.exists():
        raise UserError(
            f"no {DVC_LOCK} in {directory}: nothing was sealed in this commit; `etude run` makes everything"
        )
    content = read_yaml(path) or {}
    return {
        name: {out["path"]: out["md5"] for out in stage.get("outs", ())}
        for name, stage in content.get("stages", {}).items()
    }


def outs(locked: dict[str, dict[str, str]]) -> dict[str, str]:
    """Out -> md5 of all stages that :func:`locked` gives."""
    return {out: md5 for stage in locked.values() for out, md5 in stage.items()}


def make_empty_folders(directory: Path) -> None:
    """Make the folders that a sealed stage depends on and that were empty when it was sealed: DVC misses them."""
    content = read_yaml(directory / DVC_LOCK) or {}
    for stage in content.get("stages", {}).values():
        for dep in stage.get("deps", ()):
            if dep.get("md5") == EMPTY_FOLDER:
                (directory / dep["path"]).mkdir(parents=True, exist_ok=True)


def status(directory: Path, stages: Iterable[str]) -> dict[str, Any]:
    """`dvc status` of ``stages``: what has changed, by stage; empty if nothing."""
    done = run(directory, "status", "--json", *stages)
    if done.returncode:
        raise UserError(f"`dvc status` failed: {complaint(done)}")
    return json.loads(done.stdout)


def changed_outs(found: dict[str, Any]) -> list[str]:
    """The outs that :func:`status` reports as changed."""
    changes = [
        change.get("changed outs", {}) for parts in found.values() for change in parts if isinstance(change, dict)
    ]
    return sorted(out for outs in changes for out in outs)


@dataclass(frozen=True)
class Cache:
    """The local cache: a file per md5."""

    folder: Path

    @classmethod
    def of(cls, directory: Path) -> "Cache":
        """The cache that the project in ``directory`` is set up to use."""
        done = run(directory, "cache", "dir")
        if done.returncode:
            raise UserError(f"`dvc cache dir` failed: {complaint(done)}")
        return cls(Path(directory, done.stdout.strip()).resolve())

    def path(self, md5: str) -> Path:
        """Where the object ``md5`` lies, if it is there."""
        return self.folder / "files/md5" / md5[:2] / md5[2:]

    def has(self, md5: str) -> bool:
        """Whether the object ``md5`` is there."""
        return self.path(md5).exists()

    def files(self, outs: dict[str, str]) -> dict[str, str] | None:
        """File -> md5 for everything in ``outs``, or None if the list of a folder is not in the cache."""
        files = {}
        for out, md5 in outs.items():
            if not md5.endswith(".dir"):
                files[out] = md5
                continue
            try:
                entries = json.loads(self.path(md5).read_text(encoding="utf-8"))
            except (FileNotFoundError, ValueError):
                return None
            files |= {f"{out}/{entry['relpath']}": entry["md5"] for entry in entries}
        return files
