import numpy as np

from etude.metrics.labels import accuracy, majority_accuracy


def test_accuracy_counts_what_is_found():
    assert accuracy(np.array([1, 2, 3, 4]), np.array([1, 2, 0, 0])) == 0.5


def test_a_label_that_nobody_could_know_is_missed():
    assert accuracy(np.array([-1, 0]), np.array([-1, 0])) == 0.5


def test_the_majority_is_that_of_the_training_clips():
    assert majority_accuracy(np.array([2, 2, 2, 0, 1]), np.array([2, 0, 0, 0])) == 0.25
