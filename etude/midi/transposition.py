"""Melodies moved by octaves into a range, so that pitch classes stay (M-01). How is found by name."""

from collections.abc import Sequence

import numpy as np

from etude.midi.note import Note

OCTAVE = 12


def each(notes: Sequence[Note], low: int, high: int) -> list[Note]:
    """Every note outside ``low``..``high`` by as few octaves as bring it in, the others stay; the memoir's words."""
    return [note._replace(pitch=_folded(note.pitch, low, high)) for note in notes]


def together(notes: Sequence[Note], low: int, high: int) -> list[Note]:
    """All notes by the same octaves, those that bring most of the sounding time in; then :func:`each`.

    The melody keeps its intervals wherever its compass fits.
    """
    return each(_moved(notes, low, high), low, high)


def whole(notes: Sequence[Note], low: int, high: int) -> list[Note] | None:
    """All notes by the same octaves, or None when no such move brings every one in."""
    moved = _moved(notes, low, high)
    return moved if all(low <= note.pitch <= high for note in moved) else None


TRANSPOSITIONS = {"together": together, "each": each, "whole": whole}


def _folded(pitch: int, low: int, high: int) -> int:
    """``pitch`` by as few octaves as possible into a range that must span eleven semitones or more."""
    if pitch < low:
        return pitch + OCTAVE * -(-(low - pitch) // OCTAVE)
    if pitch > high:
        return pitch - OCTAVE * -(-(pitch - high) // OCTAVE)
    return pitch


def _moved(notes: Sequence[Note], low: int, high: int) -> list[Note]:
    pitches = np.array([note.pitch for note in notes], dtype=int)
    seconds = np.array([note.offset - note.onset for note in notes])
    moves = sorted(range(-10, 11), key=abs)  # of two that bring in as much, the smaller
    inside = [seconds[(pitches + OCTAVE * k >= low) & (pitches + OCTAVE * k <= high)].sum() for k in moves]
    best = moves[int(np.argmax(np.round(inside, 9)))]
    return [note._replace(pitch=note.pitch + OCTAVE * best) for note in notes]
