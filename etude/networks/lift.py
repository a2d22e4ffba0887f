"""A number of whose small differences much depends, told point by point (beyond M-07 and M-08)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Lift(nn.Module):
    """Adds, for each of ``rows`` of the controls, ``points`` rows: how near its value is to k / (points - 1), 1 there
    and 0 from one neighbour to the other (linear B-splines). A free value, -1, is near none.

    The memoir's chroma is one number, pitch class / 11, of which a network has to learn that 0.27 and 0.36 are as far
    apart as two sounds can be; with 12 points each pitch class has a row of its own. Chroma 0 is a C or silence, which
    velocity 0 alone decides: it has a row of its own too. Nothing in it is learnt.
    """

    def __init__(self, rows: Sequence[int], points: int):
        super().__init__()
        self.rows, self.points = list(rows), points
        self.register_buffer("places", torch.arange(points).float()[:, None], persistent=False)

    @property
    def added(self) -> int:
        """Rows that are added."""
        return len(self.rows) * self.points

    def forward(self, controls: Tensor) -> Tensor:
        """Controls [batch, rows, frames] to [batch, rows + added, frames]."""
        told = [controls]
        for row in self.rows:
            value = controls[:, row : row + 1]
            told.append((1 - (value * (self.points - 1) - self.places).abs()).clamp_min(0))
        return torch.cat(told, dim=1)
