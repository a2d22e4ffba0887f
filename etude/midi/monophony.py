"""One melody from notes that may sound together (M-01). The memoir names no rule; the rules here are found by name."""

from collections.abc import Sequence
from itertools import pairwise

from etude.midi.note import Note


def skyline(notes: Sequence[Note]) -> list[Note]:
    """The highest sounding note, cut where the next begins.

    A lower note that begins under a higher one counts only where players hold the one over into the other: the higher
    has less than a quarter of its own length left, and leaves the lower more than half.
    """
    line: list[Note] = []
    for note in _in_time(notes):
        if line and (above := line[-1]).offset > note.onset:
            left = above.offset - note.onset
            held_over = 4 * left < above.offset - above.onset and 2 * left < note.offset - note.onset
            if above.pitch > note.pitch and not held_over:
                continue
            line[-1] = above._replace(offset=note.onset)
        line.append(note)
    return _lasting(line)


def latest(notes: Sequence[Note]) -> list[Note]:
    """The note that began last, cut where the next begins; of those that begin together the highest."""
    ordered = _in_time(notes)
    cut = [note._replace(offset=min(note.offset, after.onset)) for note, after in pairwise(ordered)]
    return _lasting([*cut, *ordered[-1:]])


def only(notes: Sequence[Note]) -> list[Note] | None:
    """The notes as they are if no two sound together, else None."""
    ordered = _in_time(notes)
    return None if any(note.offset > after.onset for note, after in pairwise(ordered)) else ordered


MONOPHONY = {"skyline": skyline, "latest": latest, "only": only}


def _in_time(notes: Sequence[Note]) -> list[Note]:
    """Notes that last, by onset; of those that begin together the highest comes last, and so cuts the others to
    nothing."""
    return sorted(_lasting(notes), key=lambda note: (note.onset, note.pitch))


def _lasting(notes: Sequence[Note]) -> list[Note]:
    return [note for note in notes if note.offset > note.onset]
