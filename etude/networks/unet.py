"""U-Net denoiser over one axis or two, with conditions joined at chosen levels (P-11, P-12, M-19, M-20)."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional

from etude.networks.adaptive_norm import AdaptiveGroupNorm
from etude.networks.joins import Concatenation, Join
from etude.networks.noise_embedding import NoiseEmbedding

Conditions = Mapping[int, Tensor]
NOWHERE: Mapping = MappingProxyType({})
CONVOLUTIONS: dict[int, type[nn.Conv1d] | type[nn.Conv2d]] = {1: nn.Conv1d, 2: nn.Conv2d}
"""By the number of axes behind the channels: time, or frequency and time."""


class ConditionedBlock(nn.Module):
    """Two convolutions with adaptive normalisation and residual sums; the condition joins before the second.

    ``extra`` channels (a skip connection) join before the first convolution. The residual of the first sum is the
    input without them, so no projection is needed. ``modulations`` says after how many of the two convolutions the
    noise level sets scale and shift: after both (Pichard), or between them alone (Manté); then the second is followed
    by a plain normalisation. ``join(channels, condition)`` makes what joins a condition of so many channels.
    """

    def __init__(
        self,
        channels: int,
        embedding: int,
        extra: int = 0,
        condition: int = 0,
        axes: int = 1,
        modulations: int = 2,
        join: Callable[[int, int], Join] = Concatenation,
    ):
        super().__init__()
        convolution = CONVOLUTIONS[axes]
        self.join = join(channels, condition) if condition else None
        self.first = convolution(channels + extra, channels, 3, padding=1)
        self.second = convolution(self.join.channels if self.join else channels, channels, 3, padding=1)
        self.norm = AdaptiveGroupNorm(channels, embedding, uses=modulations)
        self.plain_norm = nn.GroupNorm(1, channels) if modulations == 1 else None

    def forward(self, x: Tensor, embedding: Tensor, skip: Tensor | None = None, condition: Tensor | None = None):
        inner = x if skip is None else torch.cat([x, skip], dim=1)
        x = x + functional.silu(self.norm(self.first(inner), embedding, use=0))
        inner = self.second(x if condition is None else self.join(x, condition))
        inner = self.norm(inner, embedding, use=1) if self.plain_norm is None else self.plain_norm(inner)
        return x + functional.silu(inner)


class UNet(nn.Module):
    """F_theta of the denoiser: [batch, channels[0], frames] at a noise level [batch] to the same shape.

    ``channels`` lists the width of each level from the top to the bottom; every axis is halved between two levels, so
    ``frames`` must be a multiple of ``2 ** (len(channels) - 1)``. ``encoder_conditions`` and ``decoder_conditions`` map
    a level (0 is the top, ``len(channels) - 1`` the bottom, which counts as decoder) to the channels of the condition
    that is joined there.

    ``axes`` = 2 takes [batch, channels[0], bins, frames]. ``up_channels`` gives the way up its own widths, from the top
    to the level above the bottom (UNetExpand); ``out_channels`` and ``out_kernel`` are the last convolution's.
    ``noise_embedding(embedding)`` makes what turns the noise level into features; ``modulations`` and ``join`` are as
    in :class:`ConditionedBlock`.
    """

    def __init__(
        self,
        channels: Sequence[int],
        embedding: int,
        encoder_conditions: Mapping[int, int] = NOWHERE,
        decoder_conditions: Mapping[int, int] = NOWHERE,
        axes: int = 1,
        up_channels: Sequence[int] | None = None,
        out_channels: int | None = None,
        out_kernel: int = 3,
        noise_embedding: Callable[[int], nn.Module] = NoiseEmbedding,
        modulations: int = 2,
        join: Callable[[int, int], Join] = Concatenation,
    ):
        super().__init__()
        convolution, up_channels = CONVOLUTIONS[axes], channels[:-1] if up_channels is None else up_channels

        def block(width: int, extra: int = 0, condition: int = 0) -> ConditionedBlock:
            return ConditionedBlock(width, embedding, extra, condition, axes, modulations, join)

        self.depth = len(channels) - 1
        self.embedding = noise_embedding(embedding)
        self.encoder = nn.ModuleList(
            block(width, condition=encoder_conditions.get(level, 0)) for level, width in enumerate(channels[:-1])
        )
        self.down = nn.ModuleList(
            convolution(width, below, 3, stride=2, padding=1) for width, below in pairwise(channels)
        )
        self.bottom = block(channels[-1], condition=decoder_conditions.get(self.depth, 0))
        self.up = nn.ModuleList(convolution(below, width, 1) for width, below in pairwise([*up_channels, channels[-1]]))
        self.decoder = nn.ModuleList(
            block(width, extra=beside, condition=decoder_conditions.get(level, 0))
            for level, (width, beside) in enumerate(zip(up_channels, channels[:-1], strict=True))
        )
        top = up_channels[0] if self.depth else channels[0]
        self.out_norm = nn.GroupNorm(1, top)
        self.out = convolution(top, out_channels or channels[0], out_kernel, padding=out_kernel // 2)

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
            x = hold_twice(self.up[level](x))
            x = self.decoder[level](x, embedding, skip=skips[level], condition=decoder.get(level))
        return self.out(functional.silu(self.out_norm(x)))


def hold_twice(x: Tensor) -> Tensor:
    """[batch, channels, ...] with every axis behind the channels twice as long, each value held."""
    for axis in range(2, x.ndim):
        x = x.repeat_interleave(2, dim=axis)
    return x
