"""Checkpoints of a training under way: whole or not there, and never those of another configuration."""

from pathlib import Path
from typing import Any

import torch

from etude.pipeline.files import atomic


class Checkpoint:
    """One file in ``folder``, which is named after the fingerprint of parameters, code and data of the run.

    A checkpoint that cannot be read (the disk was full, the file was cut) is worth nothing: it is put aside with a
    message and the training starts again.
    """

    def __init__(self, folder: Path):
        self.path = folder / "checkpoint.pt"

    def save(self, state: dict[str, Any]) -> None:
        with atomic(self.path) as part:
            torch.save(state, part)

    def load(self) -> dict[str, Any] | None:
        """The last saved state, or ``None``."""
        if not self.path.exists():
            return None
        try:
            return torch.load(self.path, weights_only=True, map_location="cpu")
        except Exception as error:  # torch raises many kinds for a damaged archive
            print(f"{self.path}: unreadable checkpoint put aside ({type(error).__name__}), starting again", flush=True)
            self.path.replace(self.path.with_suffix(".damaged"))
            return None

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
