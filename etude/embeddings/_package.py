"""The networks of the frechet-audio-distance package, from local files only, without its way of hiding errors.

Only its networks are used. Its `score` returns -1 on any error, its `get_embeddings` drops every clip after the first
that fails, and importing it needs laion_clap, which pins numpy < 2; so clips go through one by one and are counted,
and laion_clap is an empty module for as long as the import lasts.
"""

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from etude.errors import UserError


def package() -> ModuleType:
    """The module `frechet_audio_distance`, imported without laion_clap."""
    if "frechet_audio_distance" in sys.modules:
        return sys.modules["frechet_audio_distance"]
    with mock.patch.dict(sys.modules):
        sys.modules.setdefault("laion_clap", ModuleType("laion_clap"))
        try:
            module = importlib.import_module("frechet_audio_distance")
        except ImportError as error:
            raise UserError(
                f"the package frechet-audio-distance cannot be imported ({error}): run `make` again"
            ) from None
        imported = {name: found for name, found in sys.modules.items() if name != "laion_clap"}
    sys.modules.update(imported)
    return module


@contextlib.contextmanager
def local_hub(folder: Path) -> Iterator[None]:
    """Within, torch.hub reads ``folder``, loads plain weights only, and touches no network.

    ``folder`` is laid out as torch.hub does: repositories as <owner>_<name>_master/, weight files in checkpoints/.
    Left to itself, torch.hub asks the network for a repository's default branch even when it is here.
    """
    load = torch.hub.load

    def load_local(repo_or_dir: str, model: str, **options: Any) -> Any:
        return load(str(folder / (repo_or_dir.replace("/", "_") + "_master")), model, source="local", **options)

    def refuse(url: str, dst: str, *_, **__) -> None:
        raise UserError(f"{dst}: not found, and nothing is downloaded here; put the file of that name there")

    before = torch.hub.get_dir()
    numpy_arrays = [np._core.multiarray._reconstruct, np.ndarray, np.dtype, type(np.dtype("f4")), type(np.dtype("f8"))]
    try:
        with (
            mock.patch.object(torch.hub, "load", load_local),
            mock.patch.object(torch.hub, "download_url_to_file", refuse),
            mock.patch.dict(os.environ, {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}),
            torch.serialization.safe_globals(numpy_arrays),
        ):
            yield
    finally:
        torch.hub.set_dir(before)


class PackageEmbedding:
    """A network of the package as an :class:`etude.embeddings.Embedding`."""

    one_duration = False

    def __init__(
        self, network: str, hub: Path, rate: int, dimension: int, shortest: int, windows: Callable[[int], int]
    ):
        """``network`` as the package calls it; ``windows`` gives the number of windows of a clip of so many samples."""
        self.sample_rate, self.dimension, self.shortest, self._windows = rate, dimension, shortest, windows
        try:
            with local_hub(hub), contextlib.redirect_stdout(sys.stderr):
                self._network = package().FrechetAudioDistance(ckpt_dir=str(hub), model_name=network, sample_rate=rate)
        except UserError:
            raise
        except Exception as error:  # whatever the package or the weight file's format makes of a wrong file
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"{hub}: these weights are not those of {network} ({reason}); get the file named in the README"
            ) from error

    def embed(self, audio: Tensor) -> Tensor:
        """As :meth:`etude.embeddings.Embedding.embed`."""
        return torch.stack([self._embed(clip) for clip in audio.numpy()])

    def _embed(self, clip: np.ndarray) -> Tensor:
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said), torch.no_grad():
                vectors = self._network.get_embeddings([clip], self.sample_rate)
        except ValueError:  # nothing to concatenate: the package has printed why and gone on
            raise UserError(f"frechet-audio-distance could not embed a clip: {said.getvalue().strip()}") from None
        expected = (self._windows(len(clip)), self.dimension)
        if vectors.shape != expected:
            raise UserError(
                f"frechet-audio-distance gave embeddings {list(vectors.shape)} for a clip of {len(clip)} samples, "
                f"{list(expected)} expected: the weights or the code in the hub folder are of another model"
            )
        return torch.from_numpy(vectors)
