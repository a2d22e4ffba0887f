"""MNIST's file format: arrays of bytes in idx files, plain or gzipped."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from etude.errors import UserError

BYTES = 8  # the format's code for unsigned bytes


def read_idx(folder: Path, name: str) -> np.ndarray:
    """The array of bytes in ``folder``/``name`` or ``name``.gz.

    Raises ``UserError`` when there is no such file, or when it is not an idx file of bytes, or cut short.
    """
    path = next((path for path in (folder / name, folder / f"{name}.gz") if path.exists()), None)
    if path is None:
        raise UserError(
            f"{folder}: no {name} or {name}.gz in it; toys.digits.mnist names the folder of MNIST's four files"
        )
    data = path.read_bytes()
    try:
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error):
        raise UserError(f"{path}: a damaged gzip file; fetch it again") from None
    axes = data[3] if len(data) > 3 else 0
    if len(data) < 4 + 4 * axes or data[:3] != bytes([0, 0, BYTES]):
        raise UserError(f"{path}: not an idx file of bytes (its first bytes are {data[:4].hex()}, expected 000008..)")
    shape = tuple(int.from_bytes(data[4 + 4 * k : 8 + 4 * k], "big") for k in range(axes))
    if len(data) - 4 - 4 * axes != math.prod(shape):
        raise UserError(
            f"{path}: {len(data) - 4 - 4 * axes} bytes where its header promises {math.prod(shape)}; fetch it again"
        )
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)
