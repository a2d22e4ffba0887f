"""Distances and entropies of counts (M-33, M-34)."""

import numpy as np


def total_variation(first: np.ndarray, second: np.ndarray) -> float:
    """Half the sum of absolute differences of two histograms of counts, each brought to sum 1: 0 equal, 1 disjoint."""
    return float(np.abs(first / first.sum() - second / second.sum()).sum() / 2)


def entropy(counts: np.ndarray) -> float:
    """Entropy in nats of the shares of ``counts``."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
