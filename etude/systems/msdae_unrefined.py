"""Ablation (P-26 i): the multi-scale system without residual refinement."""

from torch import Tensor

from etude.systems.msdae import MultiScaleSpectralDAE


class UnrefinedMultiScaleDAE(MultiScaleSpectralDAE):
    """The U-Net sees each h_k by itself: nothing of the coarser levels is added to it."""

    def refine(self, levels: list[Tensor]) -> list[Tensor]:
        return list(levels)


def build(settings, shapes: dict[str, tuple[int, ...]]) -> UnrefinedMultiScaleDAE:
    """The system for clips of the given ``shapes``."""
    return UnrefinedMultiScaleDAE(settings, shapes)
