"""Ablation (P-26 ii): the multi-scale system trained in one stage, all encoders together."""

from torch import Tensor, nn

from etude.systems.msdae import MultiScaleSpectralDAE
from etude.training.loop import Batch


class JointMultiScaleDAE(MultiScaleSpectralDAE):
    """One stage of as many steps as the three have in all; nothing is frozen and no level counts as zero."""

    stages = 1

    def stage_levels(self, batch: Batch, stage: int) -> list[Tensor]:
        return [self._level(batch, k) for k in range(len(self.encoders))]

    def trained_in(self, stage: int) -> list[nn.Module]:
        return [self.unet, self.encoders]

    def arrays_in(self, stage: int) -> tuple[str, ...]:
        return self.arrays


def build(settings, shapes: dict[str, tuple[int, ...]]) -> JointMultiScaleDAE:
    """The system for clips of the given ``shapes``."""
    return JointMultiScaleDAE(settings, shapes)
