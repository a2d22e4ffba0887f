"""The interval covers the truth and the bias goes away: seeded simulations with a known true distance."""

import numpy as np
import pytest

from etude.metrics.embedded import EmbeddedSet
from etude.metrics.extrapolate import frechet_infinity
from etude.metrics.frechet import frechet, root
from etude.metrics.halves import frechet_between_halves
from etude.metrics.jackknife import frechet_jackknife, jackknife

DIMENSION, FILES, WINDOWS, RUNS = 16, 80, 6, 60
# As good as an infinite reference: mean 0 and covariance 1 exactly.
AXES = np.concatenate([np.eye(DIMENSION), -np.eye(DIMENSION)]) * np.sqrt((2 * DIMENSION - 1) / 2)
REFERENCE = EmbeddedSet.of(["reference"], [AXES])


def correlated(generator: np.random.Generator) -> np.ndarray:
    """Standard normal windows [files, windows, d]; those of a file are correlated by one half."""
    own, shared = (generator.normal(size=(FILES, count, DIMENSION)) for count in (WINDOWS, 1))
    return (own + shared) * np.sqrt(0.5)


def as_set(windows: np.ndarray) -> EmbeddedSet:
    return EmbeddedSet.of([f"clip {number}" for number in range(len(windows))], list(windows))


def draw(seed: int, shift: float = 0.0) -> EmbeddedSet:
    return as_set(correlated(np.random.default_rng(seed)) + shift)


def plain(reference: EmbeddedSet, generated: EmbeddedSet) -> float:
    return frechet(root(reference.gaussian()), root(generated.gaussian()))


def against_the_truth(shift: float) -> tuple[float, list[tuple[EmbeddedSet, EmbeddedSet]]]:
    """True distance and RUNS pairs: an infinite reference and an independent set, shifted."""
    return DIMENSION * shift**2, [(REFERENCE, draw(seed, shift)) for seed in range(RUNS)]


def two_samples(shift: float) -> tuple[float, list[tuple[EmbeddedSet, EmbeddedSet]]]:
    """True distance and RUNS pairs: two finite sets drawn independently, one shifted."""
    references = [correlated(np.random.default_rng(1000 + seed)) for seed in range(RUNS)]
    renamed = [EmbeddedSet.of([f"r{n}" for n in range(FILES)], list(windows)) for windows in references]
    return DIMENSION * shift**2, [(reference, draw(seed, shift)) for seed, reference in enumerate(renamed)]


def reconstructions(noise: float) -> tuple[float, list[tuple[EmbeddedSet, EmbeddedSet]]]:
    """True distance and RUNS pairs: a finite reference, and the same clips with noise added."""
    pairs = []
    for seed in range(RUNS):
        generator = np.random.default_rng(seed)
        original = correlated(generator)
        pairs.append((as_set(original), as_set(original + noise * correlated(generator))))
    return DIMENSION * (np.sqrt(1 + noise**2) - 1) ** 2, pairs


CASES = {
    "same": (against_the_truth, 0.0),
    "shifted": (against_the_truth, 0.1),
    "two samples": (two_samples, 0.2),
    "reconstructed": (reconstructions, 0.3),
    "badly reconstructed": (reconstructions, 1.0),
}


@pytest.fixture(scope="module", params=CASES)
def simulated(request):
    """Name, true distance, and for each run: plain distance, jackknife, extrapolation."""
    make, amount = CASES[request.param]
    truth, pairs = make(amount)
    return (
        request.param,
        truth,
        np.array([plain(*pair) for pair in pairs]),
        [frechet_jackknife(*pair, 20) for pair in pairs],
        [frechet_infinity(*pair, seed) for seed, pair in enumerate(pairs)],
    )


def test_plain_distance_is_biased_and_the_jackknife_is_not(simulated):
    _, truth, distances, jack, _ = simulated
    bias = distances.mean() - truth
    assert bias > 5 * distances.std() / np.sqrt(RUNS)  # there is something to correct
    assert abs(np.mean([one.estimate for one in jack]) - truth) < 0.25 * bias


def test_interval_covers_the_true_distance(simulated):
    """95 % promised; with 60 runs fewer than 53 hits would happen once in 200 times."""
    _, truth, _, jack, _ = simulated
    assert sum(one.low <= truth <= one.high for one in jack) >= 53


def test_standard_error_is_that_of_repeated_draws(simulated):
    name, _, _, jack, _ = simulated
    spread = np.std([one.estimate for one in jack], ddof=1)
    error = np.mean([one.se for one in jack])
    if (
        name == "same"
    ):  # at its minimum the distance is quadratic in the sample, where a jackknife errs on the safe side
        assert spread < error < 2 * spread
    else:
        assert error == pytest.approx(spread, rel=0.35)


def test_extrapolation_removes_the_bias(simulated):
    """Drawing with replacement would end at the plain distance."""
    name, truth, distances, _, infinity = simulated
    if name == "two samples":
        truth += (distances.mean() - truth) / 2  # the half that an independent reference of equal size adds
    bias = distances.mean() - truth
    assert abs(np.mean([one.limit for one in infinity]) - truth) < 0.4 * bias
    assert np.mean([one.slope > 0 for one in infinity]) > 0.95
    assert np.median([one.r2 for one in infinity]) > 0.6


def test_a_perfect_reconstruction_has_no_distance_and_no_doubt():
    clips = draw(0)
    found = frechet_jackknife(clips, clips, 20)
    assert [abs(value) < 1e-10 for value in (found.estimate, found.se, found.low, found.high)] == [True] * 4
    assert abs(frechet_infinity(clips, clips, 0).limit) < 1e-10


def test_ids_decide_what_is_left_out_together():
    """Under other ids the same clips count as independent; half of them renamed lies in between."""
    clips = draw(1)
    names = {clip: clip + " renamed" for clip in clips.clips}
    part = {clip: names[clip] if number % 2 else clip for number, clip in enumerate(clips.clips)}
    apart, halfway = (
        frechet_jackknife(EmbeddedSet.of([new[c] for c in clips.clips], [*map(clips.of_clip, range(FILES))]), clips, 20)
        for new in (names, part)
    )
    assert apart.estimate < halfway.estimate < -0.01


def test_one_clip_has_no_jackknife():
    assert frechet_jackknife(draw(0), EmbeddedSet.of(["one"], [np.ones((4, DIMENSION))]), 20) is None


def test_more_groups_than_clips():
    few = EmbeddedSet.of(["a", "b", "c"], list(np.random.default_rng(0).normal(size=(3, 40, DIMENSION))))
    rest = [frechet(root(REFERENCE.gaussian()), root(few.gaussian({0, 1, 2} - {left}))) for left in range(3)]
    expected = jackknife(plain(REFERENCE, few), rest)
    assert frechet_jackknife(REFERENCE, few, 20).estimate == pytest.approx(expected.estimate, rel=1e-12)


def test_jackknife_of_a_difference_of_means():
    """Two strata: variances add up."""
    one, other = np.random.default_rng(2).normal(size=(2, 15))
    strata = (
        [np.delete(one, i).mean() - other.mean() for i in range(15)],
        [one.mean() - np.delete(other, i).mean() for i in range(15)],
    )
    found = jackknife(one.mean() - other.mean(), *strata)
    assert found.estimate == pytest.approx(one.mean() - other.mean(), rel=1e-12)
    assert found.se == pytest.approx(np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 15), rel=1e-12)


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


def test_too_few_clips_for_a_line():
    few = EmbeddedSet.of(["a", "b"], list(np.random.default_rng(0).normal(size=(2, 3, DIMENSION))))
    assert frechet_infinity(REFERENCE, few, 0) is None


def test_two_halves_are_near_and_a_shifted_set_is_not():
    clips = draw(7)
    floor, jack = frechet_between_halves(clips, 20)
    assert 0 < floor < plain(clips, draw(8, 0.5))
    assert jack.low < 0 < jack.high


def test_halves_do_not_depend_on_the_order_of_clips():
    clips = draw(7)
    again = EmbeddedSet.of(clips.clips[::-1], [clips.of_clip(p) for p in reversed(range(len(clips)))])
    assert frechet_between_halves(again, 20) == frechet_between_halves(clips, 20)
