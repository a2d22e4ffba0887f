"""Several large arrays written side by side: whole when the block ends well, absent when it does not."""

from pathlib import Path

import numpy as np


class ArrayWriter:
    """``<folder>/<name>.npy`` [clips, *shape] for each of ``shapes``, filled block by block on disk, not in memory."""

    def __init__(self, folder: Path, clips: int, shapes: dict[str, tuple[int, ...]], types: dict[str, type]):
        self.folder = folder
        self.clips, self.shapes, self.types = clips, shapes, types

    def __enter__(self) -> "ArrayWriter":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.arrays = {
            name: np.lib.format.open_memmap(self._part(name), "w+", self.types[name], (self.clips, *shape))
            for name, shape in self.shapes.items()
        }
        return self

    def write(self, name: str, start: int, block: np.ndarray) -> None:
        """Put ``block`` at clips ``start`` and following. Its shape must be the one that was promised."""
        if block.shape[1:] != self.shapes[name]:
            raise ValueError(f"{name}: clips of shape {block.shape[1:]} where {self.shapes[name]} was announced")
        self.arrays[name][start : start + len(block)] = block

    def __exit__(self, kind, error, trace) -> None:
        for array in self.arrays.values():
            array.flush()
        self.arrays.clear()
        for name in self.shapes:
            part = self._part(name)
            if kind is None:
                part.replace(self.folder / f"{name}.npy")
            else:
                part.unlink(missing_ok=True)

    def _part(self, name: str) -> Path:
        return self.folder / f".{name}.part.npy"
