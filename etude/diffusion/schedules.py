"""How much of the data is left at each step of a discrete-time diffusion (M-11, M-16), by name in ``SCHEDULES``."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

LARGEST_BETA = 0.999


def linear(steps: int, first: float, last: float) -> Tensor:
    """beta_1 = ``first`` to beta_T = ``last`` in equal steps, float64 [steps] (Ho et al. 2020: 1e-4 to 0.02)."""
    return torch.linspace(first, last, steps, dtype=torch.float64)


def cosine(steps: int, first: float = 0.0, last: float = 0.0) -> Tensor:
    """betas whose alpha_bar falls as cos² (Nichol and Dhariwal 2021; Hoogeboom et al. 2021), none above 0.999.

    ``first`` and ``last`` are of the linear schedule and not used.
    """
    times = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    left = ((times + 0.008) / 1.008 * math.pi / 2).cos() ** 2
    return (1 - left[1:] / left[:-1]).clamp(max=LARGEST_BETA)


SCHEDULES: dict[str, Callable[[int, float, float], Tensor]] = {"linear": linear, "cosine": cosine}


def alpha_bars(name: str, steps: int, first: float = 1e-4, last: float = 0.02) -> Tensor:
    """alpha_bar_0 = 1, alpha_bar_1, ..., alpha_bar_T of the schedule called ``name``: float64 [steps + 1]."""
    betas = SCHEDULES[name](steps, first, last)
    return torch.cat([betas.new_ones(1), (1 - betas).cumprod(0)])


def times_of(total: int, steps: int | None) -> list[int]:
    """T = ``total`` down to 0: the times a sampler visits, all of them, or ``steps`` + 1 that are evenly spread.

    Skipping times is Nichol and Dhariwal's (2021) way to sample a trained discrete-time model in fewer steps: what lies
    between two visited times acts as one step whose alpha is the quotient of the alpha_bars.
    """
    steps = min(steps or total, total)
    return [round(total * (steps - i) / steps) for i in range(steps + 1)]
