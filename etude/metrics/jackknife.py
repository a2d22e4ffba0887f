"""Delete-a-group jackknife: takes away the 1/n bias of a statistic and gives its interval, without random numbers.

FAD grows with 1/n when n is small; a bootstrap adds that bias a second time, so its percentile interval misses the true
value nearly always. Groups are made of whole clips: windows of one clip are correlated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from scipy import stats

from etude.metrics.embedded import EmbeddedSet
from etude.metrics.frechet import frechet, root
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


def frechet_jackknife(reference: EmbeddedSet, generated: EmbeddedSet, groups: int) -> Jackknife | None:
    """Jackknife of the Fréchet distance over groups of clips; None when there is but one clip.

    A group is left out of *both* sets, wherever its clip ids occur. Reconstructions share the chance of what was drawn
    with their originals; left out of one set only, a perfect reconstruction would end far below zero. Sets without
    common ids are independent: there the reference stays as it is, and so does the bias from its own finite size.
    """
    parts = np.array_split(np.arange(len(generated)), min(groups, len(generated)))
    if len(parts) < 2:
        return None
    pieces = [generated.gaussian(part) for part in parts]
    partners = [reference.positions(generated.clips[position] for position in part) for part in parts]
    alone = sorted(set(range(len(reference))).difference(*partners))
    others = [reference.gaussian(part) if part else None for part in [*partners, alone]]
    whole = root(_joined(others))
    left_out = []
    for position, partner in enumerate(partners):
        rest = _joined([*others[:position], *others[position + 1 :]]) if partner else None
        target = root(rest) if rest else whole
        left_out.append(frechet(target, root(_joined([*pieces[:position], *pieces[position + 1 :]]))))
    return jackknife(frechet(whole, root(_joined(pieces))), left_out)


def _joined(pieces: Sequence[Gaussian | None]) -> Gaussian:
    return reduce(add, (piece for piece in pieces if piece is not None))
