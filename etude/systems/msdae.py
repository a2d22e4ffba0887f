"""The multi-scale spectral diffusion autoencoder ("Ours", P-08): three mel encoders, trained coarse to fine (P-16)."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from etude.networks.spectral_encoder import SpectralEncoder
from etude.systems.diffusion_autoencoder import DiffusionAutoencoder
from etude.training.loop import Batch


class MultiScaleSpectralDAE(DiffusionAutoencoder):
    """h_k = E_k(x_k) of the mel pyramid; finer levels are residuals on the coarser ones (P-09, P-10).

    In training stage k only E_k and the U-Net move: the coarser encoders are frozen, the finer ones count as zero, so
    that the U-Net is always fed at all its levels.
    """

    arrays = ("latents", "mel1", "mel2", "mel3")
    stages = 3

    def __init__(self, settings, shapes: dict[str, tuple[int, ...]]):
        channels, frames = shapes["latents"]
        super().__init__(settings, channels, frames, settings.width)
        self.residual = settings.residual
        self.width = settings.width
        self.encoders = nn.ModuleList(
            SpectralEncoder(
                [1, *settings.encoder.channels],
                settings.encoder.bottleneck,
                settings.width,
                length,
                settings.stride,
                shapes[f"mel{k + 1}"][0] if settings.encoder.bands == "kept" else None,
            )
            for k, length in enumerate(self.placement.lengths(frames))
        )

    def levels(self, batch: Batch) -> list[Tensor]:
        return self.stage_levels(batch, self.stages - 1)

    def stage_levels(self, batch: Batch, stage: int) -> list[Tensor]:
        return [self._level(batch, k) if k <= stage else self._zero(batch, k) for k in range(self.stages)]

    def _level(self, batch: Batch, k: int) -> Tensor:
        """h_{k+1}, taken from the batch where it was computed before."""
        return batch[f"h{k + 1}"] if f"h{k + 1}" in batch else self.encoders[k](batch[f"mel{k + 1}"])

    def _zero(self, batch: Batch, k: int) -> Tensor:
        return batch["latents"].new_zeros(len(batch["latents"]), self.width, self.placement.lengths(self.frames)[k])

    def refine(self, levels: list[Tensor]) -> list[Tensor]:
        refined = [levels[0]]
        for coarser, level in pairwise(levels):
            base = refined[-1] if self.residual == "cumulative" else coarser
            refined.append(level + functional.interpolate(base, size=level.shape[-1], mode="linear"))
        return refined

    def trained_in(self, stage: int) -> list[nn.Module]:
        return [self.unet, self.encoders[stage]]

    def arrays_in(self, stage: int) -> tuple[str, ...]:
        return ("latents", f"mel{stage + 1}")

    def arrays_frozen_in(self, stage: int) -> tuple[str, ...]:
        return tuple(f"mel{k + 1}" for k in range(stage))

    @torch.no_grad()
    def frozen_levels(self, batch: Batch, stage: int) -> Batch:
        return {f"h{k + 1}": self.encoders[k](batch[f"mel{k + 1}"]) for k in range(stage)}


def build(settings, shapes: dict[str, tuple[int, ...]]) -> MultiScaleSpectralDAE:
    """The system for clips of the given ``shapes``."""
    return MultiScaleSpectralDAE(settings, shapes)
