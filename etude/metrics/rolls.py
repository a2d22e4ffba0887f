"""Which pitches sound in which frame (P-29): rolls [clips, frames, pitches] of truths and of probabilities."""

import numpy as np

THRESHOLD = 0.5  # a pitch of that probability counts as found


def piano_roll(notes: np.ndarray, frames: int, seconds: float, pitches: int = 128) -> np.ndarray:
    """Notes [notes, 3] (MIDI pitch, onset, offset in seconds) as bool [frames, pitches] over ``seconds``.

    A pitch sounds in a frame if a note of it sounds at the frame's centre; a note too short to reach any centre
    sounds in the frame that holds its middle.
    """
    roll = np.zeros((frames, pitches), dtype=bool)
    rate = frames / seconds
    for pitch, onset, offset in notes:
        first, last = np.ceil(onset * rate - 0.5), np.ceil(offset * rate - 0.5)
        if last <= first:
            first = np.floor((onset + offset) / 2 * rate)
            last = first + 1
        roll[int(max(first, 0)) : int(max(last, 0)), int(pitch)] = True
    return roll


def binary_cross_entropy(logits: np.ndarray, truth: np.ndarray) -> float:
    """Mean over all elements, in nats."""
    logits = logits.astype(np.float64)
    return float(np.mean(np.logaddexp(0.0, logits) - logits * truth))


def entropy(probability: np.ndarray) -> np.ndarray:
    """-p ln p - (1 - p) ln (1 - p) in nats: the cross-entropy of saying p of what happens with probability p."""
    p = np.asarray(probability, dtype=np.float64)
    rest = 1 - p
    return -(p * np.log(np.where(p > 0, p, 1)) + rest * np.log(np.where(rest > 0, rest, 1)))


def marginals(rolls: np.ndarray) -> np.ndarray:
    """How often each pitch sounds in rolls [clips, frames, pitches], never quite 0 or 1 (half an observation more)."""
    frames = rolls.shape[0] * rolls.shape[1]
    return (rolls.sum(axis=(0, 1), dtype=np.float64) + 0.5) / (frames + 1)


def frame_f1(logits: np.ndarray, truth: np.ndarray) -> float:
    """F-measure of all elements together; 0 when nothing is found or nothing is there."""
    found = logits >= np.log(THRESHOLD / (1 - THRESHOLD))
    there = int(found.sum()) + int(truth.sum())
    return 2 * int((found & truth).sum()) / there if there else 0.0


def average_precision(scores: np.ndarray, truth: np.ndarray) -> float | None:
    """Mean over the true elements of the precision among all that score at least as high; None when nothing is true.

    All elements are one list. Elements of equal score come all at once, so that the order of a tie does not matter: a
    constant score has the share of true elements.
    """
    scores, truth = scores.ravel(), truth.ravel()
    if not truth.any():
        return None
    order = np.argsort(-scores)
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(truth[order], dtype=np.int64)[ends]
    return float(np.sum(np.diff(hits, prepend=0) * hits / (ends + 1)) / hits[-1])
