"""Blocks of params.yaml about what is diffused: `encode` and `formats`."""

from typing import Literal

from pydantic import model_validator

from etude.config.schema.base import Block, Positive, Word


class Mel(Block):
    """The mel spectrograms that the multi-scale system looks at (P-05, P-06)."""

    bands: Positive
    """of the finest [bands] (P-05)"""
    hop: Positive
    """between its frames [samples] (P-05)"""
    window: Positive
    """of its Fourier transform [samples] (P-05)"""
    samples: Positive
    """the first so many of a clip [samples] (P-03)"""
    pyramid: Literal["pool", "recompute"] | None
    """how the coarser ones are made: `pool` averages the finest, `recompute` takes longer windows (P-06)"""


class Encode(Block):
    """Latents and mel spectrograms as memory-mapped arrays."""

    mel: Mel
    """the mel spectrograms"""
    batch: Positive
    """clips that are encoded together [clips]"""


class Format(Block):
    """formats.<name>: an array of a codec, exported once as a memory map (M-03)."""

    codec: Word
    """whose it is: a block of `codec` (M-03)"""
    array: Literal["latents", "codes"]
    """its latents, or its codes (M-05, M-06)"""
    storage: Literal["float32", "float16", "int16"]
    """how a number is stored: `int16` for codes, `float16` for the large CQT"""

    @model_validator(mode="after")
    def _codes_are_whole_numbers(self):
        if (self.array == "codes") != (self.storage == "int16"):
            raise ValueError(f"array {self.array} cannot be stored as {self.storage}: codes are int16, latents float")
        return self
