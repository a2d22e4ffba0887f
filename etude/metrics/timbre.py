"""Timbre similarity: the triplet metric that SS-VQ-VAE was evaluated with, rebuilt from its description (P-32).

A small network on MFCCs 2 to 13 (the first, which is level, is left out) maps a clip to a vector; the cosine of two
vectors is their similarity. The network is trained to put two clips of one instrument closer together than two of
different instruments. Its authors pool by 128 frames in all, so that a clip shorter than 3.97 s leaves nothing to pool:
here every clip is looped (or cut) to 8 s, the length they trained on, in training and in use alike.

A network untrained gives similarities far above zero as well, since its vectors are positive: a score means something
beside that of a random pair only.
"""

import functools
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from etude.audio.resample import resample
from etude.errors import UserError

RATE, SECONDS = 16000, 8
COEFFICIENTS = 12  # MFCC 2..13
FFT, HOP, BANDS = 2048, 500, 128
POWER_FLOOR, TOP_DB = 1e-10, 80.0
KERNELS = (4, 4, 4, 2)  # of the convolutions, and of the pooling after each
WIDTH = 64
MARGIN = 0.1
FRONT_END = (
    f"{RATE} Hz, looped or cut to {SECONDS} s; MFCC 2-13 of {BANDS} mel bands, {FFT}-sample Hann frames every {HOP} "
    f"samples, {TOP_DB:g} dB below the loudest band at most; loudness plays no part"
)


class TripletNetwork(nn.Module):
    """MFCCs [batch, 12, frames] to vectors [batch, 64]: four blocks of convolution, normalisation, ReLU and pooling,
    then the mean over time. At least 128 frames."""

    def __init__(self):
        super().__init__()
        widths = [COEFFICIENTS, *[WIDTH] * len(KERNELS)]
        self.blocks = nn.Sequential(
            *(_block(*pair, kernel) for pair, kernel in zip(pairwise(widths), KERNELS, strict=True))
        )

    def forward(self, mfcc: Tensor) -> Tensor:
        return self.blocks(mfcc).mean(dim=2)


def _block(inside: int, outside: int, kernel: int) -> nn.Sequential:
    convolution = nn.Conv1d(inside, outside, kernel)
    nn.init.kaiming_uniform_(convolution.weight, nonlinearity="relu")
    nn.init.zeros_(convolution.bias)
    same = nn.ZeroPad1d(((kernel - 1) // 2, kernel // 2))  # as many frames out as in; the odd one is padded at the end
    return nn.Sequential(same, convolution, nn.BatchNorm1d(outside), nn.ReLU(), nn.MaxPool1d(kernel))


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Mean over the batch of the hinge: the positive's cosine should exceed the negative's by a margin of 0.1."""
    near, far = (functional.cosine_similarity(anchor, other) for other in (positive, negative))
    return functional.relu(MARGIN + far - near).mean()


def loop(audio: np.ndarray, samples: int) -> np.ndarray:
    """``audio`` [frames] repeated, and cut, to ``samples``."""
    return np.resize(audio, samples)


def mfcc(audio: np.ndarray, rate: int) -> np.ndarray:
    """MFCCs 2 to 13 of mono ``audio`` [samples], float32 [12, 257].

    Raises ``UserError`` for audio without any sample.
    """
    if not len(audio):
        raise UserError("the timbre metric was given a clip without samples; replace or remove it")
    looped = loop(resample(audio.astype(np.float32), rate, RATE), RATE * SECONDS)
    transform = _transforms()
    power = transform.power(torch.from_numpy(looped))
    decibels = 10.0 * power.clamp_min(POWER_FLOOR).log10()
    decibels = decibels.clamp_min(float(decibels.max()) - TOP_DB)
    return (transform.cosines @ decibels)[1:].numpy()


class _Transforms:
    """Mel spectrogram and cosine transform as librosa's defaults have them."""

    def __init__(self):
        import torchaudio

        self.power = torchaudio.transforms.MelSpectrogram(
            RATE, n_fft=FFT, hop_length=HOP, n_mels=BANDS, power=2.0, norm="slaney", mel_scale="slaney",
            pad_mode="constant",
        )  # fmt: skip
        self.cosines = torchaudio.functional.create_dct(COEFFICIENTS + 1, BANDS, norm="ortho").T


@functools.cache
def _transforms() -> _Transforms:
    return _Transforms()


class TimbreMetric:
    """A trained (or, as a floor, an untrained) network as a measure of similarity."""

    def __init__(self, network: TripletNetwork):
        self._network = network.eval()

    @classmethod
    def load(cls, weights: Path) -> "TimbreMetric":
        """From a ``.safetensors`` file. Raises ``UserError`` when it holds the weights of another network."""
        network = TripletNetwork()
        try:
            network.load_state_dict(load_file(weights))
        except FileNotFoundError:
            raise UserError(f"{weights}: no such weights of the timbre metric; run the judge step again") from None
        except (RuntimeError, SafetensorError) as error:
            raise UserError(
                f"{weights}: not the weights of the timbre metric ({str(error).splitlines()[-1].strip()}); "
                "run the judge step again"
            ) from None
        return cls(network)

    @torch.no_grad()
    def vectors(self, features: np.ndarray) -> np.ndarray:
        """Vectors of length 1 [clips, 64] for MFCCs [clips, 12, frames]."""
        return functional.normalize(self._network(torch.from_numpy(features)), dim=1).numpy()

    def similarity(self, first: np.ndarray, second: np.ndarray, rate: int) -> float:
        """Cosine, 0 to 1, of two mono clips [samples] at ``rate`` Hz."""
        a, b = self.vectors(np.stack([mfcc(first, rate), mfcc(second, rate)]))
        return float(a @ b)
