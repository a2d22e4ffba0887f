"""Intervals of 95 % for means and shares."""

import numpy as np
from scipy import stats

LEVEL = 0.95


def share_interval(successes: int, trials: int) -> tuple[float, float]:
    """Exact (Clopper-Pearson) interval of a probability; never narrower than it should be."""
    tail = (1 - LEVEL) / 2
    low = 0.0 if successes == 0 else stats.beta.ppf(tail, successes, trials - successes + 1)
    high = 1.0 if successes == trials else stats.beta.ppf(1 - tail, successes + 1, trials - successes)
    return float(low), float(high)


def bootstrap_interval(statistic, cases: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    """Percentile interval of ``statistic`` over resampled ``cases`` [cases, ...].

    ``statistic`` takes [resamples, cases, ...] and gives [resamples]. For means and ratios of sums, which have no bias
    to speak of; not for FAD, see :mod:`etude.metrics.jackknife`.
    """
    generator = np.random.default_rng(seed)
    drawn = generator.integers(len(cases), size=(resamples, len(cases)))
    low, high = np.quantile(statistic(cases[drawn]), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def mean_interval(values: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    """Bootstrap interval of the mean of ``values`` [cases]."""
    return bootstrap_interval(lambda drawn: drawn.mean(axis=1), values, resamples, seed)
