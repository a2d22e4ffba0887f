"""Which track of a score is its melody (M-01). The memoir names no rule; the rules here are found by name."""

from collections.abc import Sequence

from etude.midi.note import Note


def highest(tracks: Sequence[list[Note]]) -> list[Note]:
    """The track whose notes lie highest on average: melodies are mostly on top."""
    return max(tracks, key=lambda notes: sum(note.pitch for note in notes) / len(notes))


def busiest(tracks: Sequence[list[Note]]) -> list[Note]:
    """The track with the most notes."""
    return max(tracks, key=len)


def first(tracks: Sequence[list[Note]]) -> list[Note]:
    """The track that comes first in the file."""
    return tracks[0]


TRACKS = {"highest": highest, "busiest": busiest, "first": first}
