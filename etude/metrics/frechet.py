"""Fréchet distance between two Gaussians (P-27), without a matrix square root.

With C = L Lᵀ for each of the two, tr (C₁ C₂)^½ is the nuclear norm of L₁ᵀ L₂: the sum of its singular values. All
numbers stay real, rank-deficient covariances need no added diagonal, and no `sqrtm` decides about the result.
"""

from dataclasses import dataclass

import numpy as np

from etude.metrics.gaussian import Gaussian, finite


@dataclass(frozen=True)
class Root:
    """A Gaussian by its ``mean`` [d] and a ``factor`` [d, r] of its covariance factor @ factor.T."""

    mean: np.ndarray
    factor: np.ndarray

    @property
    def rank(self) -> int:
        return self.factor.shape[1]


def root(gaussian: Gaussian) -> Root:
    """Factor the covariance by its eigenvectors.

    Eigenvalues below what float64 resolves beside the greatest (d eps times that) are rounding noise of either sign;
    under a square root they would count 1e-8 instead of 1e-16, so they are left out. So are those beyond the n - 1
    that n vectors can span.
    """
    values, vectors = np.linalg.eigh(gaussian.covariance)
    kept = values > len(values) * np.finfo(np.float64).eps * values[-1]
    if gaussian.count <= len(values):
        kept[: len(values) - (gaussian.count - 1)] = False
    return Root(gaussian.mean, vectors[:, kept] * np.sqrt(values[kept]))


def root_of(vectors: np.ndarray) -> Root:
    """The same from the vectors [n, d] themselves: the centred vectors are a factor already (cheaper when n << d)."""
    vectors = finite(vectors)
    mean = vectors.mean(axis=0)
    return Root(mean, (vectors - mean).T / np.sqrt(max(len(vectors) - 1, 1)))


def frechet(first: Root, second: Root) -> float:
    """|m₁ - m₂|² + tr C₁ + tr C₂ - 2 tr (C₁ C₂)^½.

    Never below zero but for rounding: some 1e-15 of the traces, which is left as it is.
    """
    step = first.mean - second.mean
    cross = (
        np.linalg.svd(first.factor.T @ second.factor, compute_uv=False) if first.rank and second.rank else np.zeros(1)
    )
    traces = np.sum(first.factor**2) + np.sum(second.factor**2)
    return float(step @ step + traces - 2.0 * np.sum(cross))
