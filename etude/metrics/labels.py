"""One label per clip: how many are found, and how many anybody finds who knows the training set (P-28)."""

import numpy as np


def accuracy(found: np.ndarray, truth: np.ndarray) -> float:
    """Share of clips [clips] whose label is ``found``. A label that nobody could know (-1) counts as missed."""
    return float(np.mean((found == truth) & (truth >= 0)))


def majority_accuracy(train: np.ndarray, truth: np.ndarray) -> float:
    """Accuracy on ``truth`` of always saying the commonest label of ``train``; of several, the smallest number."""
    return accuracy(np.full(len(truth), np.bincount(train).argmax()), truth)
