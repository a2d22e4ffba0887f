"""A dense layer for several members at once."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class MemberLinear(nn.Module):
    """[members, cases, inside] to [members, cases, outside], each member with its own weights.

    Initial weights are uniform in ±1/√inside, drawn from one generator per member, so that a member's start depends on
    its own seed alone.
    """

    def __init__(self, inside: int, outside: int, generators: Sequence[torch.Generator]):
        super().__init__()
        self.weight = nn.Parameter(_uniform((inside, outside), inside, generators))
        self.bias = nn.Parameter(_uniform((1, outside), inside, generators))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)


def _uniform(shape: tuple[int, ...], inside: int, generators: Sequence[torch.Generator]) -> Tensor:
    drawn = torch.stack([torch.rand(shape, generator=generator) for generator in generators])
    return (2 * drawn - 1) / inside**0.5
