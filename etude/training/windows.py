"""Parts of clips as training examples: as long as a step can afford, at fixed places, read alone from the maps."""

import time

import numpy as np
import torch
from torch import Tensor

from etude.training.arrays import EncodedSplit


class Windows:
    """Every clip of ``split`` as parts of ``frames`` frames, the last axis of all arrays, that overlap by half.

    The parts reach from the clip's beginning to its end; 0 frames, or as many as a clip has, gives the clips as they
    are. Which parts there are is fixed, so the training's order of examples is still a function of its seed alone.
    ``seconds`` and ``batches`` say how long reading took.
    """

    def __init__(self, split: EncodedSplit, frames: int):
        lengths = {array.shape[-1] for array in split.arrays.values()}
        if len(lengths) != 1:
            raise ValueError(f"arrays of different numbers of frames: {sorted(lengths)}")
        (length,) = lengths
        self.split, self.frames = split, min(frames or length, length)
        parts = 1 + -(-(length - self.frames) // max(1, self.frames // 2))
        self.starts = [round(part * (length - self.frames) / max(1, parts - 1)) for part in range(parts)]
        self.seconds, self.batches = 0.0, 0

    def __len__(self) -> int:
        return len(self.split) * len(self.starts)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one part of each array."""
        return {name: (*shape[:-1], self.frames) for name, shape in self.split.shapes.items()}

    def batch(self, parts: Tensor | slice, names: tuple[str, ...] | None = None) -> dict[str, Tensor]:
        """float32 tensors [parts, ...] of the arrays called ``names`` (all by default) at positions ``parts``."""
        began = time.perf_counter()
        chosen = torch.arange(len(self))[parts].tolist()
        places = [(self.split.rows[part // len(self.starts)], self.starts[part % len(self.starts)]) for part in chosen]
        batch = {
            name: torch.from_numpy(np.stack([array[row, ..., at : at + self.frames] for row, at in places])).float()
            for name, array in self.split.arrays.items()
            if names is None or name in names
        }
        self.seconds += time.perf_counter() - began
        self.batches += 1
        return batch
