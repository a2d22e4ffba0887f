"""Energy distance between two samples (M-32; Székely and Rizzo 2013)."""

import numpy as np
from scipy.spatial.distance import cdist, pdist


def energy_distance(first: np.ndarray, second: np.ndarray) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| of samples [n, d] and [m, d], each pair of a sample counted with itself too.

    Never negative, and 0 for equal samples. Two samples of one distribution have about E|X - X'| (1/n + 1/m), so a
    value says something only beside that of two true samples of the same sizes.
    """
    within = [2 * pdist(sample).sum() / len(sample) ** 2 for sample in (first, second)]
    return float(2 * cdist(first, second).mean() - sum(within))
