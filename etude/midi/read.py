"""MIDI files as notes."""

import warnings
from pathlib import Path

import pretty_midi

from etude.errors import UserError
from etude.midi.note import Note


def read_midi(path: Path) -> pretty_midi.PrettyMIDI:
    """The score in ``path``. Raises ``UserError`` when it cannot be read as MIDI."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pretty_midi remarks on tempo changes outside track 0
            return pretty_midi.PrettyMIDI(str(path))
    except Exception as error:  # mido raises whatever a broken file leads it to
        raise UserError(
            f"{path}: not readable as MIDI ({error or type(error).__name__}); fetch the data set again"
        ) from None


def notes_of(instrument: pretty_midi.Instrument) -> list[Note]:
    """The notes of one instrument as they are written, in order of time, then pitch."""
    found = [Note(note.pitch, float(note.start), float(note.end), note.velocity) for note in instrument.notes]
    return sorted(found, key=lambda note: (note.onset, note.pitch))
