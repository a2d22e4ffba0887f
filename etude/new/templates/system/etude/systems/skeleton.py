"""skeleton: a diffusion autoencoder whose encoder is four strided convolutions. Replace the encoder by your idea.

What :class:`DiffusionAutoencoder` brings is the denoiser, its loss and its sampler. A system says which encoded arrays
it reads (``arrays``: latents, mel1, mel2, mel3), what its three levels are, coarse to fine, and how a level becomes a
condition of the denoiser (``refine``).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from etude.systems.diffusion_autoencoder import DiffusionAutoencoder
from etude.training.loop import Batch


class SkeletonSystem(DiffusionAutoencoder):
    """h_k are what the encoder has after three, two and one halvings: 4, 8 and 16 frames on 32 latent frames."""

    arrays = ("latents",)

    def __init__(self, settings, channels: int, frames: int):
        super().__init__(settings, channels, frames, settings.width)
        widths = [channels, *settings.encoder.channels]
        self.halvings = nn.ModuleList(nn.Conv1d(a, b, 4, stride=2, padding=1) for a, b in pairwise(widths))
        self.levels_of = nn.ModuleList(nn.Conv1d(width, settings.width, 1) for width in widths[1:])

    def levels(self, batch: Batch) -> list[Tensor]:
        x, levels = self.normalise(batch["latents"]), []
        for halve, level in zip(self.halvings, self.levels_of, strict=True):
            x = nn.functional.silu(halve(x))
            levels.append(torch.tanh(level(x)))  # bounded, so that no level can carry more than the others
        return levels[::-1]

    def refine(self, levels: list[Tensor]) -> list[Tensor]:
        return levels


def build(settings, shapes: dict[str, tuple[int, ...]]) -> SkeletonSystem:
    """The system for clips of the given ``shapes``; ``settings``: its block of params.yaml."""
    return SkeletonSystem(settings, *shapes["latents"])
