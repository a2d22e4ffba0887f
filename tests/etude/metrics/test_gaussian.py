"""Streaming statistics against the two-pass formulas, and against exact arithmetic."""

from fractions import Fraction
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.errors import UserError
from etude.metrics.gaussian import Gaussian


def test_pieces_give_what_the_whole_gives():
    vectors = np.random.default_rng(0).normal(size=(1000, 16)) @ np.diag(np.arange(1, 17)) + 5
    pieces = [Gaussian.of(piece) for piece in np.split(vectors, [1, 30, 31, 500])]
    whole = reduce(add, pieces)
    assert whole.count == 1000
    np.testing.assert_allclose(whole.mean, vectors.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(whole.covariance, np.cov(vectors, rowvar=False), rtol=1e-12, atol=1e-12 * 256)


def test_no_digits_are_lost_far_from_zero():
    """A mean 1e6 deviations away: sums of squares would keep 4 digits of the variance."""
    vectors = np.random.default_rng(1).normal(size=(3000, 2)) + 1e6
    merged = reduce(add, (Gaussian.of(piece) for piece in np.split(vectors, 30)))
    exact = [[Fraction(float(value)) for value in column] for column in vectors.T]
    means = [sum(column) / len(column) for column in exact]
    variance = [float(sum((v - m) ** 2 for v in c) / (len(c) - 1)) for c, m in zip(exact, means, strict=True)]
    np.testing.assert_allclose(np.diag(merged.covariance), variance, rtol=1e-10)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=6), st.integers(0, 2**32 - 1))
def test_order_of_pieces_does_not_matter(sizes, seed):
    generator = np.random.default_rng(seed)
    pieces = [Gaussian.of(generator.normal(size=(size, 3))) for size in sizes]
    one, other = reduce(add, pieces), reduce(add, pieces[::-1])
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(one.scatter, other.scatter, rtol=1e-12, atol=1e-12)


def test_taking_out_undoes_adding():
    generator = np.random.default_rng(2)
    one, other = generator.normal(size=(40, 6)) + 3, generator.normal(size=(9, 6))
    rest, expected = Gaussian.of(np.concatenate([one, other])) - Gaussian.of(other), Gaussian.of(one)
    assert rest.count == 40
    np.testing.assert_allclose(rest.mean, expected.mean, rtol=1e-12)
    np.testing.assert_allclose(rest.scatter, expected.scatter, rtol=1e-12, atol=1e-11)


def test_more_vectors_than_a_block():
    vectors = np.random.default_rng(3).normal(size=(2500, 3))
    np.testing.assert_allclose(Gaussian.of(vectors).covariance, np.cov(vectors, rowvar=False), rtol=1e-12, atol=1e-14)


def test_one_vector_has_no_spread():
    assert not Gaussian.of(np.ones((1, 4))).covariance.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(bad):
    vectors = np.zeros((5, 3))
    vectors[2, 1] = bad
    with pytest.raises(UserError, match="1 of 5 embeddings"):
        Gaussian.of(vectors)


@pytest.mark.parametrize("shape", [(0, 3), (3,), (2, 2, 2)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(UserError, match="expected"):
        Gaussian.of(np.zeros(shape))
