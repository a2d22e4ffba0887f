"""FAD-infinity: the Fréchet distance extrapolated to an infinite number of windows (P-27)."""

from dataclasses import dataclass

import numpy as np

from etude.metrics.embedded import EmbeddedSet
from etude.metrics.frechet import frechet, root

SIZES = 15  # subsets, their sizes evenly spaced in 1/n
SMALLEST = 0.25  # the smallest subset, as a part of the set
WINDOWS_PER_DIMENSION = 2  # below, the distance is no longer linear in 1/n


@dataclass(frozen=True)
class Extrapolation:
    """The line distance = ``limit`` + ``slope`` / windows, and the share of variance ``r2`` it explains."""

    limit: float
    slope: float
    r2: float


def frechet_infinity(reference: EmbeddedSet, generated: EmbeddedSet, seed: int) -> Extrapolation | None:
    """Fit a line in 1/n through the distances of random subsets of files; None when there are too few files for one.

    Subsets are drawn *without* replacement: drawing n windows with replacement from N keeps the bias of N, so the line
    would end at the plain distance, with a high r2. Clips of the reference with the ids of generated ones come and go
    together with them, as in :func:`etude.metrics.jackknife.frechet_jackknife`; the others stay, and so does the bias
    from their number.
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
    alone = sorted(set(range(len(reference))).difference(reference.positions(generated.clips)))
    windows, distances = np.zeros(len(sizes)), np.zeros(len(sizes))
    for step, size in enumerate(sizes):
        chosen = np.sort(generator.choice(files, size, replace=False))
        partners = reference.positions(generated.clips[position] for position in chosen)
        subset = generated.gaussian(chosen)
        windows[step] = subset.count
        distances[step] = frechet(root(reference.gaussian(alone + partners)), root(subset))
    inverse = 1.0 / windows
    slope, limit = np.polyfit(inverse, distances, 1)
    residual = distances - (limit + slope * inverse)
    total = np.sum((distances - distances.mean()) ** 2)
    return Extrapolation(float(limit), float(slope), float(1.0 - residual @ residual / total) if total > 0 else 1.0)
