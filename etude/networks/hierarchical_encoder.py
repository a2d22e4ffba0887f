"""The encoder of HDAE brought to audio: one network over the latents, tapped after each halving (P-23)."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from etude.networks.spectral_encoder import ResidualConvs


class Tap(nn.Module):
    """Normalise, squeeze through ``bottleneck`` channels in -1..1 (the latent h_k), widen to the U-Net's condition."""

    def __init__(self, channels: int, bottleneck: int, width: int):
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.squeeze = nn.Conv1d(channels, bottleneck, 1)
        self.widen = nn.Conv1d(bottleneck, width, 1)

    def latent(self, x: Tensor) -> Tensor:
        return torch.tanh(self.squeeze(functional.silu(self.norm(x))))


class HierarchicalEncoder(nn.Module):
    """Latents [batch, channels[0], frames] to one h per halving, finest first: [batch, bottlenecks[i], frames / 2**(i
    + 1)].

    The released network has a further tap at full rate that conditions nothing; ``full_rate_bottleneck`` > 0 builds
    it, so that parameter counts can be compared.
    """

    def __init__(self, channels: list[int], bottlenecks: list[int], width: int, full_rate_bottleneck: int = 0):
        super().__init__()
        self.blocks = nn.ModuleList(ResidualConvs(nn.Conv1d, inner) for inner in channels[:-1])
        self.down = nn.ModuleList(
            nn.Conv1d(inner, outer, 3, stride=2, padding=1) for inner, outer in pairwise(channels)
        )
        self.taps = nn.ModuleList(
            Tap(outer, bottleneck, width) for outer, bottleneck in zip(channels[1:], bottlenecks, strict=True)
        )
        if full_rate_bottleneck:
            self.unused_tap = Tap(channels[0], full_rate_bottleneck, width)

    def forward(self, latents: Tensor) -> list[Tensor]:
        levels = []
        for block, down, tap in zip(self.blocks, self.down, self.taps, strict=True):
            latents = down(block(latents))
            levels.append(tap.latent(latents))
        return levels
