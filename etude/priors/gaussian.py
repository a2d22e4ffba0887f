"""The floor of every prior: each level a Gaussian of its own, independent of the other levels."""

import torch
from torch import Tensor, nn

from etude.diffusion.samplers import SamplerSettings
from etude.priors import coarse_to_fine
from etude.training.arrays import EncodedSplit

BLOCK = 1024  # clips


class GaussianPrior(nn.Module):
    """Mean and full covariance over all channels and frames of a level; nothing joins one level to another.

    It knows all there is to know up to second order within a level. What a better prior gains on it is the shape of the
    distribution and what the levels say of each other.
    """

    def __init__(self, shapes: dict[str, tuple[int, ...]]):
        super().__init__()
        self.names = coarse_to_fine(shapes)
        for name in self.names:
            size = shapes[name][0] * shapes[name][1]
            self.register_buffer(f"mean_{name}", torch.zeros(size))
            self.register_buffer(f"root_{name}", torch.zeros(size, size))

    @torch.no_grad()
    def fit(self, levels: EncodedSplit) -> None:
        """Moments of every level over ``levels``, in double precision; the covariance is the biased one."""
        for name in self.names:
            total, products = 0.0, 0.0
            for start in range(0, len(levels), BLOCK):
                vectors = levels.batch(slice(start, start + BLOCK), (name,))[name].flatten(1).double()
                total, products = total + vectors.sum(0), products + vectors.T @ vectors
            mean = total / len(levels)
            variances, axes = torch.linalg.eigh(products / len(levels) - torch.outer(mean, mean))
            getattr(self, f"mean_{name}").copy_(mean)
            getattr(self, f"root_{name}").copy_(axes * variances.clamp_min(0.0).sqrt())  # rounding leaves some below 0

    @torch.no_grad()
    def sample(self, noise: list[Tensor], sampler: str, settings: SamplerSettings) -> list[Tensor]:
        """As :meth:`etude.priors.Prior.sample`; nothing is integrated, so ``sampler`` and ``settings`` play no part."""
        return [
            (getattr(self, f"mean_{name}") + part.flatten(1) @ getattr(self, f"root_{name}").T).view_as(part)
            for name, part in zip(self.names, noise, strict=True)
        ]


def build(settings, shapes: dict[str, tuple[int, ...]]) -> GaussianPrior:
    """The prior for levels of the given ``shapes``; it has no settings."""
    return GaussianPrior(shapes)
