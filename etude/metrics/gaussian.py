"""Mean and scatter of a set of vectors, collected in pieces (Chan, Golub and LeVeque 1983)."""

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from etude.errors import UserError

BLOCK = 1024  # vectors at a time: in float64 they stay in the processor's cache, which doubles the speed


@dataclass(frozen=True)
class Gaussian:
    """Sufficient statistics of ``count`` vectors in d dimensions, in float64.

    ``mean`` [d]; ``scatter`` [d, d] is the sum of outer products of deviations from the mean. Adding two of them
    gives those of the joint set. Unlike sums of squares, this loses no digits when the mean is far from zero.
    """

    count: int
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray) -> "Gaussian":
        """Statistics of ``vectors`` [n, d], n >= 1. Raises ``UserError`` when one is NaN or infinite."""
        blocks = (vectors[start : start + BLOCK] for start in range(0, max(len(vectors), 1), BLOCK))
        return reduce(add, map(cls._of_block, blocks))

    @classmethod
    def _of_block(cls, vectors: np.ndarray) -> "Gaussian":
        vectors = finite(vectors)
        mean = vectors.mean(axis=0)
        centred = vectors - mean
        return cls(len(vectors), mean, centred.T @ centred)

    def __add__(self, other: "Gaussian") -> "Gaussian":
        count = self.count + other.count
        step = other.mean - self.mean
        mean = self.mean + step * (other.count / count)
        scatter = self.scatter + other.scatter + np.outer(step, step) * (self.count * other.count / count)
        return Gaussian(count, mean, scatter)

    def __sub__(self, part: "Gaussian") -> "Gaussian":
        """What is left when ``part``, smaller than the whole, is taken out: the inverse of ``+``."""
        count = self.count - part.count
        step = self.mean - part.mean
        mean = self.mean + step * (part.count / count)
        scatter = self.scatter - part.scatter - np.outer(step, step) * (self.count * part.count / count)
        return Gaussian(count, mean, scatter)

    @property
    def covariance(self) -> np.ndarray:
        """Unbiased covariance [d, d]; zero for a single vector, which says nothing about spread."""
        return self.scatter / max(self.count - 1, 1)


def finite(vectors: np.ndarray) -> np.ndarray:
    """``vectors`` [n, d] as float64; raises ``UserError`` when there is none or one is NaN or infinite."""
    vectors = np.asarray(vectors, dtype=np.float64)
    if vectors.ndim != 2 or len(vectors) == 0:
        raise UserError(
            f"embeddings of shape {list(vectors.shape)} found, [windows >= 1, dimensions] expected; embed again"
        )
    if bad := int(np.count_nonzero(~np.isfinite(vectors).all(axis=1))):
        raise UserError(
            f"{bad} of {len(vectors)} embeddings hold NaN or infinity; check the audio and the weights behind them"
        )
    return vectors
