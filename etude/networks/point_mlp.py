"""The network of the first toy: a perceptron over points of a plane (M-31)."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from etude.networks.noise_embedding import NoiseEmbedding


class PointMlp(nn.Module):
    """F of points [batch, 1, dimensions]: ``layers`` linear layers of ``width``, fed with the noise level as well."""

    def __init__(self, dimensions: int, width: int, layers: int, embedding: int):
        super().__init__()
        self.embedding = NoiseEmbedding(embedding)
        sizes = [dimensions + embedding, *[width] * (layers - 1), dimensions]
        parts = [nn.Linear(sizes[0], sizes[1])]
        for before, after in pairwise(sizes[1:]):
            parts += [nn.SiLU(), nn.Linear(before, after)]
        self.layers = nn.Sequential(*parts)

    def forward(self, x: Tensor, noise_level: Tensor, controls: Tensor | None = None) -> Tensor:
        return self.layers(torch.cat([x.flatten(1), self.embedding(noise_level)], dim=1)).reshape(x.shape)
