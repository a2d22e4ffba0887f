"""Does a statement about a table's cells hold? One function for each kind of statement.

    <name>(chains, lower, **options) -> Verdict

``chains`` are lists of :class:`~stages.report.paper_table.Value`, each from the allegedly better to the worse;
``lower`` says for each chain whether lower is better. Without intervals (``low`` and ``high`` of None) nothing can be
said, except of a document's own numbers, which are :func:`exact`.

The difference of two values is taken to be as uncertain as the root of the sum of squares of their intervals' halves.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import stats

from stages.report.paper_table import Value

HOLDS, FAILS, OPEN = "holds", "fails", "cannot tell"
DRAWS = 4000  # of possible values, where a statistic has no closed form

Chains = Sequence[Sequence[Value]]


@dataclass(frozen=True)
class Verdict:
    """What was found: the deciding number, its meaning, its 95 % interval, and the judgement."""

    verdict: str
    statistic: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


def exact(value: Value) -> Value:
    """A number without uncertainty: what a document prints."""
    return replace(value, low=value.value, high=value.value)


def ordered(chains: Chains, lower: Sequence[bool]) -> Verdict:
    """Each value is better than the next of its chain. The smallest of all leads decides, fails as soon as one is
    surely negative."""
    leads = [_lead(*pair) for pair in _pairs(chains, lower)]
    statistic = "smallest lead of the better"
    if lost := [lead for lead in leads if lead[2] is not None and lead[2] < 0]:
        return Verdict(FAILS, statistic, *min(lost, key=lambda lead: lead[2]))
    won = all(lead[1] is not None and lead[1] > 0 for lead in leads)
    return Verdict(HOLDS if won else OPEN, statistic, *min(leads, key=lambda lead: lead[0]))


def apart(chains: Chains, lower: Sequence[bool]) -> Verdict:
    """As :func:`ordered`, and stricter: the two intervals themselves do not touch."""
    gaps = []
    for better, worse, sign in _pairs(chains, lower):
        if None in (better.low, worse.low):
            return Verdict(OPEN, "smallest gap between intervals")
        lead = sign * (better.value - worse.value)
        gap = lead - _half(better) - _half(worse)
        against = -lead - _half(better) - _half(worse)
        gaps.append((gap, against))
    gap = min(gap for gap, _ in gaps)
    judgement = HOLDS if gap > 0 else FAILS if any(against > 0 for _, against in gaps) else OPEN
    return Verdict(judgement, "smallest gap between intervals", gap)


def alike(chains: Chains, lower: Sequence[bool], tolerance: float) -> Verdict:
    """The two values differ by no more than ``tolerance`` of their mean."""
    one, other = chains[0]
    mean = abs(one.value + other.value) / 2
    difference = abs(one.value - other.value) / mean
    statistic = "difference / mean"
    if None in (one.low, other.low):
        return Verdict(OPEN, statistic, difference)
    half = math.hypot(_half(one), _half(other)) / mean
    low, high = max(difference - half, 0.0), difference + half
    edge = tolerance + 1e-9  # printed decimals are not binary ones
    return Verdict(HOLDS if high <= edge else FAILS if low > edge else OPEN, statistic, difference, low, high)


def times_better(chains: Chains, lower: Sequence[bool], factor: float) -> Verdict:
    """The worse of each pair is at least ``factor`` times the better (where lower is better, else the other way)."""
    statistic = "smallest ratio"
    ratios = [
        _ratio(*((worse, better) if sign < 0 else (better, worse))) for better, worse, sign in _pairs(chains, lower)
    ]
    value, low, high = min(ratios, key=lambda ratio: ratio[0])
    if any(ratio[1] is None for ratio in ratios):
        return Verdict(OPEN, statistic, value)
    if lost := [ratio for ratio in ratios if ratio[2] < factor]:
        return Verdict(FAILS, statistic, *min(lost, key=lambda ratio: ratio[2]))
    return Verdict(HOLDS if all(ratio[1] >= factor for ratio in ratios) else OPEN, statistic, value, low, high)


def about(chains: Chains, lower: Sequence[bool], factor: float, tolerance: float) -> Verdict:
    """The first of a pair is ``factor`` times the second, within ``tolerance`` of that."""
    value, low, high = _ratio(*chains[0])
    if low is None:
        return Verdict(OPEN, "ratio", value)
    least, most = factor * (1 - tolerance) - 1e-9, factor * (1 + tolerance) + 1e-9
    inside, outside = least <= low and high <= most, high < least or low > most
    return Verdict(HOLDS if inside else FAILS if outside else OPEN, "ratio", value, low, high)


def above(chains: Chains, lower: Sequence[bool], threshold: float) -> Verdict:
    """Every value is greater than ``threshold``."""
    values = [cell for chain in chains for cell in chain]
    least = min(values, key=lambda cell: cell.value)
    if any(cell.low is None for cell in values):
        return Verdict(OPEN, "smallest value", least.value)
    judgement = HOLDS if all(cell.low > threshold for cell in values) else OPEN
    if lost := [cell for cell in values if cell.high < threshold]:
        judgement, least = FAILS, min(lost, key=lambda cell: cell.high)
    return Verdict(judgement, "smallest value", least.value, least.low, least.high)


def near_floor(chains: Chains, lower: Sequence[bool], tolerance: float, floor: Value) -> Verdict:
    """The value is better than ``floor`` by no more than ``tolerance`` (in its own unit)."""
    value, low, high = _lead(chains[0][0], exact(floor), -1 if lower[0] else 1)
    judgement = OPEN if low is None else HOLDS if high <= tolerance else FAILS if low > tolerance else OPEN
    return Verdict(judgement, "lead over the floor", value, low, high)


def same_ranks(chains: Chains, lower: Sequence[bool]) -> Verdict:
    """Two chains of one length rank alike: Spearman's correlation is above 0, for 97.5 % of what they may be."""
    signs = [-1 if one else 1 for one in lower]
    means = [np.array([sign * cell.value for cell in chain]) for chain, sign in zip(chains, signs, strict=True)]
    rho = float(_spearman(*means))
    statistic = "Spearman's rank correlation"
    if any(cell.low is None for chain in chains for cell in chain):
        return Verdict(OPEN, statistic, rho)
    rng = np.random.default_rng(0)
    spread = [np.array([_half(cell) / 1.96 for cell in chain]) for chain in chains]
    drawn = [mean + std * rng.standard_normal((DRAWS, len(mean))) for mean, std in zip(means, spread, strict=True)]
    low, high = np.quantile(_spearman(*drawn), [0.025, 0.975])
    return Verdict(HOLDS if low > 0 else FAILS if high < 0 else OPEN, statistic, rho, float(low), float(high))


def _spearman(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of [..., cells] each; 0 where all cells of a side are equal."""
    a, b = (stats.rankdata(side, axis=-1) - (side.shape[-1] + 1) / 2 for side in (one, other))
    scale = np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    return (a * b).sum(-1) / np.where(scale > 0, scale, 1)


def _pairs(chains: Chains, lower: Sequence[bool]) -> Iterator[tuple[Value, Value, int]]:
    for chain, down in zip(chains, lower, strict=True):
        for better, worse in pairwise(chain):
            yield better, worse, -1 if down else 1


def _lead(better: Value, worse: Value, sign: int) -> tuple[float, float | None, float | None]:
    lead = sign * (better.value - worse.value)
    if None in (better.low, worse.low):
        return lead, None, None
    half = math.hypot(_half(better), _half(worse))
    return lead, lead - half, lead + half


def _ratio(one: Value, other: Value) -> tuple[float, float | None, float | None]:
    """``one`` / ``other`` and its interval: relative halves joined as root of the sum of squares."""
    ratio = one.value / other.value
    if None in (one.low, other.low):
        return ratio, None, None
    half = abs(ratio) * math.hypot(_half(one) / one.value, _half(other) / other.value)
    return ratio, ratio - half, ratio + half


def _half(cell: Value) -> float:
    return (cell.high - cell.low) / 2
