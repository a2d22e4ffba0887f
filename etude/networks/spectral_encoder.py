"""Encoder of one mel spectrogram into a short, bounded sequence (P-09)."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from etude.errors import UserError


class ResidualConvs(nn.Module):
    """Two same-size convolutions, each ``x + silu(conv(x))``; without normalisation."""

    def __init__(self, convolution: type[nn.Conv1d] | type[nn.Conv2d], channels: int):
        super().__init__()
        self.convolutions = nn.ModuleList(convolution(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        for convolution in self.convolutions:
            x = x + functional.silu(convolution(x))
        return x


class SpectralEncoder(nn.Module):
    """Mel spectrogram [batch, bands, mel frames] to h_k [batch, width, frames] in -1..1.

    ``stride`` "mel" halves only the mel axis at each stage, and time shrinks once by average pooling at the end (the
    released code); "both" halves time as well (the thesis's text), pooling only what is then left. What is left of the
    mel axis is averaged too (the released code), unless ``bands``, the input's number of bands, is given: then each
    remaining band keeps weights of its own. An average over all bands cannot tell where on the axis a partial lies.
    """

    def __init__(
        self,
        channels: list[int],
        bottleneck: int,
        width: int,
        frames: int,
        stride: str = "mel",
        bands: int | None = None,
    ):
        super().__init__()
        strides = {"mel": (2, 1), "both": (2, 2)}
        self.blocks = nn.ModuleList(ResidualConvs(nn.Conv2d, inner) for inner in channels[:-1])
        self.down = nn.ModuleList(
            nn.Conv2d(inner, outer, 3, stride=strides[stride], padding=1) for inner, outer in pairwise(channels)
        )
        self.frames = frames
        self.bands_left = 1 if bands is None else math.ceil(bands / 2 ** len(self.down))
        self.bottleneck = nn.Conv1d(channels[-1] * self.bands_left, bottleneck, 1)
        self.head = nn.Conv1d(bottleneck, width, 1)
        self.to(memory_format=torch.channels_last)  # a fifth faster on CPUs

    def forward(self, mel: Tensor) -> Tensor:
        x = mel[:, None]
        for block, down in zip(self.blocks[:-1], self.down[:-1], strict=True):
            x = down(block(x))
        x = pooled_convolution(self.blocks[-1](x), self.down[-1], self.frames, self.bands_left)
        x = functional.silu(self.bottleneck(functional.silu(x)))
        return torch.tanh(self.head(x))


def pooled_convolution(x: Tensor, convolution: nn.Conv2d, frames: int, bands_left: int = 1) -> Tensor:
    """``convolution`` (3 x 3, padding 1) of x [batch, in, bands, time], averaged down to ``frames``, and over all bands
    if ``bands_left`` is 1; otherwise ``bands_left`` must be the number of bands that the convolution leaves.

    Convolution and average are linear, so the average is taken first: of the shifted inputs, which leaves one small
    matrix product per frame where the convolution alone would be the largest part of the encoder. Equal to the plain
    order of work up to rounding. Returns [batch, out * bands_left, frames].
    """
    down, along = convolution.stride
    bands, time = (x.shape[2] - 1) // down + 1, (x.shape[3] - 1) // along + 1
    if time % frames:
        raise UserError(
            f"an encoder is left with {time} mel frames and its latent has {frames}, which does not divide them: "
            "change encode.mel.hop or encode.mel.samples"
        )
    x = functional.pad(x, (1, 1, 1, 1))
    columns = torch.stack([x[..., dx : dx + along * (time - 1) + 1 : along] for dx in range(3)], dim=3)
    columns = columns.unflatten(-1, (frames, time // frames)).mean(-1)
    cells = torch.stack([columns[:, :, dy : dy + down * (bands - 1) + 1 : down] for dy in range(3)], dim=2)
    means = cells.mean(3, keepdim=True) if bands_left == 1 else cells
    pooled = torch.einsum("bcymxf,ocyx->bomf", means, convolution.weight) + convolution.bias[:, None, None]
    return pooled.flatten(1, 2)
