"""What the discrete-time paradigms share: so many steps, and how much of the data each leaves (M-11, M-16)."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from etude.diffusion.schedules import alpha_bars


@dataclass(frozen=True)
class Chain:
    """A Markov chain from the data, t = 0, to noise, t = ``steps``.

    ``alpha_bar`` [steps + 1] is float64; alpha_bar[0] = 1 is the data. ``first_beta`` and ``last_beta`` are the linear
    schedule's. Networks are told t / ``steps``.
    """

    steps: int = 1000
    schedule: str = "linear"
    first_beta: float = 1e-4
    last_beta: float = 0.02
    alpha_bar: Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        bars = alpha_bars(self.schedule, self.steps, self.first_beta, self.last_beta)
        object.__setattr__(self, "alpha_bar", bars)

    def draw_times(self, batch: int, generator: torch.Generator) -> Tensor:
        """``batch`` times in 1..steps, int64 [batch]."""
        return torch.randint(1, self.steps + 1, (batch,), generator=generator)
