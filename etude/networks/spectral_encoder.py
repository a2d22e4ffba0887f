"""Encoder of one mel spectrogram into a short, bounded sequence (P-09)."""

import torch
from torch import Tensor, nn
from torch.nn import functional


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

    ``stride`` "mel" halves only the mel axis at each stage, and time shrinks once by adaptive pooling at the end (the
    released code); "both" halves time as well (the thesis's text), pooling only what is then left.
    """

    def __init__(self, channels: list[int], bottleneck: int, width: int, frames: int, stride: str = "mel"):
        super().__init__()
        strides = {"mel": (2, 1), "both": (2, 2)}
        self.stages = nn.Sequential()
        for inner, outer in zip(channels[:-1], channels[1:], strict=True):
            self.stages.append(ResidualConvs(nn.Conv2d, inner))
            self.stages.append(nn.Conv2d(inner, outer, 3, stride=strides[stride], padding=1))
        self.frames = frames
        self.bottleneck = nn.Conv1d(channels[-1], bottleneck, 1)
        self.head = nn.Conv1d(bottleneck, width, 1)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.stages(mel[:, None])
        x = functional.adaptive_avg_pool2d(x, (1, self.frames)).squeeze(2)
        x = functional.silu(self.bottleneck(functional.silu(x)))
        return torch.tanh(self.head(x))
