"""The Fréchet distance against closed forms, invariants, and the formula of the frechet-audio-distance package."""

import numpy as np
import pytest
import scipy.linalg

from etude.embeddings._package import package
from etude.metrics.frechet import Root, frechet, root, root_of
from etude.metrics.gaussian import Gaussian

pytestmark = pytest.mark.filterwarnings("ignore:.*disp.*:DeprecationWarning")


def sample(count: int, dimension: int, seed: int) -> np.ndarray:
    """Correlated vectors with a spectrum as uneven as that of real embeddings."""
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(dimension, dimension)) * np.logspace(0, -1.5, dimension)[:, None]
    return generator.normal(size=(count, dimension)) @ mixing + generator.normal(size=dimension) * 0.1


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return frechet(root(Gaussian.of(first)), root(Gaussian.of(second)))


def by_the_text_book(first: np.ndarray, second: np.ndarray) -> float:
    """The formula as it is printed, by the complex matrix square root of the product of covariances."""
    c1, c2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    step = first.mean(axis=0) - second.mean(axis=0)
    return step @ step + np.trace(c1 + c2 - 2 * scipy.linalg.sqrtm((c1 @ c2).astype(complex)).real)


def by_the_package(first: np.ndarray, second: np.ndarray) -> float:
    measure = object.__new__(package().FrechetAudioDistance)  # its constructor would load a network
    statistics = [*measure.calculate_embd_statistics(first), *measure.calculate_embd_statistics(second)]
    return measure.calculate_frechet_distance(*statistics)


@pytest.mark.parametrize("rival", [by_the_text_book, by_the_package])
@pytest.mark.parametrize(
    "counts, dimension, tolerance",
    [
        ((400, 300), 64, 1e-9),
        ((1200, 600), 128, 1e-9),
        ((257, 300), 128, 1e-9),
        ((400, 20), 64, 1e-6),
        ((30, 40), 64, 1e-6),
    ],
)
def test_agrees_with_the_matrix_square_root(rival, counts, dimension, tolerance):
    first, second = sample(counts[0], dimension, 0), sample(counts[1], dimension, 1)
    assert distance(first, second) == pytest.approx(rival(first, second), rel=tolerance)


@pytest.mark.parametrize("count, dimension", [(500, 32), (20, 64), (2, 8), (1, 8)])
def test_a_set_is_at_no_distance_from_itself(count, dimension):
    vectors = sample(count, dimension, 2)
    assert abs(distance(vectors, vectors)) < 1e-10


def test_it_is_symmetric():
    first, second = sample(90, 32, 3), sample(20, 32, 4)
    assert distance(first, second) == pytest.approx(distance(second, first), rel=1e-12)


def test_rotating_and_shifting_both_changes_nothing():
    generator = np.random.default_rng(5)
    first, second = sample(200, 24, 6), sample(150, 24, 7)
    rotation = np.linalg.qr(generator.normal(size=(24, 24)))[0]
    shift = generator.normal(size=24)
    turned = distance(first @ rotation + shift, second @ rotation + shift)
    assert turned == pytest.approx(distance(first, second), rel=1e-11)


def test_scaling_both_scales_with_the_square():
    first, second = sample(200, 24, 6), sample(150, 24, 7)
    assert distance(3 * first, 3 * second) == pytest.approx(9 * distance(first, second), rel=1e-12)


def gaussian(mean, covariance) -> Root:
    return root(Gaussian(10**6, np.asarray(mean, float), np.asarray(covariance, float) * (10**6 - 1)))


def test_two_diagonal_gaussians_in_closed_form():
    generator = np.random.default_rng(8)
    a, b = generator.uniform(0, 4, (2, 40))
    m, n = generator.normal(size=(2, 40))
    expected = np.sum((m - n) ** 2) + np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)
    assert frechet(gaussian(m, np.diag(a)), gaussian(n, np.diag(b))) == pytest.approx(expected, rel=1e-12)


def test_a_shift_counts_its_squared_length():
    vectors = sample(300, 16, 9)
    shift = np.arange(16.0)
    assert distance(vectors, vectors + shift) == pytest.approx(shift @ shift, rel=1e-12)


def test_gaussians_in_different_planes():
    """Disjoint supports: the cross term vanishes and all variance counts."""
    flat, upright = gaussian(np.zeros(4), np.diag([1, 2, 0, 0])), gaussian(np.zeros(4), np.diag([0, 0, 3, 4]))
    assert (flat.rank, upright.rank) == (2, 2)
    assert frechet(flat, upright) == pytest.approx(10.0, rel=1e-14)


@pytest.mark.parametrize("count", [30, 64, 65])
def test_fewer_windows_than_dimensions_keep_all_digits(count):
    """From covariances, whose rounding noise the root would magnify, as from the vectors themselves."""
    first, second = sample(count, 64, 10), sample(900, 64, 11)
    exact = frechet(root_of(first), root_of(second))
    assert distance(first, second) == pytest.approx(exact, rel=1e-10)
    assert root(Gaussian.of(first)).rank == min(count - 1, 64)


def test_one_window():
    reference = sample(500, 16, 12)
    one = sample(1, 16, 13)
    step = one[0] - reference.mean(axis=0)
    assert distance(one, reference) == pytest.approx(step @ step + np.trace(np.cov(reference, rowvar=False)), rel=1e-12)


def test_a_dead_unit_does_no_harm():
    first, second = sample(400, 12, 14), sample(300, 12, 15)
    padded = [np.pad(vectors, ((0, 0), (0, 4))) for vectors in (first, second)]
    assert distance(*padded) == pytest.approx(distance(first, second), rel=1e-12)
