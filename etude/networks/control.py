"""Ways to control a U-Net, by name: which branch prepares the controls, and how they join (M-21 to M-29)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from etude.networks.branches import GlobalBranch, LocalBranch, TokenBranch
from etude.networks.joins import Concatenation, CrossAttention, Film, Gate, Join, MixedConvolution, Sum


@dataclass(frozen=True)
class Control:
    """``branch(rows, width, depth)`` and, for a network of so many axes, ``join(axes)(channels, condition)``."""

    branch: Callable[[int, int, int], nn.Module]
    join: Callable[[int], Callable[[int, int], Join]]


def _any_axes(join: Callable[[int, int], Join]) -> Callable[[int], Callable[[int, int], Join]]:
    return lambda axes: join


CONTROLS: dict[str, Control] = {
    "concatenation": Control(LocalBranch, _any_axes(Concatenation)),
    "film": Control(LocalBranch, _any_axes(Film)),
    "global_film": Control(GlobalBranch, _any_axes(Film)),
    "global_gate": Control(GlobalBranch, _any_axes(Gate)),
    "sum": Control(LocalBranch, _any_axes(Sum)),
    "attention": Control(TokenBranch, _any_axes(CrossAttention)),
    "unordered_attention": Control(TokenBranch, _any_axes(partial(CrossAttention, positions=False))),
    "condconv": Control(GlobalBranch, lambda axes: partial(MixedConvolution, axes=axes)),
}
