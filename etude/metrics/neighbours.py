"""What a scatter plot shows, as numbers: do neighbours share a label, are labels apart, is the plane true (P-30).

Every number is for points [n, dimensions] and has its floor: the same number with the labels (or the points of the
plane) dealt out at random. Distances are Euclidean.
"""

import numpy as np
from sklearn import manifold
from sklearn.metrics import pairwise_distances, silhouette_score


def neighbours(distances: np.ndarray, count: int, groups: np.ndarray | None = None) -> np.ndarray:
    """Positions of the ``count`` nearest other points of each point: [n, count], by a matrix of distances [n, n].

    A point of the same group as another (its recording, say) is no neighbour of it; without ``groups`` only the point
    itself is not. Where fewer than ``count`` are left, -1 stands for those that are missing.
    """
    groups = np.arange(len(distances)) if groups is None else groups
    allowed = np.where(groups[:, None] == groups, np.inf, distances)
    nearest = np.argsort(allowed, axis=1, kind="stable")[:, :count]
    return np.where(np.isfinite(np.take_along_axis(allowed, nearest, axis=1)), nearest, -1)


def knn_purity(nearest: np.ndarray, labels: np.ndarray) -> float | None:
    """Share of neighbours that have their point's label; ``nearest`` as :func:`neighbours` has it. None without any."""
    there = nearest >= 0
    return float((labels[nearest] == labels[:, None])[there].mean()) if there.any() else None


def chance_purity(labels: np.ndarray) -> float:
    """What :func:`knn_purity` is on average when labels are dealt out at random (exact, whatever the points)."""
    counts = np.unique(labels, return_counts=True)[1]
    return float((counts * (counts - 1)).sum() / (len(labels) * (len(labels) - 1)))


def silhouette(distances: np.ndarray, labels: np.ndarray) -> float | None:
    """Mean silhouette for a matrix of distances [n, n]: 1 apart, 0 overlapping, below 0 nearer to another class.

    None where it is not defined: a single class, or a class for every point. A class of one point counts as 0.
    """
    if not 2 <= len(np.unique(labels)) <= len(labels) - 1:
        return None
    return float(silhouette_score(distances, labels, metric="precomputed"))


def permuted_silhouette(distances: np.ndarray, labels: np.ndarray, times: int, seed: int) -> float | None:
    """Mean of :func:`silhouette` over ``times`` seeded permutations of the labels: its floor."""
    generator = np.random.default_rng(seed)
    values = [silhouette(distances, generator.permutation(labels)) for _ in range(times)]
    return None if None in values else float(np.mean(values))


def trustworthiness(distances: np.ndarray, plane: np.ndarray, count: int) -> float | None:
    """How far the ``count`` nearest in the plane [n, 2] are near in the space that ``distances`` [n, n] are of.

    1: all neighbours in the plane are neighbours in the space; about 0.5: they have nothing to do with one another
    (Venna and Kaski 2001). None for fewer than 2 * ``count`` + 1 points, where it is not defined.
    """
    if len(distances) <= 2 * count:
        return None
    return float(manifold.trustworthiness(distances, plane, n_neighbors=count, metric="precomputed"))


def permuted_trustworthiness(
    distances: np.ndarray, plane: np.ndarray, count: int, times: int, seed: int
) -> float | None:
    """Mean of :func:`trustworthiness` over ``times`` seeded permutations of the plane's points: its floor."""
    generator = np.random.default_rng(seed)
    values = [trustworthiness(distances, generator.permutation(plane), count) for _ in range(times)]
    return None if None in values else float(np.mean(values))


def distance_matrix(points: np.ndarray) -> np.ndarray:
    """Euclidean distances [n, n], exactly 0 on the diagonal."""
    distances = pairwise_distances(points.astype(np.float64))
    np.fill_diagonal(distances, 0.0)
    return distances
