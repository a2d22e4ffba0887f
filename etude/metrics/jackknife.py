"""Delete-a-group jackknife: takes away the 1/n bias of a statistic and gives its interval, without random numbers.

FAD grows with 1/n when n is small; a bootstrap adds that bias a second time, so its percentile interval misses the true
value nearly always. Groups are made of whole clips: windows of one clip are correlated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from etude.metrics.embedded import EmbeddedSet
from etude.metrics.frechet import frechet, root


@dataclass(frozen=True)
class Jackknife:
    """Bias-corrected ``estimate``, its standard error, and the ends of its 95 % interval (Student's t)."""

    estimate: float
    se: float
    low: float
    high: float


def jackknife(full: float, *strata: Sequence[float]) -> Jackknife:
    """From the statistic of everything, and per stratum the statistics with one of its G >= 2 groups left out each.

    Strata are samples drawn independently of each other (one is the common case): their biases and variances add up.
    """
    bias, variance = 0.0, 0.0
    for left_out in strata:
        count, values = len(left_out), np.asarray(left_out, dtype=np.float64)
        bias += (count - 1) * (values.mean() - full)
        variance += (count - 1) / count * np.sum((values - values.mean()) ** 2)
    estimate, se = full - bias, np.sqrt(variance)
    half = stats.t.ppf(0.975, min(map(len, strata)) - 1) * se
    return Jackknife(float(estimate), float(se), float(estimate - half), float(estimate + half))


def frechet_jackknife(reference: EmbeddedSet, generated: EmbeddedSet, groups: int) -> Jackknife | None:
    """Jackknife of the Fréchet distance over ``groups`` of clips of both sets; None when a single clip was generated.

    Clips that both sets have, by their ids, are left out of both at once: reconstructions share the chance of what was
    drawn with their originals, and left out of one set only, a perfect reconstruction would end far below zero. Clips
    of one set alone are a stratum of their own. A stratum of a single clip is taken as it is.
    """
    sides = [(side, side.gaussian()) for side in (reference, generated)]
    roots = [root(whole) for _, whole in sides]

    def without(clips: Sequence[str]) -> float:
        rest = list(roots)
        for number, (side, whole) in enumerate(sides):
            if positions := side.positions(clips):
                rest[number] = root(whole - side.gaussian(positions))
        return frechet(*rest)

    both = set(reference.clips) & set(generated.clips)
    strata = [
        [clip for clip in generated.clips if clip in both],
        [clip for clip in generated.clips if clip not in both],
        [clip for clip in reference.clips if clip not in both],
    ]
    parts = [np.array_split(clips, min(groups, len(clips))) for clips in strata if len(clips) > 1]
    if len(generated) < 2 or not parts:
        return None
    return jackknife(frechet(*roots), *([without(part.tolist()) for part in stratum] for stratum in parts))
