"""How a condition joins the features of a block (M-23 to M-29).

A join is made for features of ``channels`` channels and a condition of ``condition`` channels; called with features
[batch, channels, ...] and a condition [batch, condition, frames or 1 or tokens], it returns [batch, join.channels, ...]
for the convolution that follows. Time is the features' last axis; before it there may be one of frequency.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from etude.networks.noise_embedding import NoiseEmbedding


class Join(nn.Module):
    """What all joins are."""

    def __init__(self, channels: int, condition: int):
        super().__init__()
        self.channels = channels
        """Of the output."""


def beside(condition: Tensor, x: Tensor) -> Tensor:
    """A condition [batch, condition, frames or 1] that broadcasts over the features ``x``."""
    return condition if x.ndim == 3 else condition[:, :, None]


class Concatenation(Join):
    """[x; c] on the channels, the memoir's choice (M-23)."""

    def __init__(self, channels: int, condition: int):
        super().__init__(channels + condition, condition)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        condition = beside(condition, x)
        if condition.shape[2:] != x.shape[2:]:
            condition = condition.expand(*condition.shape[:2], *x.shape[2:])
        return torch.cat([x, condition], dim=1)


class Film(Join):
    """gamma(c) x + beta(c), linear in c; starts as the identity (M-24)."""

    def __init__(self, channels: int, condition: int):
        super().__init__(channels, condition)
        self.affine = nn.Conv1d(condition, 2 * channels, 1)
        nn.init.zeros_(self.affine.weight)
        nn.init.zeros_(self.affine.bias)
        nn.init.ones_(self.affine.bias[:channels])

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        gamma, beta = beside(self.affine(condition), x).chunk(2, dim=1)
        return gamma * x + beta


class Gate(Join):
    """x times a sigmoid of c, one factor in 0..1 per channel (M-22)."""

    def __init__(self, channels: int, condition: int):
        super().__init__(channels, condition)
        self.gate = nn.Conv1d(condition, channels, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return x * beside(self.gate(condition).sigmoid(), x)


class Sum(Join):
    """x + g(c) as in ControlNet, g a 1x1 convolution that starts at zero (M-25, M-26)."""

    def __init__(self, channels: int, condition: int):
        super().__init__(channels, condition)
        self.zero = nn.Conv1d(condition, channels, 1)
        nn.init.zeros_(self.zero.weight)
        nn.init.zeros_(self.zero.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return x + beside(self.zero(condition), x)


class CrossAttention(Join):
    """x + attention of each place in x to the tokens of the control, a sequence at any rate (M-28).

    ``positions`` marks queries and keys with their time, as part of the clip; without them the order of the tokens does
    not matter.
    """

    def __init__(self, channels: int, condition: int, positions: bool = True, heads: int = 4):
        super().__init__(channels, condition)
        self.heads = heads
        self.query = nn.Linear(channels, condition)
        self.key, self.value = nn.Linear(condition, condition), nn.Linear(condition, condition)
        self.out = nn.Linear(condition, channels)
        self.times = NoiseEmbedding(condition, scale=1000.0, max_period=1000.0) if positions else None

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        places, tokens = x.flatten(2).transpose(1, 2), condition.transpose(1, 2)
        queries, keys = self.query(places), self.key(tokens)
        if self.times is not None:
            bands = x[0, 0].numel() // x.shape[-1]
            queries = queries + self._marks(x.shape[-1], x).repeat(bands, 1)
            keys = keys + self._marks(tokens.shape[1], x)
        parts = [part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (queries, keys, self.value(tokens))]
        heard = functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        return x + self.out(heard).transpose(1, 2).reshape(x.shape)

    def _marks(self, length: int, like: Tensor) -> Tensor:
        """Features [length, condition] of the times of so many equal parts of a clip."""
        return self.times((torch.arange(length, device=like.device, dtype=like.dtype) + 0.5) / length)


class MixedConvolution(Join):
    """x + a convolution whose kernel is a mixture of ``experts``, mixed by the condition: CondConv (M-29).

    The mixture is a softmax of a linear map of the condition's mean over time, so one expert is a plain convolution.
    """

    def __init__(self, channels: int, condition: int, axes: int = 1, experts: int = 4):
        super().__init__(channels, condition)
        plain = (nn.Conv1d, nn.Conv2d)[axes - 1](channels, channels * experts, 3, padding=1)
        self.kernels = nn.Parameter(plain.weight.detach().unflatten(0, (experts, channels)).clone())
        self.bias = nn.Parameter(plain.bias.detach().unflatten(0, (experts, channels)).clone())
        self.mixture = nn.Linear(condition, experts)

    def convolve(self, x: Tensor, shares: Tensor) -> Tensor:
        """``x`` [batch, channels, ...] with the kernels mixed by ``shares`` [batch, experts]: one convolution, in which
        every clip is a group of its own."""
        kernels = torch.einsum("be,eoi...->boi...", shares, self.kernels).flatten(0, 1)
        convolve = functional.conv1d if x.ndim == 3 else functional.conv2d
        out = convolve(
            x.reshape(1, -1, *x.shape[2:]), kernels, (shares @ self.bias).flatten(), padding=1, groups=len(x)
        )
        return out.reshape(x.shape)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return x + self.convolve(x, self.mixture(condition.mean(-1)).softmax(-1))
