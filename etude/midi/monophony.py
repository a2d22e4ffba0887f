"""One melody from notes that may sound together (M-01). The memoir names no rule; the rules here are found by name."""

from collections.abc import Sequence
from itertools import pairwise

from etude.midi.note import Note


def skyline(notes: Sequence[Note]) -> list[Note]:
    """The highest sounding note, cut where the next begins.

    A lower note that begins under a higher one counts if that one leaves it more than half of its length: what players
    hold over into the next note does not swallow it.
    """
    line: list[Note] = []
    for note in _in_time(notes):
        if line and (above := line[-1]).offset > note.onset:
            covered = min(above.offset, note.offset) - note.onset
            if above.pitch > note.pitch and 2 * covered >= note.offset - note.onset:
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
