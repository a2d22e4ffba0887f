import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.metrics.energy import energy_distance
from etude.metrics.histograms import entropy, total_variation


def test_energy_distance_of_points_by_hand():
    # 2 * mean(1, 3) - mean within {0} - mean within {1, 3}, which is (0 + 2 + 2 + 0) / 4
    assert energy_distance(np.array([[0.0]]), np.array([[1.0], [3.0]])) == pytest.approx(2 * 2 - 0 - 1)


def test_energy_distance_is_nothing_for_equal_samples_and_grows_with_a_shift():
    x = np.random.default_rng(0).normal(size=(400, 2))
    assert energy_distance(x, x) == pytest.approx(0, abs=1e-12)
    near, far = (energy_distance(x, x + shift) for shift in (0.1, 1.0))
    assert 0 < near < far
    assert energy_distance(x, x + 1000) == pytest.approx(2 * 1000 * 2**0.5, rel=0.01)


def test_two_true_samples_have_what_the_docstring_says():
    rng = np.random.default_rng(0)
    found = np.mean([energy_distance(*rng.normal(size=(2, 20, 1))) for _ in range(3000)])
    assert found == pytest.approx(2 / np.pi**0.5 * 2 / 20, rel=0.1)  # E|X - X'| = 2 / sqrt(pi)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=30).filter(any))
def test_histograms(counts):
    counts = np.array(counts)
    assert total_variation(counts, 3 * counts) == pytest.approx(0, abs=1e-12)
    assert -1e-12 <= entropy(counts) <= np.log(len(counts)) + 1e-9
    assert entropy(np.ones(len(counts))) == pytest.approx(np.log(len(counts)))
    assert total_variation(np.array([1, 0]), np.array([0, 5])) == 1
