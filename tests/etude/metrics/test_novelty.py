"""Novelty against limits: copies, fresh draws, things far away."""

import numpy as np
import pytest

from etude.metrics.novelty import Novelty

RNG = np.random.default_rng(0)
EXAMPLES = RNG.standard_normal((1500, 12)) * np.logspace(-2, 2, 12)


def test_a_copy_is_0_and_a_fresh_draw_about_1():
    novelty = Novelty(EXAMPLES)
    np.testing.assert_array_equal(novelty.of(EXAMPLES[:40]), 0)
    fresh = novelty.of(RNG.standard_normal((1000, 12)) * np.logspace(-2, 2, 12))
    assert np.median(fresh) == pytest.approx(1, abs=0.05)
    assert novelty.of(1e6 * EXAMPLES[:3]).min() > 1e4


def test_it_is_the_distance_to_the_nearest_in_units_of_the_examples_own():
    """Four points on a line: their nearest neighbours are 1, 1, 2 and 4 away."""
    novelty = Novelty(np.array([[0.0], [1.0], [3.0], [7.0]]))
    np.testing.assert_allclose(novelty.of(np.array([[0.3], [8.5], [3.0]])), [0.3 / 1.5, 1.5 / 1.5, 0])


def test_units_of_features_do_not_matter():
    samples = EXAMPLES[:30] + 0.1
    scaled = Novelty(EXAMPLES * 1000).of(samples * 1000)
    np.testing.assert_allclose(Novelty(EXAMPLES).of(samples), scaled, rtol=1e-6)


def test_a_constant_feature_and_repeated_examples():
    constant = np.column_stack([EXAMPLES[:50], np.ones(50)])
    assert np.isfinite(Novelty(constant).of(constant + 1e-3)).all()
    assert Novelty(np.ones((5, 2))).of(np.ones((1, 2))) == 0
