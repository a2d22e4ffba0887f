"""EDM preconditioning and training objective (P-14, P-15; Karras et al. 2022)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from etude.diffusion.shapes import per_clip

Network = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Preconditioning:
    """The c's of D(x; sigma) = c_skip x + c_out F(c_in x; c_noise) for data of standard deviation ``sigma_data``."""

    sigma_data: float = 0.5

    def skip(self, sigma: Tensor) -> Tensor:
        return self.sigma_data**2 / (sigma**2 + self.sigma_data**2)

    def out(self, sigma: Tensor) -> Tensor:
        return sigma * self.sigma_data / (sigma**2 + self.sigma_data**2).sqrt()

    def input(self, sigma: Tensor) -> Tensor:
        return 1 / (sigma**2 + self.sigma_data**2).sqrt()

    def noise(self, sigma: Tensor) -> Tensor:
        return sigma.log() / 4

    def weight(self, sigma: Tensor) -> Tensor:
        """lambda(sigma) = 1 / c_out**2: every noise level starts with the same loss."""
        return (sigma**2 + self.sigma_data**2) / (sigma * self.sigma_data) ** 2

    def denoise(self, network: Network, x: Tensor, sigma: Tensor) -> Tensor:
        """D(x; sigma) for x [batch, ...] and sigma [batch]; ``network(x, c_noise)`` is F."""
        level = per_clip(sigma, x)
        return self.skip(level) * x + self.out(level) * network(self.input(level) * x, self.noise(sigma))


@dataclass(frozen=True)
class LogNormalNoise:
    """ln(sigma) ~ N(mean, std**2): where training looks (P-15)."""

    mean: float = -1.2
    std: float = 1.2

    def draw(self, batch: int, generator: torch.Generator) -> Tensor:
        """``batch`` noise levels [batch]."""
        return (self.mean + self.std * torch.randn(batch, generator=generator)).exp()


def edm_loss(network: Network, clean: Tensor, sigma: Tensor, noise: Tensor, edm: Preconditioning) -> Tensor:
    """Mean over all elements of lambda(sigma) (D(y + sigma n; sigma) - y)**2 (P-15, eq. 38); noise n ~ N(0, I).

    1 for F = 0 on data of standard deviation ``sigma_data``, at every sigma. ``clean`` and ``noise`` are
    [batch, ...], ``sigma`` is [batch].
    """
    level = per_clip(sigma, clean)
    error = edm.denoise(network, clean + level * noise, sigma) - clean
    return (edm.weight(level) * error**2).mean()
