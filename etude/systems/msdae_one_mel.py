"""Ablation (P-26 iii): the multi-scale system without its pyramid: one mel spectrogram for all three encoders."""

import torch
from torch import Tensor

from etude.systems.msdae import MultiScaleSpectralDAE
from etude.training.loop import Batch


class OneMelMultiScaleDAE(MultiScaleSpectralDAE):
    """What is left to make the levels differ is their number of frames and the order in which they are trained."""

    arrays = ("latents", "mel3")

    def __init__(self, settings, shapes: dict[str, tuple[int, ...]]):
        super().__init__(settings, shapes | dict.fromkeys(("mel1", "mel2"), shapes["mel3"]))

    def _level(self, batch: Batch, k: int) -> Tensor:
        return batch[f"h{k + 1}"] if f"h{k + 1}" in batch else self.encoders[k](batch["mel3"])

    def arrays_in(self, stage: int) -> tuple[str, ...]:
        return self.arrays

    def arrays_frozen_in(self, stage: int) -> tuple[str, ...]:
        return ("mel3",) if stage else ()

    @torch.no_grad()
    def frozen_levels(self, batch: Batch, stage: int) -> Batch:
        return {f"h{k + 1}": self.encoders[k](batch["mel3"]) for k in range(stage)}


def build(settings, shapes: dict[str, tuple[int, ...]]) -> OneMelMultiScaleDAE:
    """The system for clips of the given ``shapes``."""
    return OneMelMultiScaleDAE(settings, shapes)
