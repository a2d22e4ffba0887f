"""Neighbours and silhouettes against closed forms and limit cases (P-30)."""

import numpy as np
import pytest

from etude.metrics.neighbours import (
    chance_purity,
    distance_matrix,
    knn_purity,
    neighbours,
    permuted_silhouette,
    permuted_trustworthiness,
    silhouette,
    trustworthiness,
)


def blobs(apart: float, each: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Three Gaussian clouds of standard deviation 1 in 8 dimensions, their centres ``apart`` from the origin."""
    generator = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "c"], each)
    centres = apart * np.eye(8)[:3]
    return generator.normal(size=(3 * each, 8)) + np.repeat(centres, each, axis=0), labels


def test_clouds_far_apart_agree_and_one_cloud_is_chance():
    points, labels = blobs(12)
    assert knn_purity(neighbours(distance_matrix(points), 10), labels) > 0.99
    assert silhouette(distance_matrix(points), labels) > 0.6
    points, labels = blobs(0)
    assert knn_purity(neighbours(distance_matrix(points), 10), labels) == pytest.approx(chance_purity(labels), abs=0.03)
    assert silhouette(distance_matrix(points), labels) == pytest.approx(0, abs=0.02)


def test_chance_is_the_mean_over_permutations_of_the_labels():
    points, _ = blobs(12)
    labels = np.array(["a"] * 100 + ["b"] * 60 + ["c"] * 20)
    nearest, generator = neighbours(distance_matrix(points), 10), np.random.default_rng(1)
    permuted = np.mean([knn_purity(nearest, generator.permutation(labels)) for _ in range(400)])
    assert permuted == pytest.approx(chance_purity(labels), abs=0.004)
    assert chance_purity(np.array(["a", "a", "b"])) == pytest.approx(2 / 6)


def test_a_point_is_not_its_own_neighbour_even_among_equals():
    nearest = neighbours(np.zeros((12, 12)), 5)
    assert nearest.shape == (12, 5) and not (nearest == np.arange(12)[:, None]).any()
    assert sorted(neighbours(np.zeros((4, 4)), 10)[0]) == [-1, 1, 2, 3]


def test_what_is_cut_from_one_recording_may_be_passed_over():
    """Three recordings of four clips each, all clips of one at one place; two recordings share a label."""
    recordings = np.repeat(["x", "y", "z"], 4)
    labels = np.repeat(["a", "a", "b"], 4)
    distances = distance_matrix(np.repeat([[0.0], [1.0], [2.5]], 4, axis=0))
    assert knn_purity(neighbours(distances, 3), labels) == 1
    across = neighbours(distances, 3, recordings)
    assert (recordings[across] != recordings[:, None]).all()
    assert knn_purity(across, labels) == pytest.approx(2 / 3)  # x and y find each other, z finds y
    assert knn_purity(neighbours(distances, 3, np.zeros(12)), labels) is None


def test_silhouette_of_two_pairs_by_hand():
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    # a = 1; b = mean distance to the other pair: 10.5, 9.5, 9.5, 10.5
    by_hand = np.mean([(b - 1) / b for b in (10.5, 9.5, 9.5, 10.5)])
    assert silhouette(distance_matrix(points), np.array(list("aabb"))) == pytest.approx(by_hand)
    assert permuted_silhouette(distance_matrix(points), np.array(list("aabb")), 30, 0) < by_hand


@pytest.mark.parametrize("labels", ["aaaa", "abcd"])
def test_silhouette_is_not_defined_for_one_class_or_as_many_as_points(labels):
    distances = distance_matrix(np.arange(4.0)[:, None])
    assert silhouette(distances, np.array(list(labels))) is None
    assert permuted_silhouette(distances, np.array(list(labels)), 3, 0) is None


def test_a_plane_that_is_the_space_is_trusted_and_a_shuffled_one_is_not():
    generator = np.random.default_rng(0)
    plane = generator.normal(size=(200, 2))
    distances = distance_matrix(plane)
    assert trustworthiness(distances, plane, 10) == 1
    assert trustworthiness(distances, 3 * plane[:, ::-1] + 1, 10) == 1
    assert permuted_trustworthiness(distances, plane, 10, 5, 0) == pytest.approx(0.5, abs=0.03)
    assert trustworthiness(distances[:20, :20], plane[:20], 10) is None
