"""Exponential moving average of parameters."""

import torch
from torch import nn


class Average:
    """Averages of the parameters of ``modules``; the decay rises to ``decay`` as (1 + n) / (10 + n)."""

    def __init__(self, modules: list[nn.Module], decay: float):
        self.parameters = [parameter for module in modules for parameter in module.parameters()]
        self.values = [parameter.detach().clone() for parameter in self.parameters]
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self) -> None:
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self.values, [p.detach() for p in self.parameters], 1 - decay)

    @torch.no_grad()
    def copy_to_parameters(self) -> None:
        for parameter, value in zip(self.parameters, self.values, strict=True):
            parameter.copy_(value)

    def state(self) -> dict:
        return {"values": self.values, "updates": self.updates}

    def load(self, state: dict) -> None:
        self.values = [
            value.to(parameter.device) for value, parameter in zip(state["values"], self.parameters, strict=True)
        ]
        self.updates = state["updates"]
