"""EDM: continuous time, continuous state (M-13 to M-15)."""

import torch
from torch import Tensor, nn

from etude.diffusion.edm import LogNormalNoise, Network, Preconditioning, edm_loss
from etude.diffusion.noise import Generators, normal
from etude.diffusion.samplers import SamplerSettings, sample
from etude.errors import UserError
from etude.systems.controlled import ContinuousSystem


class System(ContinuousSystem):
    """Denoises data of standard deviation ``sigma_data``.

    ``settings``: sigma_data, noise_mean, noise_std, scaling. Its samplers have: name, what
    :class:`~etude.diffusion.samplers.SamplerSettings` has, guidance.
    """

    def __init__(self, settings, network: nn.Module, shape: tuple[int, ...]):
        super().__init__(network, shape, settings.scaling, target=settings.sigma_data)
        self.preconditioning = Preconditioning(settings.sigma_data)
        self.training_noise = LogNormalNoise(settings.noise_mean, settings.noise_std)

    def objective(self, clips: Tensor, network: Network, generator: torch.Generator) -> Tensor:
        clean = self.normalise(clips)
        sigma = self.training_noise.draw(len(clean), generator).to(clean.device)
        return edm_loss(network, clean, sigma, normal(clean, generator), self.preconditioning)

    def sample(self, network: Network, noise: Tensor, sampler, generators: Generators) -> Tensor:
        def denoiser(x: Tensor, sigma: float) -> Tensor:
            level = torch.full((len(x),), sigma, dtype=x.dtype, device=x.device)
            return self.preconditioning.denoise(network, x, level)

        own = {key: value for key, value in vars(sampler).items() if key not in ("name", "guidance")}
        return self.restore(sample(sampler.name, denoiser, noise, SamplerSettings(**own), generators))


def build(settings, shapes: dict[str, tuple[int, ...]]) -> System:
    """The system for clips of the given ``shapes``, around the module ``settings.network``."""
    if settings.classes:
        raise UserError(
            f"edm needs continuous data and was given codes of {settings.classes} classes; "
            "give the cell the system discdpm, or a format that is not of codes"
        )
    return System(settings, settings.network, shapes["clips"])
