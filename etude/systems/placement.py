"""Where the latents of a diffusion autoencoder join its U-Net (P-12)."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Placement:
    """Latent k = 0, 1, 2 (coarse, middle, fine) has ``frames >> shifts[k]`` frames on latents of ``frames`` frames.

    ``encoder`` and ``decoder`` map a level of the U-Net (0 is the top) to the latent that is concatenated there. In the
    decoder a latent may have half the level's frames; it is then brought to length by holding each frame twice, or,
    when ``tiled``, by repeating the whole sequence (what the released code does, which puts its frames at wrong times).
    """

    shifts: tuple[int, int, int]
    encoder: Mapping[int, int]
    decoder: Mapping[int, int]
    tiled: bool = False

    def lengths(self, frames: int) -> list[int]:
        """Frames of each latent, coarse first."""
        return [frames >> shift for shift in self.shifts]

    def conditions(self, latents: list[Tensor], frames: int) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        """The conditions for the encoder and for the decoder of a :class:`~etude.networks.unet.UNet`."""
        return (
            {level: self._stretch(latents[k], frames >> level) for level, k in self.encoder.items()},
            {level: self._stretch(latents[k], frames >> level) for level, k in self.decoder.items()},
        )

    def _stretch(self, latent: Tensor, frames: int) -> Tensor:
        times = frames // latent.shape[-1]
        if times == 1:
            return latent
        return torch.cat([latent] * times, dim=-1) if self.tiled else latent.repeat_interleave(times, dim=-1)


PLACEMENTS = {
    # decoder only, time kept: the thesis's drawing with the code's lengths
    "hold": Placement((3, 2, 1), encoder={}, decoder={2: 0, 1: 1, 0: 2}),
    # the released code
    "tiled": Placement((3, 2, 1), encoder={3: 0, 2: 1, 1: 2}, decoder={2: 0, 1: 1, 0: 2}, tiled=True),
    # the released code with the time axis mended
    "held_both": Placement((3, 2, 1), encoder={3: 0, 2: 1, 1: 2}, decoder={2: 0, 1: 1, 0: 2}),
    # the thesis's text: decoder levels 1, 3, 5 counted from the bottom
    "levels_1_3_5": Placement((4, 2, 0), encoder={}, decoder={4: 0, 2: 1, 0: 2}),
}
