"""Embeddings: audio to vectors in which FAD is measured. ``etude/embeddings/<name>.py`` is found by its name.

A plug-in has two functions:

``obtain(folder, index, settings) -> dict``
    Make or find what :func:`load` needs. ``index`` is the index of a prepared data set with its labels; ``settings``
    the embedding's block of params.yaml. An embedding trained here writes its weights into ``folder``; a pretrained one
    checks the user's weight file and never downloads. Returns the facts of ``judge.json``: ``dimension``,
    ``sample_rate`` (Hz), ``window`` and ``hop`` (seconds), ``front_end`` (words), ``weights`` (path),
    ``weights_sha256``, ``weights_bytes``, and whatever else is worth knowing (validation scores).
``load(folder, facts) -> Embedding``
    The embedding, ready to use, after checking that the weights are still those of ``facts``.

Modules whose names begin with an underscore are helpers, not plug-ins.
"""

import importlib
import importlib.util
import json
import pkgutil
from types import ModuleType
from typing import Any, Protocol

from torch import Tensor

from etude.errors import UserError
from etude.pipeline.files import sha256_bytes

IDENTITY = ("embedding", "dimension", "sample_rate", "window", "hop", "front_end", "weights_sha256")


class Embedding(Protocol):
    """Turns mono audio at ``sample_rate`` Hz into one vector of ``dimension`` numbers per window."""

    sample_rate: int
    dimension: int
    shortest: int  # samples a clip must have at least
    one_duration: bool  # whether clips of different durations must not be mixed in one set

    def embed(self, audio: Tensor) -> Tensor:
        """float32 audio [batch, samples] in -1..1, samples >= ``shortest``, to vectors [batch, windows, dimension]."""


def plugin(name: str) -> ModuleType:
    """The module of embedding ``name``; raises ``UserError`` when there is none."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    if name not in names:
        raise UserError(
            f"no embedding called {name!r}: grid.embeddings in params.yaml names files of etude/embeddings/ "
            f"({', '.join(names)})"
        )
    return importlib.import_module(f"etude.embeddings.{name}")


def fingerprint(facts: dict[str, Any]) -> str:
    """sha256 over all that decides about the vectors: weights, front end, windows. Only equals may be compared."""
    return sha256_bytes(json.dumps({key: facts[key] for key in IDENTITY}, sort_keys=True).encode())
