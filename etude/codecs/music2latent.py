"""Music2Latent (P-04), the codec of the thesis: 44.1 kHz, 64 channels at 10.77 Hz, a consistency model as its decoder.

The network and its spectral front end are the package ``music2latent``'s, its weights a file of the user's (they are
CC BY-NC 4.0, so none lies here). The package's own class is passed by: it downloads before it looks for a file, runs
whatever code the file holds, fills what tensors it can and says nothing of the rest, and computes in half precision on
a GPU only. Here it is single precision everywhere.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from etude.codecs._pretrained import (
    Published,
    best_device,
    check_rate,
    check_record,
    exact,
    fill,
    forget,
    read_tensors,
    weight_file,
)
from etude.errors import UserError
from etude.training.checkpoint import Checkpoint

RATE = 44100  # Hz
CHANNELS = 64
HOP = 512  # samples a frame of its spectrogram, whose window is four hops long and whose ends are not padded
BINS = 1024
STACK = 8  # spectral frames a latent frame
SCALE = 0.06  # of the bottleneck's -1..1; latents are divided by it, which brings them near unit variance
NOISE = 80.0  # standard deviation of what decoding starts from
BLOCK = 2  # clips at a time: decoding takes 0.6 GB for three seconds

PUBLISHED = Published(codec="music2latent", model="Music2Latent", file="music2latent.pt")

# The published file also holds numbers about its training, as NumPy scalars. NumPy 1 called the module by another name.
_SCALAR = np._core.multiarray.scalar
SCALARS = [_SCALAR, (_SCALAR, "numpy.core.multiarray.scalar"), np.dtype]
SCALARS += [type(np.dtype(kind)) for kind in ("bool", "int32", "int64", "float32", "float64")]


class Music2LatentCodec(nn.Module):
    """See the module's text."""

    sample_rate = RATE
    channels = CHANNELS

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def frames(self, samples: int) -> int:
        """Whole latent frames only: 132,608 samples are 32 frames and 132,607 are 31."""
        frames = max(samples // HOP - 3, 0) // STACK
        if not frames:
            raise UserError(
                f"Music2Latent needs {(STACK + 3) * HOP} samples for one latent frame, and a clip has {samples}: raise "
                "prepare.chunk_samples in params.yaml"
            )
        return frames

    @exact()
    def encode(self, audio: Tensor) -> Tensor:
        covered = (self.frames(audio.shape[1]) * STACK + 3) * HOP
        return torch.cat([self._encode(block) for block in audio[:, :covered].split(BLOCK)])

    @exact()
    def decode(self, latents: Tensor, samples: int, seed: int) -> Tensor:
        """As :meth:`etude.codecs.Codec.decode`, in one step. Past the last latent frame there is silence.

        All clips start from the noise that ``seed`` gives, so that a clip sounds the same whatever batch it is in.
        """
        shape = (1, 2, BINS, latents.shape[2] * STACK)  # real and imaginary part
        noise = NOISE * torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(self._device)
        return torch.cat([self._decode(block, noise, samples) for block in latents.split(BLOCK)])

    def _encode(self, audio: Tensor) -> Tensor:
        from music2latent.audio import to_representation_encoder

        return (self.network.encoder(to_representation_encoder(audio.to(self._device))) / SCALE).to(audio.device)

    def _decode(self, latents: Tensor, noise: Tensor, samples: int) -> Tensor:
        from music2latent.audio import to_waveform

        spectrogram = self.network(SCALE * latents.to(self._device), noise.expand(len(latents), -1, -1, -1), NOISE)
        audio = to_waveform(spectrogram)
        return functional.pad(audio, (0, samples - audio.shape[1])).to(latents.device)

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device


def obtain(folder: Path, audio: np.ndarray, rate: int, settings, checkpoint: Checkpoint) -> dict[str, Any]:
    """Check the weight file, all of it: sum, names and shapes. As :mod:`etude.codecs` has it.

    There is nothing to fit on ``audio`` and no training to go on with, so it and ``checkpoint`` are left alone.
    """
    check_rate(rate, RATE, PUBLISHED)
    path, facts = weight_file(settings, PUBLISHED)
    _build(path).frames(audio.shape[1])
    forget(folder)
    return facts


def load(folder: Path, settings) -> Music2LatentCodec:
    """The codec, on the GPU if there is one."""
    path, facts = weight_file(settings, PUBLISHED)
    check_record(folder, {"weights_sha256": facts["weights_sha256"]})
    return _build(path)


def _build(path: Path) -> Music2LatentCodec:
    saved = read_tensors(path, PUBLISHED, SCALARS)
    if not isinstance(saved, dict) or "gen_state_dict" not in saved:
        raise UserError(
            f"{path}: not the weights of {PUBLISHED.model}: it has no entry gen_state_dict; {PUBLISHED.advice}"
        )
    try:
        from music2latent.models import UNet
    except ImportError as error:
        raise UserError(f"the package music2latent cannot be imported ({error}): run `make` again") from None
    with torch.random.fork_rng(devices=[]):
        network = UNet()
    fill(network, saved["gen_state_dict"], path, PUBLISHED)
    return Music2LatentCodec(network).to(best_device()).eval().requires_grad_(False)
