"""The ``skeleton`` codec: frames of samples on their principal components, a closed form. Replace it by your codec.

It shows all that a codec is to the pipeline: :func:`obtain` makes or finds the weights once per data set, :func:`load`
gives an object with ``frames``, ``encode`` and ``decode``. With as many components as a frame has samples it is exact.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from etude.errors import UserError
from etude.pipeline.files import atomic, sha256_file
from etude.training.checkpoint import Checkpoint

WEIGHTS = "weights.safetensors"


class SkeletonCodec(nn.Module):
    """``settings``: sample_rate, frame (samples of a latent frame), components (of each, at most ``frame``)."""

    def __init__(self, settings):
        super().__init__()
        if settings.components > settings.frame:
            raise UserError(
                f"codec.skeleton: {settings.components} components of {settings.frame} samples; give as many at most"
            )
        self.sample_rate, self.channels, self.frame = settings.sample_rate, settings.components, settings.frame
        self.register_buffer("mean", torch.zeros(self.frame))
        self.register_buffer("components", torch.zeros(self.channels, self.frame))

    def frames(self, samples: int) -> int:
        if samples % self.frame:
            raise UserError(
                f"the skeleton codec cuts clips into frames of {self.frame} samples, and {samples} is no multiple of "
                "it: change prepare.chunk_samples or codec.skeleton.frame"
            )
        return samples // self.frame

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        framed = audio.reshape(len(audio), self.frames(audio.shape[-1]), self.frame)
        return ((framed - self.mean) @ self.components.T).transpose(1, 2)

    @torch.no_grad()
    def decode(self, latents: Tensor, samples: int, seed: int) -> Tensor:
        return (latents.transpose(1, 2) @ self.components + self.mean).reshape(len(latents), samples)


def obtain(folder: Path, audio: np.ndarray, rate: int, settings: Any, checkpoint: Checkpoint) -> dict[str, Any]:
    """Find the principal components of ``audio``, int16 [clips, samples]; ``checkpoint`` is for codecs that train."""
    if rate != settings.sample_rate:
        raise UserError(
            f"the skeleton codec is set to {settings.sample_rate} Hz and the clips have {rate} Hz: "
            "make codec.skeleton.sample_rate and prepare.sample_rate equal"
        )
    codec = SkeletonCodec(settings)
    codec.frames(audio.shape[1])
    framed = torch.from_numpy(audio.reshape(-1, settings.frame).astype(np.float32) / 32768)
    codec.mean.copy_(framed.mean(0))
    centred = framed - codec.mean
    _, vectors = torch.linalg.eigh((centred.T @ centred).double())
    chosen = vectors.flip(1)[:, : settings.components].T
    largest = chosen.gather(1, chosen.abs().argmax(1, keepdim=True))
    codec.components.copy_(chosen * largest.sign())  # an eigenvector's sign is arbitrary: fix it
    with atomic(folder / WEIGHTS) as part:
        save_file(codec.state_dict(), part)
    return {"weights": WEIGHTS, "weights_sha256": sha256_file(folder / WEIGHTS)}


def load(folder: Path, settings: Any) -> SkeletonCodec:
    """The codec in ``folder``."""
    codec = SkeletonCodec(settings)
    try:
        codec.load_state_dict(load_file(folder / WEIGHTS))
    except RuntimeError as error:
        raise UserError(
            f"{folder / WEIGHTS}: weights of another skeleton codec ({str(error).splitlines()[-1].strip()}); build "
            "models/codecs again"
        ) from None
    return codec.eval()
