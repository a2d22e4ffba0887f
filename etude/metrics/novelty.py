"""How far from its training examples a generator draws: a copy is no sample (P-72)."""

import numpy as np
from numpy.typing import NDArray

QUERIES = 2000  # training examples whose own neighbours set the scale
BLOCK = 256


class Novelty:
    """Distances to the nearest of ``examples`` [n, features], in units of their own distances.

    1: a sample is as far from the nearest example as an example, in the median, is from the nearest other; 0: it is an
    example. Every feature counts by its standard deviation. Where examples repeat so often that the unit is 0, every
    novelty is infinite but that of an exact copy.
    """

    def __init__(self, examples: NDArray):
        examples = np.asarray(examples, np.float64)
        deviation = examples.std(0)
        self.weight = np.divide(1.0, deviation, where=deviation > 0, out=np.zeros_like(deviation))
        self.examples = examples * self.weight
        chosen = np.linspace(0, len(examples) - 1, min(QUERIES, len(examples))).round().astype(int)
        self.unit = float(np.median(self._nearest(self.examples[chosen], chosen)))

    def of(self, samples: NDArray) -> NDArray[np.float64]:
        """Novelty [m] of each of ``samples`` [m, features]."""
        distances = self._nearest(np.asarray(samples, np.float64) * self.weight)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(distances > 0, distances / self.unit, 0.0)

    def _nearest(self, points: NDArray, themselves: NDArray | None = None) -> NDArray[np.float64]:
        """Distance of each point to the nearest example, not counting that of number ``themselves``."""
        squares = (self.examples**2).sum(1)
        found = []
        for start in range(0, len(points), BLOCK):
            block = points[start : start + BLOCK]
            distance = squares + (block**2).sum(1, keepdims=True) - 2 * block @ self.examples.T
            if themselves is not None:
                distance[np.arange(len(block)), themselves[start : start + BLOCK]] = np.inf
            found.append(((self.examples[distance.argmin(1)] - block) ** 2).sum(1))  # without cancellation
        return np.sqrt(np.concatenate(found))
