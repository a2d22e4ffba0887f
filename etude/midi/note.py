"""A sounding note, and what sounds of notes in a stretch of time."""

from collections.abc import Iterable
from typing import NamedTuple


class Note(NamedTuple):
    """A sounding note: MIDI ``pitch``, ``onset`` and ``offset`` in seconds from the start of its file, ``velocity``
    0..127."""

    pitch: int
    onset: float
    offset: float
    velocity: int


def inside(notes: Iterable[Note], start: float, end: float) -> list[Note]:
    """The notes that sound between ``start`` and ``end`` seconds, cut there, in time from ``start``."""
    cut = [n._replace(onset=max(n.onset, start) - start, offset=min(n.offset, end) - start) for n in notes]
    return [note for note in cut if note.offset > note.onset]
