"""`etude unlock`: the tidying up that `etude run` does at its start, on its own."""

import argparse
from pathlib import Path

from etude.pipeline.lock import RunLock
from etude.pipeline.recovery import tidy_up


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose."""


def execute(arguments: argparse.Namespace) -> int:
    """Stop what a killed run left on this machine and remove its locks. Raises ``UserError`` beside a live run."""
    directory = Path.cwd()
    lock = RunLock(directory)
    try:
        tidy_up(directory, lock, sure=True)
    finally:
        lock.release()
    print("etude: no run is at work here, and no lock is left")
    return 0
