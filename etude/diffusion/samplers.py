"""Deterministic and stochastic samplers of the EDM family (P-19, P-20). Found by name in :data:`SAMPLERS`."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from etude.diffusion.noise import Generators, normal

Denoiser = Callable[[Tensor, float], Tensor]
Sampler = Callable[[Denoiser, Tensor, list[float], "SamplerSettings", Generators], Tensor]


@dataclass(frozen=True)
class SamplerSettings:
    """Schedule and second-order settings. ``alpha`` = 1 is Heun; the released code uses 1.1."""

    steps: int = 30
    sigma_min: float = 0.001
    sigma_max: float = 80.0
    rho: float = 7.0
    alpha: float = 1.1
    churn: float = 0.0
    churn_min: float = 0.0
    churn_max: float = float("inf")
    churn_noise: float = 1.0


def schedule(settings: SamplerSettings) -> list[float]:
    """sigma_0 = sigma_max > ... > sigma_{N-1} = sigma_min, then sigma_N = 0 (Karras et al. 2022, eq. 5)."""
    high, low = settings.sigma_max ** (1 / settings.rho), settings.sigma_min ** (1 / settings.rho)
    last = max(settings.steps - 1, 1)
    return [(high + i / last * (low - high)) ** settings.rho for i in range(settings.steps)] + [0.0]


def sample(
    name: str, denoiser: Denoiser, noise: Tensor, settings: SamplerSettings, generator: Generators = None
) -> Tensor:
    """Integrate from ``noise`` ~ N(0, I) at sigma_max down to data, with the sampler called ``name``.

    ``denoiser(x, sigma)`` is D for one sigma shared by the batch. Costs 2 * steps - 1 evaluations (euler: steps).
    """
    return SAMPLERS[name](denoiser, noise * settings.sigma_max, schedule(settings), settings, generator)


def alpha_heun(denoiser, x, sigmas, settings, generator=None, reuse_x: bool = False) -> Tensor:
    """Second-order steps in the alpha form (P-19); the last step, to sigma = 0, is an Euler step.

    ``reuse_x`` repeats a slip of the released code, which takes the second slope from the old x: it shrinks the
    result (to a standard deviation of 0.177 instead of 0.5 on an exact Gaussian denoiser, 30 steps).
    """
    for sigma, following in pairwise(sigmas):
        step = following - sigma
        slope = (x - denoiser(x, sigma)) / sigma
        if following == 0.0:
            x = x + step * slope
            continue
        ahead, middle = x + settings.alpha * step * slope, sigma + settings.alpha * step
        if middle <= 0.0:  # alpha > 1 may overshoot zero just before the end
            x = x + step * slope
            continue
        second = ((x if reuse_x else ahead) - denoiser(ahead, middle)) / middle
        share = 1 / (2 * settings.alpha)
        x = x + step * ((1 - share) * slope + share * second)
    return x


def alpha_heun_released(denoiser, x, sigmas, settings, generator=None) -> Tensor:
    """:func:`alpha_heun` with the slip of the released code."""
    return alpha_heun(denoiser, x, sigmas, settings, generator, reuse_x=True)


def euler(denoiser, x, sigmas, settings, generator=None) -> Tensor:
    """First-order steps."""
    for sigma, following in pairwise(sigmas):
        x = x + (following - sigma) * (x - denoiser(x, sigma)) / sigma
    return x


def stochastic_heun(denoiser, x, sigmas, settings, generator=None) -> Tensor:
    """Heun steps after adding fresh noise (P-20; Karras et al. 2022, algorithm 2). ``churn`` = 0 adds none."""
    most = 2**0.5 - 1
    for sigma, following in pairwise(sigmas):
        inside = settings.churn_min <= sigma <= settings.churn_max
        gamma = min(settings.churn / (len(sigmas) - 1), most) if inside else 0.0
        if gamma > 0.0:
            raised = sigma * (1 + gamma)
            x = x + (raised**2 - sigma**2) ** 0.5 * settings.churn_noise * normal(x, generator)
            sigma = raised
        step = following - sigma
        slope = (x - denoiser(x, sigma)) / sigma
        ahead = x + step * slope
        if following > 0.0:
            second = (ahead - denoiser(ahead, following)) / following
            ahead = x + step * (slope + second) / 2
        x = ahead
    return x


SAMPLERS: dict[str, Sampler] = {
    "alpha_heun": alpha_heun,
    "alpha_heun_released": alpha_heun_released,
    "euler": euler,
    "stochastic_heun": stochastic_heun,
}
