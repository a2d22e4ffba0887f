"""Adaptive group normalisation: the noise level sets scale and shift (P-13, M-30)."""

from torch import Tensor, nn


class AdaptiveGroupNorm(nn.Module):
    """One group normalisation, used ``uses`` times, each use with its own scale and shift from the embedding.

    ``y = a(e) * GroupNorm(x) + b(e)`` with ``(a, b)`` linear in the embedding ``e``; there is no ``1 +`` on the scale,
    so its bias starts at one and the layer starts as a plain normalisation.
    """

    def __init__(self, channels: int, embedding: int, groups: int = 1, uses: int = 1):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)
        self.modulations = nn.ModuleList([nn.Linear(embedding, 2 * channels) for _ in range(uses)])
        for modulation in self.modulations:
            nn.init.zeros_(modulation.bias)
            nn.init.ones_(modulation.bias[:channels])

    def forward(self, x: Tensor, embedding: Tensor, use: int = 0) -> Tensor:
        """``x`` [batch, channels, ...], ``embedding`` [batch, embedding]; ``use`` picks the scale and shift."""
        per_channel = self.modulations[use](embedding).reshape(len(x), -1, *[1] * (x.ndim - 2))
        scale, shift = per_channel.chunk(2, dim=1)
        return scale * self.norm(x) + shift
