"""DiscDPM: discrete time, discrete state (M-16)."""

import torch
from torch import Tensor, nn

from etude.diffusion.edm import Network
from etude.diffusion.multinomial import MultinomialDiffusion
from etude.diffusion.noise import Generators
from etude.errors import UserError
from etude.systems.controlled import ControlledSystem


class System(ControlledSystem):
    """Predicts the classes of codes [batch, codes, frames].

    ``settings``: steps, schedule, first_beta, last_beta, and the format's classes. Its samplers have: steps (null:
    all), guidance.
    """

    def __init__(self, settings, network: nn.Module, shape: tuple[int, ...]):
        super().__init__(network, shape)
        self.chain = MultinomialDiffusion(
            settings.steps, settings.schedule, settings.first_beta, settings.last_beta, classes=settings.classes
        )

    def fit_scale(self, mean: Tensor, std: Tensor) -> None:
        """Classes have no scale."""

    def objective(self, clips: Tensor, network: Network, generator: torch.Generator) -> Tensor:
        times = self.chain.draw_times(len(clips), generator)
        return self.chain.loss(network, clips.long(), times, generator)

    def sample(self, network: Network, noise: Tensor, sampler, generators: Generators) -> Tensor:
        return self.chain.ancestral(network, noise, generators, sampler.steps)


def build(settings, shapes: dict[str, tuple[int, ...]]) -> System:
    """The system for codes of the given ``shapes``, around the module ``settings.network``."""
    if not settings.classes:
        raise UserError(
            "discdpm diffuses classes and was given continuous data; give the cell the system ddpm or edm, "
            "or a format of codes"
        )
    return System(settings, settings.network, shapes["clips"])
