"""How sure a mean over repeated runs is."""

import statistics
from collections.abc import Sequence

from scipy import stats


def seed_interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """95 % interval (Student's t) of the mean of ``values``, one per run; none for a single run."""
    if len(values) < 2:
        return None, None
    half = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return statistics.fmean(values) - half, statistics.fmean(values) + half
