"""Random numbers that depend on where one is, not on how one got there."""

import hashlib

import torch


def seed_of(*place) -> int:
    """A 63-bit seed for any tuple of plain values: the same in every process, on every machine."""
    return int.from_bytes(hashlib.sha256(repr(place).encode()).digest()[:8], "little") >> 1


def generator_at(*place) -> torch.Generator:
    """A CPU generator for one place of a run, e.g. ``generator_at(seed, "stage", 1, "step", 200)``.

    A resumed run draws the same numbers as an uninterrupted one, since no generator state is carried along.
    """
    return torch.Generator().manual_seed(seed_of(*place))
