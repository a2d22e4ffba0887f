"""The encoded arrays of a data set, memory-mapped, and batches of them."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from etude.errors import UserError
from etude.pipeline.files import read_csv

BLOCK = 2**23
"""Values that are taken into memory at a time."""


class EncodedSplit:
    """The clips of one split: ``index.csv`` and one ``<name>.npy`` [clips, ...] per array in ``folder``."""

    def __init__(self, folder: Path, split: str, names: tuple[str, ...]):
        rows = [row for row in read_csv(folder / "index.csv") if row["split"] == split]
        if not rows:
            raise UserError(
                f"{folder / 'index.csv'}: no clips in split {split!r}; check prepare.split and the data set's manifest"
            )
        self.clips = [row["clip"] for row in rows]
        self.rows = np.array([int(row["row"]) for row in rows])
        self.arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one clip of each array."""
        return {name: array.shape[1:] for name, array in self.arrays.items()}

    def batch(self, clips: Tensor | slice, names: tuple[str, ...] | None = None) -> dict[str, Tensor]:
        """float32 tensors [clips, ...] of the arrays called ``names`` (all by default) at positions ``clips``."""
        rows = self.rows[clips.numpy() if isinstance(clips, Tensor) else clips]
        chosen = self.arrays if names is None else names
        return {name: torch.from_numpy(self.arrays[name][rows].astype(np.float32)) for name in chosen}

    def mean_and_std(self, name: str) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each channel of array ``name`` [clips, channels, ...] over the split."""
        array = self.arrays[name]
        others = tuple(axis for axis in range(array.ndim) if axis != 1)
        together = max(1, min(256, BLOCK // int(np.prod(array.shape[1:]))))
        total, squares, count = 0.0, 0.0, 0
        for start in range(0, len(self), together):
            block = array[self.rows[start : start + together]].astype(np.float64)
            total, squares = total + block.sum(others), squares + (block**2).sum(others)
            count += block.size // block.shape[1]
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
        return torch.from_numpy(mean).float(), torch.from_numpy(std).float()
