"""Controls as a page shows them: lines over the picture of a sound, and the same in words (M-07 to M-09).

A line is a path of SVG in a box of ``WIDTH`` x ``HEIGHT``, which is as long as the sound: velocity and what tells the
pitch, 0 at the bottom and 1 at the top, with a gap where nothing is to sound and where the control is left free.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from etude.controls.tracks import CHROMA, FREE, VELOCITY, control_features
from stages.report.note_names import NOTES

WIDTH, HEIGHT, MARGIN = 1000, 100, 5
TOLD = 24  # notes that are named, at most

Run = tuple[int, int, float]
"""First frame, the one behind the last, value."""


def lines(tracks: np.ndarray, names: Sequence[str], rate: float, centre: float, seconds: float) -> dict[str, str]:
    """Paths of ``velocity`` and of ``chroma``, or ``pitch`` where more than one row tells it, as far as they are given;
    ``tracks`` [rows, frames] called ``names``.

    Frame k has its middle at (k + ``centre``) / ``rate`` seconds; the sound lasts ``seconds``.
    """
    features = control_features(names)
    silent = tracks[features[VELOCITY]][0] == 0

    def place(frame: int) -> float:
        return min(max((frame + centre - 0.5) / rate / seconds, 0.0), 1.0) * WIDTH

    drawn = {}
    for feature in (VELOCITY, "pitch"):
        path = "".join(
            f"M{place(first):.4g} {HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * value:.3g}H{place(last):.4g}"
            for row in tracks[features[feature]]
            for first, last, value in _runs(np.where(silent, np.nan, row))
            if value != FREE and place(last) > place(first)
        )
        if path:
            drawn[CHROMA if list(names[features[feature]]) == [CHROMA] else feature] = path
    return drawn


def told(tracks: np.ndarray, names: Sequence[str]) -> str:
    """The controls for who cannot see them: instruments in turn, notes, velocities, what is left free."""
    features = control_features(names)
    velocity = tracks[features[VELOCITY]][0]
    sounding = velocity[velocity > 0]
    words = [_instruments(tracks[features["instrument"]], list(names[features["instrument"]]))]
    if (tracks[features["pitch"]] == FREE).all():
        words.append("pitch left free")
    elif list(names[features["pitch"]]) == [CHROMA]:
        row = np.where(velocity == 0, np.nan, tracks[features["pitch"]][0])
        notes = [NOTES[round(value * (len(NOTES) - 1))] for _, _, value in _runs(row) if value != FREE]
        words.append(" ".join([*notes[:TOLD], *(["and so on"] if len(notes) > TOLD else [])]))
    if (velocity == FREE).all():
        words.append("velocity left free")
    elif sounding.size:
        words.append(f"velocity {sounding.min():.2f} to {sounding.max():.2f}")
    else:
        words.append("silent throughout")
    return "; ".join(filter(None, words))


def _instruments(matrix: np.ndarray, players: list[str]) -> str:
    if not players:
        return ""
    if (matrix == FREE).all():
        return "instrument left free"
    active = np.where(matrix.max(axis=0) > 0, matrix.argmax(axis=0), np.nan)
    return ", then ".join(players[int(value)] for _, _, value in _runs(active))


def _runs(row: np.ndarray) -> Iterator[Run]:
    """Stretches of one value in ``row`` [frames]; NaN is left out."""
    start = 0
    for value, frames in groupby(row.tolist()):
        length = len(list(frames))
        if value == value:
            yield start, start + length, value
        start += length
