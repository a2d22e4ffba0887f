"""Delete-a-group jackknife: takes away the 1/n bias of a statistic and gives its interval, without random numbers.

FAD grows with 1/n when n is small; a bootstrap adds that bias a second time, so its percentile interval misses the true
value nearly always. Groups are made of whole files: windows of one file are correlated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from scipy import stats

from etude.metrics.frechet import Root, frechet, root
from etude.metrics.gaussian import Gaussian


@dataclass(frozen=True)
class Jackknife:
    """Bias-corrected ``estimate``, its standard error, and the ends of its 95 % interval (Student's t)."""

    estimate: float
    se: float
    low: float
    high: float


def jackknife(full: float, left_out: Sequence[float]) -> Jackknife:
    """From the statistic of all groups and those with one of the G >= 2 groups left out each."""
    count = len(left_out)
    values = np.asarray(left_out, dtype=np.float64)
    estimate = count * full - (count - 1) * values.mean()
    se = np.sqrt((count - 1) / count * np.sum((values - values.mean()) ** 2))
    half = stats.t.ppf(0.975, count - 1) * se
    return Jackknife(float(estimate), float(se), float(estimate - half), float(estimate + half))


def frechet_jackknife(reference: Root, groups: Sequence[Gaussian]) -> Jackknife:
    """Jackknife of the Fréchet distance over ``groups`` of files, against a fixed ``reference``.

    What is left is the bias from the reference's own finite size: the same for all sets compared with it.
    """
    full = frechet(reference, root(reduce(add, groups)))
    rest = (reduce(add, [*groups[:position], *groups[position + 1 :]]) for position in range(len(groups)))
    return jackknife(full, [frechet(reference, root(gaussian)) for gaussian in rest])
