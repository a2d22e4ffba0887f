"""Sinusoidal embedding of the noise level (P-13, M-30)."""

import math

import torch
from torch import Tensor, nn


class NoiseEmbedding(nn.Module):
    """Noise level [batch] to features [batch, channels]: cosines then sines of geometrically spaced frequencies.

    ``scale`` stretches the input, since c_noise = ln(sigma)/4 only spans about -2..1; ``max_period`` is the slowest
    period in units of the stretched input.
    """

    def __init__(self, channels: int, scale: float = 500.0, max_period: float = 10000.0):
        super().__init__()
        if channels % 2:
            raise ValueError(f"an even number of channels is needed, not {channels}")
        half = channels // 2
        frequencies = torch.exp(-math.log(max_period) * torch.arange(half) / half)
        self.register_buffer("frequencies", scale * frequencies, persistent=False)

    def forward(self, noise_level: Tensor) -> Tensor:
        phase = noise_level[:, None] * self.frequencies
        return torch.cat([phase.cos(), phase.sin()], dim=1)


class LearntNoiseEmbedding(NoiseEmbedding):
    """The same followed by a two-layer perceptron of the same width (M-30)."""

    def __init__(self, channels: int, scale: float = 500.0, max_period: float = 10000.0):
        super().__init__(channels, scale, max_period)
        self.layers = nn.Sequential(nn.Linear(channels, channels), nn.SiLU(), nn.Linear(channels, channels), nn.SiLU())

    def forward(self, noise_level: Tensor) -> Tensor:
        return self.layers(super().forward(noise_level))
