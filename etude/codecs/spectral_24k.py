"""The ``spectral`` codec with a block of its own in params.yaml: for data sets at 24 kHz, whose controls ask for more frames
a second."""

from etude.codecs.spectral import load, obtain

__all__ = ["load", "obtain"]
