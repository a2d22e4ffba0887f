"""Levels of several clips in one sound: the "neural sampler" (P-22)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from etude.diffusion.samplers import SamplerSettings
from etude.systems.diffusion_autoencoder import DiffusionAutoencoder

Levels = list[Tensor]
"""h = [h_1, h_2, h_3] of a batch of clips, coarse to fine, each [batch, width, frames]."""


def joint(system: DiffusionAutoencoder, givers: Sequence[Levels]) -> Levels:
    """Conditions h̃ of the mixed h: a coarse level taken from another clip also moves what the finer slots receive."""
    return system.refine([levels[k] for k, levels in enumerate(givers)])


def tilde(system: DiffusionAutoencoder, givers: Sequence[Levels]) -> Levels:
    """Finished conditions, each taken over from its giver as it is: every slot receives what one clip alone gives."""
    return [system.refine(levels)[k] for k, levels in enumerate(givers)]


RULES = {"joint": joint, "tilde": tilde}


@torch.no_grad()
def generate_recombined(
    system: DiffusionAutoencoder,
    givers: Sequence[Levels],
    rule: str,
    noise: Tensor,
    sampler: str,
    settings: SamplerSettings,
) -> Tensor:
    """Codec latents [batch, channels, frames] with level k of ``givers[k]`` (coarse to fine), by ``rule`` of
    :data:`RULES`, from ``noise`` ~ N(0, I) of that shape.

    With one clip in all three places both rules are the reconstruction of it (P-21).
    """
    return system.generate_refined(RULES[rule](system, givers), noise, sampler, settings)
