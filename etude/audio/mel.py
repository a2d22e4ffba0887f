"""The three mel spectrograms that the multi-scale encoders look at (P-05, P-06)."""

import functools

import torch
import torchaudio
from torch import Tensor
from torch.nn import functional

from etude.errors import UserError

LEVELS = 3  # x_1 coarse, x_2, x_3 fine


def mel_pyramid(audio: Tensor, rate: int, bands: int, hop: int, window: int, pyramid: str) -> list[Tensor]:
    """Log-mel spectrograms [x_1, x_2, x_3] of ``audio`` [batch, samples], coarse first.

    x_3 is [batch, bands, samples / hop]; each coarser one has half the bands and half the frames. ``pyramid`` "pool"
    averages 2 x 2 cells of the power spectrogram before the logarithm (the thesis's text); "recompute" takes each
    level from the audio again, with hop and window doubled (the released code), so that coarse levels look through
    longer windows. The compression is log(1 + power); the frame centred on the end of the clip is left out.
    """
    if audio.shape[-1] % (hop * 2 ** (LEVELS - 1)):
        raise UserError(
            f"clips of {audio.shape[-1]} samples cannot be cut into mel frames of {hop} samples at three scales: "
            f"make prepare.chunk_samples a multiple of {hop * 2 ** (LEVELS - 1)}"
        )
    if pyramid == "recompute":
        factors = [2 ** (LEVELS - 1 - level) for level in range(LEVELS)]
        powers = [_mel_power(audio, rate, bands // f, hop * f, window * f) for f in factors]
    elif pyramid == "pool":
        powers = [_mel_power(audio, rate, bands, hop, window)]
        while len(powers) < LEVELS:
            powers.insert(0, functional.avg_pool2d(powers[0], 2))
    else:
        raise UserError(f"encode.mel.pyramid is {pyramid!r}; it may be pool or recompute")
    return [torch.log1p(power) for power in powers]


def mel_shapes(samples: int, bands: int, hop: int) -> list[tuple[int, int]]:
    """(bands, frames) of x_1, x_2, x_3 for clips of ``samples``."""
    return [(bands >> shift, samples // hop >> shift) for shift in reversed(range(LEVELS))]


def _mel_power(audio: Tensor, rate: int, bands: int, hop: int, window: int) -> Tensor:
    """Mel power spectrogram [batch, bands, samples / hop] on the Slaney scale, frames centred, edges reflected."""
    transform = _transform(rate, bands, hop, window).to(audio.device)
    return transform(audio)[..., :-1]


@functools.cache
def _transform(rate: int, bands: int, hop: int, window: int) -> torchaudio.transforms.MelSpectrogram:
    return torchaudio.transforms.MelSpectrogram(
        rate, n_fft=window, hop_length=hop, n_mels=bands, power=2.0, norm="slaney", mel_scale="slaney"
    )
