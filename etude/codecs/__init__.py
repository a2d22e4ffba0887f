"""Codecs: audio to latents [channels, frames] and back. ``etude/codecs/<name>.py`` is found by its name.

A plug-in has two functions:

``obtain(folder, audio, rate, settings, checkpoint) -> dict``
    Make or find what :func:`load` needs. ``audio`` is the train split, int16 [clips, samples] at ``rate`` Hz;
    ``settings`` the codec's block of params.yaml. A codec trained here writes ``weights.safetensors`` into
    ``folder``; a
    pretrained one checks the user's weight file (sha256, keys) and records where it lies. ``checkpoint`` is where a
    training that was killed goes on. Returns facts for
    ``codec.json``, at least ``weights`` (file name or path) and ``weights_sha256``.
``load(folder, settings) -> Codec``
    The codec, ready to use, after checking the weights against ``codec.json`` in ``folder``.

A codec may offer more: codes (:mod:`etude.codecs.codes`), and frames that say where in time they lie, so that controls
can follow them (:mod:`etude.codecs.framed`). One that sets ``keeps_phase`` is also judged sample by sample.
"""

import importlib
import importlib.util
from types import ModuleType
from typing import Protocol

from torch import Tensor

from etude.errors import UserError


class Codec(Protocol):
    """Encodes mono audio at ``sample_rate`` Hz to ``channels``-dimensional latents, and back.

    It may work on a GPU of its own accord; tensors come and go on the CPU.
    """

    sample_rate: int
    channels: int

    def frames(self, samples: int) -> int:
        """Number of latent frames for a clip of so many samples."""

    def encode(self, audio: Tensor) -> Tensor:
        """Audio [batch, samples] in -1..1 to latents [batch, channels, frames]."""

    def decode(self, latents: Tensor, samples: int, seed: int) -> Tensor:
        """Latents [batch, channels, frames] to audio [batch, samples]; ``seed`` fixes whatever is random in it."""


def plugin(name: str) -> ModuleType:
    """The module of codec ``name``; raises ``UserError`` when there is none."""
    if not name.isidentifier() or importlib.util.find_spec(f"etude.codecs.{name}") is None:
        raise UserError(
            f"no codec called {name!r}: grid.codecs in params.yaml names files of etude/codecs/ (without .py)"
        )
    return importlib.import_module(f"etude.codecs.{name}")
