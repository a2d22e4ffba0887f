"""Rolls and their scores against numbers from the card (P-29) and against closed forms."""

from itertools import pairwise

import numpy as np
import pytest

from etude.metrics.rolls import average_precision, binary_cross_entropy, entropy, frame_f1, marginals, piano_roll

RNG = np.random.default_rng(0)


def test_entropy_of_the_cards_example():
    assert entropy(0.0035) == pytest.approx(0.0233, abs=5e-5)
    assert entropy(0.5) == pytest.approx(np.log(2)) and entropy(0.0) == entropy(1.0) == 0.0


@pytest.mark.parametrize(("sounding", "bce"), [(0.25, 0.0141), (0.5, 0.0256), (1.0, 0.0457)])
def test_the_constant_answer_on_a_roll_of_so_many_sounding_notes(sounding, bce):
    assert entropy(sounding / 128) == pytest.approx(bce, abs=1e-4)


def test_a_constant_answer_has_its_entropy():
    truth = RNG.random((4, 50, 128)) < 0.1
    share = truth.mean()
    logits = np.full(truth.shape, np.log(share / (1 - share)))
    assert binary_cross_entropy(logits, truth) == pytest.approx(float(entropy(share)))


def test_cross_entropy_of_sure_answers():
    truth = RNG.random((3, 5, 7)) < 0.5
    sure = np.where(truth, 100.0, -100.0)
    assert binary_cross_entropy(sure, truth) < 1e-40 and binary_cross_entropy(-sure, truth) == pytest.approx(100)


def test_notes_fill_the_frames_whose_centre_they_cover():
    """Ten frames of 0.1 s, centres at 0.05, 0.15, ..."""
    roll = piano_roll(np.array([[60, 0.0, 0.25], [61, 0.3, 0.34], [62, 0.86, 5.0]]), 10, 1.0)
    assert np.flatnonzero(roll[:, 60]).tolist() == [0, 1]
    assert np.flatnonzero(roll[:, 61]).tolist() == [3], "too short for a centre: the frame of its middle"
    assert np.flatnonzero(roll[:, 62]).tolist() == [9], "on beyond the clip"
    assert roll.sum() == 4
    assert not piano_roll(np.empty((0, 3)), 10, 1.0).any()


def test_one_note_after_another_leaves_no_gap_and_no_overlap():
    edges = np.sort(RNG.random(6))
    notes = [[40 + k, a, b] for k, (a, b) in enumerate(pairwise(edges))]
    roll = piano_roll(np.array(notes), 200, 1.0)
    inside = (edges[0] * 200 + 0.5, edges[-1] * 200 - 0.5)
    assert (roll.sum(axis=1)[int(np.ceil(inside[0])) : int(inside[1])] == 1).all()


def test_marginals_are_counts_and_never_certain():
    rolls = RNG.random((7, 9, 4)) < [0.0, 0.3, 0.6, 1.1]
    found = marginals(rolls)
    np.testing.assert_allclose(found, rolls.mean(axis=(0, 1)), atol=0.01)
    assert (found > 0).all() and (found < 1).all()


def test_frame_f1():
    truth = np.array([[[1, 1, 0, 0]]], dtype=bool)
    assert frame_f1(np.array([[[1.0, -1.0, 1.0, -1.0]]]), truth) == 0.5
    assert frame_f1(np.where(truth, 1.0, -1.0), truth) == 1.0
    assert frame_f1(np.full(truth.shape, -1.0), truth) == 0.0 == frame_f1(np.full(truth.shape, -1.0), ~truth & truth)


def test_average_precision():
    """By hand: hits at ranks 1 and 3, so (1/1 + 2/3) / 2; a constant score has the share of true elements."""
    truth = np.array([1, 0, 1, 0], dtype=bool)
    assert average_precision(np.array([4.0, 3.0, 2.0, 1.0]), truth) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(np.zeros(4), truth) == 0.5
    assert average_precision(truth.astype(float), truth) == 1.0
    assert average_precision(np.zeros(4), np.zeros(4, dtype=bool)) is None


def test_average_precision_does_not_depend_on_the_order_of_ties():
    scores, truth = RNG.integers(0, 5, 300).astype(float), RNG.random(300) < 0.3
    shuffled = RNG.permutation(300)
    assert average_precision(scores, truth) == pytest.approx(average_precision(scores[shuffled], truth[shuffled]))
