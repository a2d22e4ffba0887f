"""What the toys are trained on and judged by (M-32 to M-34). Found by name in :data:`TOYS`.

A toy's data have ``clips`` [n, ...] to train on, the ``shape`` of one and its ``classes`` (0: continuous), and two
methods: ``generate(system, noise, sampler, generators)`` gives samples and what else a figure shows, by name;
``numbers(shown)`` judges them: rows of metric, value, true (what true samples in their place would get), chance (what
noise would get), direction.
"""

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits, make_swiss_roll
from sklearn.neural_network import MLPClassifier
from torch import Tensor

from etude.metrics.energy import energy_distance
from etude.metrics.frechet import frechet, root_of
from etude.metrics.histograms import entropy, total_variation
from stages.train.idx import read_idx

PAIRS = 10  # of true samples, for what a distance is when there is nothing to tell apart
JUDGED = 1000  # points whose distances are compared
Numbers = list[dict[str, str | float]]
Shown = dict[str, np.ndarray]


class SwissRoll:
    """Points of scikit-learn's swiss roll, seen from the side: two axes of three, each of unit variance."""

    classes = 0
    shape = (1, 2)

    def __init__(self, settings, seed: int):
        self.seed = seed
        # All points in one draw, of which the first are trained on; the others are what samples are held against.
        points, _ = make_swiss_roll(settings.points + 4 * JUDGED * PAIRS, noise=settings.noise, random_state=seed)
        points = points[:, [0, 2]]
        points = (points - points.mean(0)) / points.std(0)
        self.train, self.held = points[: settings.points], points[settings.points :]

    @property
    def clips(self) -> Tensor:
        return torch.from_numpy(self.train).float()[:, None]

    def generate(self, system, noise: Tensor, sampler, generators) -> Shown:
        return {"generated": system.generate(None, noise, sampler, generators)[:, 0].numpy(), "true": self.held}

    def numbers(self, shown: Shown) -> Numbers:
        generated = shown["generated"]
        count = min(JUDGED, len(generated))
        parts = [self.held[k * count : (k + 1) * count] for k in range(2 * PAIRS)]
        pairs = [energy_distance(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
        found = [energy_distance(generated[:count], part) for part in parts[:PAIRS]]
        noise = np.random.default_rng(self.seed).normal(size=(count, 2))
        return [
            _row("energy distance", np.mean(found), np.mean(pairs), energy_distance(noise, parts[0]), "lower"),
            _row("energy distance, farthest of 10", max(found), max(pairs), None, "lower"),
        ]


class SwissRollGrid(SwissRoll):
    """The same on a grid of ``grid`` x ``grid`` cells: two codes of so many classes."""

    shape = (2, 1)

    def __init__(self, settings, seed: int):
        super().__init__(settings, seed)
        self.classes = settings.grid
        reach = np.abs(np.concatenate([self.train, self.held])).max() * 1.001
        self.train, self.held = (
            np.floor((part + reach) / (2 * reach) * self.classes).astype(np.int64) for part in (self.train, self.held)
        )

    @property
    def clips(self) -> Tensor:
        return torch.from_numpy(self.train).float()[..., None]

    def generate(self, system, noise: Tensor, sampler, generators) -> Shown:
        walk = list(system.chain.walk(system.under(None), noise, generators, sampler.steps))
        # Equal steps of what is left of the data, since nothing is to be seen in the first half of the times.
        left = np.array([system.chain.alpha_bar[time].item() for time, _ in walk])
        places = [int(np.abs(left - share).argmin()) for share in np.linspace(left[0], 1.0, 6)]
        steps = np.stack([self.histogram(walk[place][1][..., 0].numpy()) for place in places])
        return {
            "generated": walk[-1][1][..., 0].numpy(),
            "true": self.held[: len(noise)],
            "steps": steps,
            "times": np.array([walk[place][0] for place in places]),
        }

    def histogram(self, points: np.ndarray) -> np.ndarray:
        """Counts [grid, grid]."""
        return np.histogram2d(*points.T, bins=self.classes, range=[[0, self.classes]] * 2)[0]

    def numbers(self, shown: Shown) -> Numbers:
        count = len(shown["generated"])
        first, second = (self.histogram(self.held[k * count : (k + 1) * count]) for k in range(2))
        uniform = np.random.default_rng(self.seed).integers(self.classes, size=(count, 2))
        found = self.histogram(shown["generated"])
        axes = {"first": 1, "second": 0}
        return [
            _row("total variation", total_variation(found, first), total_variation(first, second),
                 total_variation(self.histogram(uniform), first), "lower"),
            *(
                _row(f"nats of the {name} axis at t = {time}", entropy(counts.sum(axis)),
                     entropy(first.sum(axis)), np.log(self.classes), "none")
                for name, axis in axes.items()
                for time, counts in zip(shown["times"].tolist(), shown["steps"], strict=True)
            ),
        ]  # fmt: skip


class Digits:
    """Handwritten digits in -1..1: scikit-learn's (8 x 8), or MNIST's (28 x 28) where the user has its files.

    A small classifier that learnt on the same digits judges: what share of unseen true digits it knows, how sure it is,
    and how far the features of its hidden layer lie apart (Fréchet).
    """

    classes = 0

    def __init__(self, settings, seed: int):
        self.seed = seed
        images, labels, images_held, labels_held = _mnist(Path(settings.mnist)) if settings.mnist else _sklearn(seed)
        self.train, self.held = images[: settings.points], images_held
        self.shape = (1, *images.shape[1:])
        self.classifier = MLPClassifier((64,), early_stopping=True, max_iter=100, random_state=seed)
        self.classifier.fit(self.train.reshape(len(self.train), -1), labels[: settings.points])
        self.accuracy = self.classifier.score(self.held.reshape(len(self.held), -1), labels_held)

    @property
    def clips(self) -> Tensor:
        return torch.from_numpy(self.train)[:, None]

    def generate(self, system, noise: Tensor, sampler, generators) -> Shown:
        return {"generated": system.generate(None, noise, sampler, generators)[:, 0].numpy(), "true": self.held}

    def numbers(self, shown: Shown) -> Numbers:
        generated = shown["generated"]
        noise = np.random.default_rng(self.seed).normal(size=generated.shape)
        held = self.held[: len(generated)]
        kinds = {"found": generated, "true": held, "chance": noise}
        sure = {kind: self._chances(images) for kind, images in kinds.items()}
        counts = {kind: np.bincount(chances.argmax(1), minlength=10) for kind, chances in sure.items()}
        half = len(held) // 2
        reference = root_of(self._features(self.train))
        distance = {kind: frechet(root_of(self._features(images)), reference) for kind, images in kinds.items()}
        return [
            _row("accuracy of the classifier", self.accuracy, None, 0.1, "higher"),
            _row("mean confidence", *(sure[kind].max(1).mean() for kind in kinds), "higher"),
            _row("kinds of digits", *((counts[kind] > 0).sum() for kind in kinds), "higher"),
            _row("nats of the kinds", *(entropy(counts[kind]) for kind in kinds), "higher"),
            _row("Fréchet distance of features", *(distance[kind] for kind in kinds), "lower"),
            _row("samples", len(generated), 2 * half, None, "none"),
        ]

    def _chances(self, images: np.ndarray) -> np.ndarray:
        return self.classifier.predict_proba(images.reshape(len(images), -1))

    def _features(self, images: np.ndarray) -> np.ndarray:
        flat = images.reshape(len(images), -1)
        return np.maximum(flat @ self.classifier.coefs_[0] + self.classifier.intercepts_[0], 0.0)


def _sklearn(seed: int):
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8) / 8.0 - 1.0).astype(np.float32)
    order = np.random.default_rng(seed).permutation(len(images))
    held, train = order[: len(order) // 4], order[len(order) // 4 :]
    return images[train], labels[train], images[held], labels[held]


def _mnist(folder: Path):
    parts = []
    for name in ("train", "t10k"):
        images = read_idx(folder, f"{name}-images-idx3-ubyte")
        parts += [(images / 127.5 - 1.0).astype(np.float32), read_idx(folder, f"{name}-labels-idx1-ubyte")]
    return parts


def _row(metric: str, value: float, true: float | None, chance: float | None, direction: str) -> dict[str, str | float]:
    numbers = {"value": value, "true": true, "chance": chance}
    texts = {name: "" if number is None else f"{number:.6g}" for name, number in numbers.items()}
    return {"metric": metric} | texts | {"direction": direction}


TOYS = {"swiss_roll": SwissRoll, "swiss_roll_grid": SwissRollGrid, "digits": Digits}
