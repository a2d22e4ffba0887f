from itertools import pairwise

import torch

from etude.networks.point_mlp import PointMlp


def test_the_memoirs_perceptron():
    """M-31: four layers of width 128, told the noise level by 32 sines; the count is that of its layers."""
    network = PointMlp(2, width=128, layers=4, embedding=32)
    sizes = [2 + 32, 128, 128, 128, 2]
    expected = sum((a + 1) * b for a, b in pairwise(sizes))
    assert sum(p.numel() for p in network.parameters()) == expected
    x = torch.randn(5, 1, 2)
    assert network(x, torch.rand(5)).shape == x.shape
    assert not torch.allclose(network(x, torch.zeros(5)), network(x, torch.ones(5)))
