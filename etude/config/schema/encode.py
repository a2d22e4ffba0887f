"""Blocks of params.yaml about what is diffused: `encode` and `formats`."""

from typing import Literal

from pydantic import model_validator

from etude.config.schema.base import Block, Positive, Word


class Mel(Block):
    """The finest mel spectrogram x_3 of a clip's first ``samples`` (P-05); ``pyramid`` makes the coarser (P-06)."""

    bands: Positive
    hop: Positive
    window: Positive
    samples: Positive
    pyramid: Literal["pool", "recompute"] | None


class Encode(Block):
    """Latents and mel spectrograms as memory-mapped arrays."""

    mel: Mel
    batch: Positive


class Format(Block):
    """formats.<name>: an array of a codec, as it is stored: half precision is for the CQT, which is large."""

    codec: Word
    array: Literal["latents", "codes"]
    storage: Literal["float32", "float16", "int16"]

    @model_validator(mode="after")
    def _codes_are_whole_numbers(self):
        if (self.array == "codes") != (self.storage == "int16"):
            raise ValueError(f"array {self.array} cannot be stored as {self.storage}: codes are int16, latents float")
        return self
