"""DDPM: discrete time, continuous state (M-11)."""

import torch
from torch import Tensor, nn

from etude.diffusion.ddpm import GaussianDiffusion
from etude.diffusion.edm import Network
from etude.diffusion.noise import Generators, normal
from etude.errors import UserError
from etude.systems.controlled import ContinuousSystem


class System(ContinuousSystem):
    """Predicts the noise in data of unit variance.

    ``settings``: steps, schedule, first_beta, last_beta, scaling. Its samplers have: steps (null: all), variance
    (beta | posterior), guidance.
    """

    def __init__(self, settings, network: nn.Module, shape: tuple[int, ...]):
        super().__init__(network, shape, settings.scaling, target=1.0)
        self.chain = GaussianDiffusion(settings.steps, settings.schedule, settings.first_beta, settings.last_beta)

    def objective(self, clips: Tensor, network: Network, generator: torch.Generator) -> Tensor:
        clean = self.normalise(clips)
        times = self.chain.draw_times(len(clean), generator)
        return self.chain.loss(network, clean, times, normal(clean, generator))

    def sample(self, network: Network, noise: Tensor, sampler, generators: Generators) -> Tensor:
        return self.restore(self.chain.ancestral(network, noise, generators, sampler.steps, sampler.variance))


def build(settings, shapes: dict[str, tuple[int, ...]]) -> System:
    """The system for clips of the given ``shapes``, around the module ``settings.network``."""
    if settings.classes:
        raise UserError(
            f"ddpm needs continuous data and was given codes of {settings.classes} classes; "
            "give the cell the system discdpm, or a format that is not of codes"
        )
    return System(settings, settings.network, shapes["clips"])
