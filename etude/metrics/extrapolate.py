"""FAD-infinity: the Fréchet distance extrapolated to an infinite number of windows (P-27)."""

from dataclasses import dataclass

import numpy as np

from etude.metrics.embedded import EmbeddedSet
from etude.metrics.frechet import Root, frechet, root

SIZES = 15  # subsets, their sizes evenly spaced in 1/n
SMALLEST = 0.25  # the smallest subset, as a part of the set
WINDOWS_PER_DIMENSION = 2  # below, the distance is no longer linear in 1/n


@dataclass(frozen=True)
class Extrapolation:
    """The line distance = ``limit`` + ``slope`` / windows, and the share of variance ``r2`` it explains."""

    limit: float
    slope: float
    r2: float


def frechet_infinity(reference: Root, generated: EmbeddedSet, seed: int) -> Extrapolation | None:
    """Fit a line in 1/n through the distances of random subsets of files; None when there are too few files for one.

    Subsets are drawn *without* replacement: drawing n windows with replacement from N keeps the bias of N, so the line
    would end at the plain distance, with a high r2.
    """
    files = len(generated)
    enough = WINDOWS_PER_DIMENSION * generated.dimension / (generated.windows / files)
    least = max(2, int(np.ceil(SMALLEST * files)), int(np.ceil(enough)))
    if least >= files:
        return None
    sizes = np.unique(np.rint(1.0 / np.linspace(1.0 / files, 1.0 / least, SIZES)).astype(int))
    if len(sizes) < 3:
        return None
    generator = np.random.default_rng(seed)
    subsets = [generated.gaussian(np.sort(generator.choice(files, size, replace=False))) for size in sizes]
    inverse = np.array([1.0 / subset.count for subset in subsets])
    distances = np.array([frechet(reference, root(subset)) for subset in subsets])
    slope, limit = np.polyfit(inverse, distances, 1)
    residual = distances - (limit + slope * inverse)
    total = np.sum((distances - distances.mean()) ** 2)
    return Extrapolation(float(limit), float(slope), float(1.0 - residual @ residual / total) if total > 0 else 1.0)
