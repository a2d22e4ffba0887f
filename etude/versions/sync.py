"""`etude sync`: write dvc.yaml from the Snakefile."""

import argparse
from pathlib import Path

from etude.pipeline.files import atomic
from etude.versions.project import opened
from etude.versions.projection import DVC_YAML, render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose."""


def execute(arguments: argparse.Namespace) -> int:
    """Write dvc.yaml, if it is not what the Snakefile says already; returns the exit status."""
    with opened(Path.cwd()) as project:
        text = render(project.stages)
        names = ", ".join(stage.name for stage in project.stages)
    path = Path.cwd() / DVC_YAML
    if path.exists() and path.read_text(encoding="utf-8") == text:
        print(f"etude: {DVC_YAML} is up to date")
        return 0
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")
    print(f"etude: wrote {DVC_YAML}: {names}")
    return 0
