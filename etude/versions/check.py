"""`etude check`: is dvc.yaml what the Snakefile says?"""

import argparse
import difflib
from pathlib import Path

from etude.errors import UserError
from etude.versions.project import opened
from etude.versions.projection import DVC_YAML, render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose."""


def execute(arguments: argparse.Namespace) -> int:
    """Compare, needing no data; returns the exit status. Raises ``UserError`` after showing the difference."""
    with opened(Path.cwd()) as project:
        difference = drift(project.directory, render(project.stages))
    if difference:
        print(difference, end="")
        raise UserError(f"{DVC_YAML} is not what the Snakefile says, see above; `etude sync` writes it anew")
    print(f"etude: {DVC_YAML} is what the Snakefile says")
    return 0


def drift(directory: Path, text: str) -> str:
    """What has to change in dvc.yaml to make it ``text``, as a unified diff ("" if nothing)."""
    path = directory / DVC_YAML
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = (found.splitlines(keepends=True), text.splitlines(keepends=True))
    return "".join(difflib.unified_diff(*lines, f"{DVC_YAML} as it is", f"{DVC_YAML} as the Snakefile has it"))
