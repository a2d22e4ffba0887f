"""The probe for one label of a whole clip (P-28): time average, hidden layers with ReLU, logits."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from etude.probes.members import MemberLinear


class MLPProbe(nn.Module):
    """Features [members, clips, width] (see :func:`time_average`) to logits [members, clips, classes]."""

    def __init__(self, width: int, hidden: Sequence[int], classes: int, generators: Sequence[torch.Generator]):
        super().__init__()
        sizes = [width, *hidden, classes]
        self.layers = nn.ModuleList(MemberLinear(*pair, generators) for pair in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)

    def parameters_of(self, member: int) -> list[Tensor]:
        return [parameter[member] for parameter in self.parameters()]


def time_average(levels: Tensor) -> Tensor:
    """Levels [clips, width, frames] to features [clips, width]."""
    return levels.mean(dim=-1)


def label_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy in nats of each member: logits [members, clips, classes], labels [members, clips] of int64.

    A label that is not among the classes (-1) is not asked for.
    """
    members, clips, _ = logits.shape
    losses = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-1, reduction="none")
    known = (labels >= 0).sum(dim=1).clamp(min=1)
    return losses.view(members, clips).sum(dim=1) / known
