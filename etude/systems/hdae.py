"""HDAE brought to audio (P-23): one encoder over the codec's latents, tapped at three time scales, trained jointly."""

from torch import Tensor

from etude.errors import UserError
from etude.networks.hierarchical_encoder import HierarchicalEncoder
from etude.systems.diffusion_autoencoder import DiffusionAutoencoder
from etude.training.loop import Batch


class HierarchicalDAE(DiffusionAutoencoder):
    """h_k are the bounded bottlenecks of the taps after 3, 2 and 1 halvings: 4, 8 and 16 frames on 32 latent frames."""

    arrays = ("latents",)

    def __init__(self, settings, channels: int, frames: int):
        super().__init__(settings, channels, frames, settings.width)
        # Taps exist after one, two and three halvings, so the latents' lengths are what the encoder makes them.
        if self.placement.shifts != (3, 2, 1):
            raise UserError(
                "systems.hdae.conditioning: levels_1_3_5 needs latents of 2, 8 and 32 frames, HDAE has 4, 8 and "
                "16; use hold, tiled or held_both"
            )
        self.encoder = HierarchicalEncoder(
            [channels, *settings.encoder.channels],
            settings.encoder.bottlenecks,
            settings.width,
            full_rate_bottleneck=settings.encoder.full_rate_bottleneck,
        )

    def levels(self, batch: Batch) -> list[Tensor]:
        return self.encoder(self.normalise(batch["latents"]))[::-1]

    def refine(self, levels: list[Tensor]) -> list[Tensor]:
        return [tap.widen(level) for tap, level in zip(reversed(self.encoder.taps), levels, strict=True)]


def build(settings, shapes: dict[str, tuple[int, ...]]) -> HierarchicalDAE:
    """The system for clips of the given ``shapes``."""
    return HierarchicalDAE(settings, *shapes["latents"])
