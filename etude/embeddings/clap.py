"""CLAP's audio tower through transformers, from a local folder: unit vectors, one per 10 s window.

Only full windows, every second; a shorter clip is repeated to fill one. A longer clip must not go in whole: the feature
extractor would crop it at random.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from etude.embeddings._weights import existing, hashed, weights_path
from etude.errors import UserError

HOP = 1.0  # seconds
FILES = ("model.safetensors", "config.json", "preprocessor_config.json")
ADVICE = (
    f"fetch {', '.join(FILES)} of a CLAP model for transformers (laion/clap-htsat-unfused: about 615 MB) into a "
    "folder and set judge.clap.weights to it"
)


def obtain(folder: Path, index: Path, settings: Any) -> dict[str, Any]:
    """Check the model folder ``settings.weights``; ``settings.sha256``, if given, is that of its model.safetensors."""
    model = weights_path("clap", settings, ADVICE)
    facts = {"weights": str(model), **hashed(_parts(model)[0], getattr(settings, "sha256", None))}
    clap = load(folder, facts)
    return facts | {
        "dimension": clap.dimension,
        "sample_rate": clap.sample_rate,
        "window": clap.window / clap.sample_rate,
        "hop": HOP,
        "front_end": "transformers ClapFeatureExtractor, full windows only, shorter clips repeated and zero-padded to "
        "one window; projected embedding scaled to norm 1",
    }


def load(folder: Path, facts: dict[str, Any]) -> "Clap":
    """The network from the folder named in ``facts``."""
    model = Path(facts["weights"])
    hashed(_parts(model)[0], facts["weights_sha256"])
    return Clap(model)


def _parts(model: Path) -> list[Path]:
    return [existing(model / part, "clap", ADVICE) for part in FILES]


class Clap:
    """The audio tower as an :class:`etude.embeddings.Embedding`."""

    shortest = 1
    one_duration = True  # a repeated clip and a full window are not measured alike

    def __init__(self, model: Path):
        os.environ["HF_HUB_OFFLINE"] = "1"
        try:
            from transformers import ClapAudioModelWithProjection, ClapFeatureExtractor
        except ImportError:
            raise UserError(
                "the clap embedding needs the package transformers: pip install transformers==5.23.0"
            ) from None
        try:
            network, report = ClapAudioModelWithProjection.from_pretrained(
                model, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
            extractor = ClapFeatureExtractor.from_pretrained(model, local_files_only=True)
        except Exception as error:  # transformers and safetensors name a wrong file in many ways
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"{model}: not a CLAP model ({reason}): {ADVICE}") from error
        if wrong := [*report["missing_keys"], *report["mismatched_keys"]]:
            raise UserError(
                f"{model}: not the weights of a CLAP audio tower, {len(wrong)} of its tensors are missing or of "
                f"another shape ({wrong[0]}): {ADVICE}"
            )
        self._network, self._extractor = network.eval(), extractor
        self._truncation = "fusion" if network.config.enable_fusion else "rand_trunc"  # decides about the mel filters
        self.sample_rate = extractor.sampling_rate
        self.dimension = network.config.projection_dim
        self.window = extractor.nb_max_samples

    def embed(self, audio: Tensor) -> Tensor:
        """As :meth:`etude.embeddings.Embedding.embed`."""
        return torch.stack([self._embed(clip) for clip in audio.numpy()])

    def _embed(self, clip: np.ndarray) -> Tensor:
        starts = range(0, max(len(clip) - self.window, 0) + 1, round(HOP * self.sample_rate))
        windows = [clip[start : start + self.window] for start in starts]
        inputs = self._extractor(
            windows,
            truncation=self._truncation,
            padding="repeatpad",
            sampling_rate=self.sample_rate,
            return_tensors="pt",
        )
        # In fusion mode the extractor declares a window at random to be longer than it is.
        is_longer = torch.zeros(len(windows), 1, dtype=torch.bool)
        with torch.no_grad():
            vectors = self._network(input_features=inputs["input_features"].float(), is_longer=is_longer).audio_embeds
        return functional.normalize(vectors, dim=-1)
