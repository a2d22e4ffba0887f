"""Each kind of statement on numbers for which everybody knows whether it holds."""

import math

import pytest

from stages.report.paper_table import Value
from stages.report.verdicts import FAILS, HOLDS, OPEN, alike, apart, exact, near_floor, ordered, same_ranks


def cells(*values, half=None):
    return [Value(v, *((None, None) if half is None else (v - half, v + half)), 6) for v in values]


@pytest.mark.parametrize(
    ("values", "lower", "verdict"),
    [
        ((9, 5, 1), False, HOLDS),
        ((1, 5, 9), True, HOLDS),
        ((9, 5, 4), False, OPEN),  # 5 and 4 are nearer than sqrt(2)
        ((9, 1, 5), False, FAILS),
        ((1, 5, 9), False, FAILS),
    ],
)
def test_ordered(values, lower, verdict):
    assert ordered([cells(*values, half=1.0)], [lower]).verdict == verdict


def test_the_smallest_lead_is_shown_with_the_joint_interval():
    found = ordered([cells(9, 5, 1, half=1.0), cells(8, 6, half=0.5)], [False, False])
    half = math.hypot(0.5, 0.5)
    assert (found.verdict, found.value, found.low, found.high) == (
        HOLDS,
        2,
        pytest.approx(2 - half),
        pytest.approx(2 + half),
    )


def test_one_lost_lead_fails_however_large_the_others():
    found = ordered([cells(90, 1, half=1.0), cells(1, 4, half=1.0)], [False, False])
    assert (found.verdict, found.value) == (FAILS, -3)


def test_without_intervals_nothing_is_said():
    for judge, options in ((ordered, {}), (apart, {}), (alike, {"tolerance": 9}), (same_ranks, {})):
        chains = [cells(9, 5), cells(9, 5)] if judge is same_ranks else [cells(9, 5)]
        assert judge(chains, [False] * len(chains), **options).verdict == OPEN


def test_exact_numbers_are_judged_and_a_tie_is_open():
    def judge(*values):
        return ordered([[exact(Value(v)) for v in values]], [False]).verdict

    assert (judge(99, 83, 26), judge(99, 99), judge(83, 99)) == (HOLDS, OPEN, FAILS)


def test_apart_wants_intervals_that_do_not_touch():
    def near(gap):
        return apart([cells(5 + gap, 5, half=1.0)], [False])

    assert ordered([cells(6.7, 5, half=1.0)], [False]).verdict == HOLDS
    assert near(1.7).verdict == OPEN and near(2.1).verdict == HOLDS and near(-2.1).verdict == FAILS
    assert near(2.1).value == pytest.approx(0.1)


def test_alike():
    """0.56 and 0.55 differ by 1.8 % of their mean; 0.41 and 0.55 do not."""
    printed = [[exact(Value(0.56)), exact(Value(0.55))]]
    assert alike(printed, [True], tolerance=0.0364).verdict == HOLDS
    assert alike(printed, [True], tolerance=0.01).verdict == FAILS
    assert alike([cells(56, 55, half=3)], [True], tolerance=0.0364).verdict == OPEN
    assert alike([cells(41, 55, half=1)], [True], tolerance=0.0364).verdict == FAILS


def test_near_floor():
    def judge(value, half=2.0):
        return near_floor([cells(value, half=half)], [False], tolerance=10.0, floor=Value(22.5)).verdict

    assert (judge(26), judge(31.5), judge(40)) == (HOLDS, OPEN, FAILS)
    assert judge(15) == HOLDS, "below the floor is not above it"


def test_same_ranks():
    up, down = cells(1, 2, 3, half=0.1), cells(3, 2, 1, half=0.1)
    assert same_ranks([up, up], [False, False]).verdict == HOLDS
    assert same_ranks([up, down], [False, False]).verdict == FAILS
    assert same_ranks([up, down], [False, True]).verdict == HOLDS, "lower is better in the second"
    vague = same_ranks([up, cells(1, 2, 3, half=30)], [False, False])
    assert vague.verdict == OPEN and vague.value == 1 and vague.low == -1
    assert same_ranks([up, up], [False, False]) == same_ranks([up, up], [False, False])
