"""Discrete time, continuous state: denoising diffusion probabilistic models (M-11; Ho et al. 2020)."""

from itertools import pairwise

import torch
from torch import Tensor

from etude.diffusion.chain import Chain
from etude.diffusion.edm import Network
from etude.diffusion.noise import Generators, normal
from etude.diffusion.schedules import times_of
from etude.diffusion.shapes import per_clip


class GaussianDiffusion(Chain):
    """The chain q(x_t | x_{t-1}) = N(sqrt(1 - beta_t) x_{t-1}, beta_t I), t = 1..``steps``."""

    def level(self, times: Tensor, like: Tensor) -> Tensor:
        """What a network is told of ``times`` [batch]: t / T, of the type and on the device of ``like``."""
        return (times / self.steps).to(like)

    def noised(self, clean: Tensor, times: Tensor, noise: Tensor) -> Tensor:
        """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise, for arrays [batch, ...] and ``times`` [batch]."""
        left = self.alpha_bar[times]
        keep, add = left.sqrt().to(clean), (1 - left).sqrt().to(clean)
        return per_clip(keep, clean) * clean + per_clip(add, clean) * noise

    def loss(self, network: Network, clean: Tensor, times: Tensor, noise: Tensor) -> Tensor:
        """Mean over all elements of |noise - epsilon(x_t, t)|² (the simple objective: all times weigh the same)."""
        return (network(self.noised(clean, times, noise), self.level(times, clean)) - noise).square().mean()

    def ancestral(
        self,
        network: Network,
        noise: Tensor,
        generators: Generators,
        steps: int | None = None,
        variance: str = "beta",
    ) -> Tensor:
        """Data [batch, ...] sampled from x_T = ``noise`` ~ N(0, I).

        x_s = (x_t - beta / sqrt(1 - alpha_bar_t) epsilon) / sqrt(alpha) + sigma z, with alpha = alpha_bar_t /
        alpha_bar_s and beta = 1 - alpha; no noise is added in the last step. ``variance`` of z is "beta" (right for
        data of unit variance) or "posterior", beta (1 - alpha_bar_s) / (1 - alpha_bar_t) (right for a single point).
        ``steps`` below T visits so many of the times only.
        """
        x = noise
        for t, s in pairwise(times_of(self.steps, steps)):
            here, there = self.alpha_bar[t].item(), self.alpha_bar[s].item()
            alpha = here / there
            level = self.level(torch.full((len(x),), t, device=x.device), x)
            x = (x - (1 - alpha) / (1 - here) ** 0.5 * network(x, level)) / alpha**0.5
            if s > 0:
                x = x + VARIANCES[variance](alpha, here, there) ** 0.5 * normal(x, generators)
        return x


VARIANCES = {
    "beta": lambda alpha, here, there: 1 - alpha,
    "posterior": lambda alpha, here, there: (1 - alpha) * (1 - there) / (1 - here),
}
