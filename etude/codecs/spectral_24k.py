"""The ``spectral`` codec with a block of its own in params.yaml: for data sets at 24 kHz, with more frames a second
since controls follow them."""

from etude.codecs.spectral import load, obtain

__all__ = ["load", "obtain"]
