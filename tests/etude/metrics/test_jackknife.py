"""The interval covers the truth and the bias goes away: seeded simulations with a known true distance."""

import numpy as np
import pytest

from etude.metrics.embedded import EmbeddedSet
from etude.metrics.extrapolate import frechet_infinity
from etude.metrics.frechet import Root, frechet, root
from etude.metrics.halves import frechet_between_halves
from etude.metrics.jackknife import frechet_jackknife, jackknife

DIMENSION, FILES, WINDOWS, RUNS = 16, 80, 6, 60
REFERENCE = Root(np.zeros(DIMENSION), np.eye(DIMENSION))  # an infinite reference: standard normal


def draw(seed: int, shift: float) -> EmbeddedSet:
    """Standard normal windows, those of a file correlated by one half, moved by ``shift`` in every dimension."""
    generator = np.random.default_rng(seed)
    files = generator.normal(size=(FILES, 1, DIMENSION)) * np.sqrt(0.5)
    windows = generator.normal(size=(FILES, WINDOWS, DIMENSION)) * np.sqrt(0.5)
    return EmbeddedSet.of([f"{seed}/{number}" for number in range(FILES)], list(files + windows + shift))


@pytest.fixture(scope="module", params=[0.0, 0.1])
def simulated(request):
    """True distance, and per run: plain, jackknife, extrapolation."""
    truth = DIMENSION * request.param**2
    runs = []
    for seed in range(RUNS):
        clips = draw(seed, request.param)
        runs.append(
            (
                frechet(REFERENCE, root(clips.gaussian())),
                frechet_jackknife(REFERENCE, clips.groups(20)),
                frechet_infinity(REFERENCE, clips, seed),
            )
        )
    return truth, *zip(*runs, strict=True)


def test_plain_distance_is_biased_and_the_jackknife_is_not(simulated):
    truth, plain, jack, _ = simulated
    estimates = np.array([one.estimate for one in jack])
    bias = np.mean(plain) - truth
    assert bias > 5 * np.std(plain) / np.sqrt(RUNS)  # the simulation has something to correct
    assert abs(estimates.mean() - truth) < 0.25 * bias


def test_interval_covers_the_true_distance(simulated):
    """95 % promised; with 60 runs fewer than 53 hits would happen once in 200 times."""
    truth, _, jack, _ = simulated
    assert sum(one.low <= truth <= one.high for one in jack) >= 53


def test_standard_error_is_that_of_repeated_draws(simulated):
    truth, _, jack, _ = simulated
    spread = np.std([one.estimate for one in jack], ddof=1)
    error = np.mean([one.se for one in jack])
    if truth:
        assert error == pytest.approx(spread, rel=0.35)
    else:  # at its minimum the distance is quadratic in the sample, where a jackknife errs on the safe side
        assert spread < error < 2 * spread


def test_extrapolation_removes_the_bias(simulated):
    """Drawing with replacement would end at the plain distance."""
    truth, plain, _, infinity = simulated
    bias = np.mean(plain) - truth
    assert abs(np.mean([one.limit for one in infinity]) - truth) < 0.4 * bias
    assert all(one.slope > 0 for one in infinity)
    assert np.median([one.r2 for one in infinity]) > 0.8


def test_jackknife_of_a_mean_is_the_mean():
    values = np.random.default_rng(0).normal(size=20)
    found = jackknife(values.mean(), [np.delete(values, i).mean() for i in range(20)])
    assert found.estimate == pytest.approx(values.mean(), rel=1e-12)
    assert found.se == pytest.approx(values.std(ddof=1) / np.sqrt(20), rel=1e-12)
    assert (found.high - found.low) / 2 == pytest.approx(2.093 * found.se, rel=1e-3)  # t with 19 degrees


def test_jackknife_of_a_biased_variance_is_unbiased():
    """The classic: it turns the division by n into one by n - 1, exactly."""
    values = np.random.default_rng(1).normal(size=12)
    found = jackknife(values.var(), [np.delete(values, i).var() for i in range(12)])
    assert found.estimate == pytest.approx(values.var(ddof=1), rel=1e-12)


def test_same_seed_same_extrapolation_other_seed_another():
    clips = draw(3, 0.1)
    assert frechet_infinity(REFERENCE, clips, 5) == frechet_infinity(REFERENCE, clips, 5)
    assert frechet_infinity(REFERENCE, clips, 5) != frechet_infinity(REFERENCE, clips, 6)


def test_too_few_files_for_a_line():
    few = EmbeddedSet.of(["a", "b"], [np.random.default_rng(i).normal(size=(3, DIMENSION)) for i in range(2)])
    assert frechet_infinity(REFERENCE, few, 0) is None


def test_two_halves_are_near_and_a_shifted_set_is_not():
    clips = draw(7, 0.0)
    floor, jack = frechet_between_halves(clips, 20)
    assert 0 < floor < frechet(root(clips.gaussian()), root(draw(8, 0.5).gaussian()))
    assert 0 < jack.estimate < floor  # the bias of one half is gone, that of the other stays


def test_halves_do_not_depend_on_the_order_of_files():
    clips = draw(7, 0.0)
    again = EmbeddedSet.of(clips.clips[::-1], [clips.of_clip(p) for p in reversed(range(len(clips)))])
    assert frechet_between_halves(again, 20) == frechet_between_halves(clips, 20)
