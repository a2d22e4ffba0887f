"""Ablation (P-26 iv): HDAE whose one encoder reads the mel pyramid in place of the codec's latents."""

import torch
from torch import Tensor
from torch.nn import functional

from etude.networks.hierarchical_encoder import HierarchicalEncoder
from etude.systems.hdae import HierarchicalDAE
from etude.training.loop import Batch


class PyramidHierarchicalDAE(HierarchicalDAE):
    """The three mel spectrograms, at the latents' frames and one below the other, through HDAE's taps.

    Whether what sets the multi-scale system apart is what it looks at, or that it has three encoders.
    """

    arrays = ("latents", "mel1", "mel2", "mel3")

    def __init__(self, settings, shapes: dict[str, tuple[int, ...]]):
        super().__init__(settings, *shapes["latents"])
        self.encoder = HierarchicalEncoder(
            [sum(shapes[name][0] for name in self.arrays[1:]), *settings.encoder.channels],
            settings.encoder.bottlenecks,
            settings.width,
        )

    def levels(self, batch: Batch) -> list[Tensor]:
        mels = [self._at_latent_frames(batch[name]) for name in self.arrays[1:]]
        return self.encoder(torch.cat(mels, dim=1))[::-1]

    def _at_latent_frames(self, mel: Tensor) -> Tensor:
        """[batch, bands, mel frames] averaged, or each frame held, to the latents' number of frames."""
        return functional.adaptive_avg_pool1d(mel, self.frames)


def build(settings, shapes: dict[str, tuple[int, ...]]) -> PyramidHierarchicalDAE:
    """The system for clips of the given ``shapes``."""
    return PyramidHierarchicalDAE(settings, shapes)
