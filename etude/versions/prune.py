"""Files among the outs that no job makes: what a shorter grid, another name or a crash has left behind.

DVC would version them with the rest, and a clean rebuild of the same commit would disagree with its own lock.
"""

import os
from pathlib import Path

from etude.versions.projection import Stage
from etude.versions.records import Workflow


def orphans(stage: Stage, workflow: Workflow) -> list[str]:
    """Files in the outs of ``stage`` that no job of ``workflow`` makes, sorted.

    A job may write more than it declares (the sounds that its index.csv lists, the weights beside its judge.json):
    what lies beside or below a declared output belongs to it, unless it is what another cell of the grid would make.
    """
    homes = {os.path.dirname(path) for path in workflow.maker}
    found = []
    for out in stage.outs:
        for folder, _, names in os.walk(workflow.directory / out):
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), workflow.directory)
                if path in workflow.maker or is_passing(name):
                    continue
                if workflow.producible(path) or not _has_home(path, out, homes):
                    found.append(path)
    return sorted(found)


def remove(paths: list[str], directory: Path) -> None:
    """Delete ``paths`` and the folders that become empty."""
    for path in paths:
        (directory / path).unlink()
        for parent in Path(path).parents:
            if any((directory / parent).iterdir()):
                break
            (directory / parent).rmdir()


def is_passing(name: str) -> bool:
    """Whether a file is none of anybody's business: .dvcignore lists the same."""
    half_written = name.startswith(".") and ".part" in name
    return half_written or name == ".snakemake_timestamp" or name.endswith((".provenance.json", ".provenance.js"))


def _has_home(path: str, out: str, homes: set[str]) -> bool:
    folder = os.path.dirname(path)
    while folder.startswith(out):
        if folder in homes:
            return True
        folder = os.path.dirname(folder)
    return False
