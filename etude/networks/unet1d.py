"""One-dimensional U-Net denoiser with conditions concatenated at chosen levels (P-11, P-12)."""

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional

from etude.networks.adaptive_norm import AdaptiveGroupNorm
from etude.networks.noise_embedding import NoiseEmbedding

Conditions = Mapping[int, Tensor]
NOWHERE: Mapping = MappingProxyType({})


class ConditionedBlock(nn.Module):
    """Two convolutions with adaptive normalisation and residual sums; the condition joins before the second.

    ``extra`` channels (a skip connection) join before the first convolution. The residual of the first sum is the
    input without them, so no projection is needed.
    """

    def __init__(self, channels: int, embedding: int, extra: int = 0, condition: int = 0):
        super().__init__()
        self.first = nn.Conv1d(channels + extra, channels, 3, padding=1)
        self.second = nn.Conv1d(channels + condition, channels, 3, padding=1)
        self.norm = AdaptiveGroupNorm(channels, embedding, uses=2)

    def forward(self, x: Tensor, embedding: Tensor, skip: Tensor | None = None, condition: Tensor | None = None):
        inner = x if skip is None else torch.cat([x, skip], dim=1)
        x = x + functional.silu(self.norm(self.first(inner), embedding, use=0))
        inner = x if condition is None else torch.cat([x, condition], dim=1)
        return x + functional.silu(self.norm(self.second(inner), embedding, use=1))


class UNet1d(nn.Module):
    """F_theta of the denoiser: [batch, channels[0], frames] at a noise level [batch] to the same shape.

    ``channels`` lists the width of each level from the top to the bottom; the time axis is halved between two levels,
    so
    ``frames`` must be a multiple of ``2 ** (len(channels) - 1)``. ``encoder_conditions`` and ``decoder_conditions`` map
    a level (0 is the top, ``len(channels) - 1`` the bottom, which counts as decoder) to the channels of the condition
    that is concatenated there.
    """

    def __init__(
        self,
        channels: list[int],
        embedding: int,
        encoder_conditions: Mapping[int, int] = NOWHERE,
        decoder_conditions: Mapping[int, int] = NOWHERE,
    ):
        super().__init__()
        self.depth = len(channels) - 1
        self.embedding = NoiseEmbedding(embedding)
        self.encoder = nn.ModuleList(
            ConditionedBlock(width, embedding, condition=encoder_conditions.get(level, 0))
            for level, width in enumerate(channels[:-1])
        )
        self.down = nn.ModuleList(
            nn.Conv1d(width, below, 3, stride=2, padding=1) for width, below in pairwise(channels)
        )
        self.bottom = ConditionedBlock(channels[-1], embedding, condition=decoder_conditions.get(self.depth, 0))
        self.up = nn.ModuleList(nn.Conv1d(below, width, 1) for width, below in pairwise(channels))
        self.decoder = nn.ModuleList(
            ConditionedBlock(width, embedding, extra=width, condition=decoder_conditions.get(level, 0))
            for level, width in enumerate(channels[:-1])
        )
        self.out_norm = nn.GroupNorm(1, channels[0])
        self.out = nn.Conv1d(channels[0], channels[0], 3, padding=1)

    def forward(
        self, x: Tensor, noise_level: Tensor, encoder: Conditions = NOWHERE, decoder: Conditions = NOWHERE
    ) -> Tensor:
        """``encoder`` and ``decoder`` map levels to conditions [batch, condition, frames of that level]."""
        embedding = self.embedding(noise_level)
        skips = []
        for level, (block, down) in enumerate(zip(self.encoder, self.down, strict=True)):
            x = block(x, embedding, condition=encoder.get(level))
            skips.append(x)
            x = down(x)
        x = self.bottom(x, embedding, condition=decoder.get(self.depth))
        for level in reversed(range(self.depth)):
            # The 1x1 convolution commutes with holding each frame twice and is half the work before it.
            x = self.up[level](x).repeat_interleave(2, dim=-1)
            x = self.decoder[level](x, embedding, skip=skips[level], condition=decoder.get(level))
        return self.out(functional.silu(self.out_norm(x)))
