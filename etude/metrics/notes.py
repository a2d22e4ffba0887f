"""How far two transcriptions agree: matched notes as mir_eval counts them (P-34)."""

import warnings
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from mir_eval import transcription

from etude.metrics.transcription import Note

CRITERIA = ("note", "note_offset", "onset", "chroma")


class Matched(NamedTuple):
    """Number of notes that found each other, of notes in the reference, and of notes in the estimate."""

    matched: int
    reference: int
    estimate: int

    @property
    def precision(self) -> float:
        return self.matched / self.estimate if self.matched else 0.0

    @property
    def recall(self) -> float:
        return self.matched / self.reference if self.matched else 0.0

    @property
    def f1(self) -> float:
        """0 when either side has no note, as in mir_eval."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def __add__(self, other: "Matched") -> "Matched":
        return Matched(*(a + b for a, b in zip(self, other, strict=True)))


class Score(NamedTuple):
    """Notes as mir_eval wants them: ``intervals`` [notes, 2] in seconds, ``pitches`` [notes] in Hz."""

    intervals: np.ndarray
    pitches: np.ndarray

    @classmethod
    def of(cls, notes: Iterable[Note]) -> "Score":
        """From MIDI pitches. A note that does not last is left out: mir_eval refuses it."""
        lasting = [note for note in notes if note.offset > note.onset]
        intervals = np.array([(note.onset, note.offset) for note in lasting]).reshape(-1, 2)
        return cls(intervals, hertz(np.array([note.pitch for note in lasting], dtype=np.float64)))


def hertz(pitch: np.ndarray) -> np.ndarray:
    """Frequencies of MIDI pitches. mir_eval takes Hz, and takes 69 for 70 when it is given MIDI numbers."""
    return 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)


def match(reference: Score, estimate: Score) -> dict[str, Matched]:
    """Matches by criterion: "note" (onset within 50 ms, pitch within 50 cents), "note_offset" (the offset too, within
    50 ms or a fifth of the note), "onset" (onset alone), "chroma" (as note, octaves ignored)."""
    arguments = (reference.intervals, reference.pitches, estimate.intervals, estimate.pitches)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of empty sides, which are scores of 0 and counted
        transcription.validate(*arguments)
    sizes = len(reference.pitches), len(estimate.pitches)
    if not all(sizes):
        return dict.fromkeys(CRITERIA, Matched(0, *sizes))
    pairs = {
        "note": transcription.match_notes(*arguments, offset_ratio=None),
        "note_offset": transcription.match_notes(*arguments),
        "onset": transcription.match_note_onsets(reference.intervals, estimate.intervals),
        "chroma": transcription.match_notes(
            reference.intervals, _folded(reference.pitches), estimate.intervals, _folded(estimate.pitches),
            offset_ratio=None,
        ),
    }  # fmt: skip
    return {criterion: Matched(len(found), *sizes) for criterion, found in pairs.items()}


def _folded(frequencies: np.ndarray) -> np.ndarray:
    """Frequencies moved by octaves into the one above middle C; semitones are first rounded, so that a pitch class is
    never cut in two by the edge of the octave."""
    pitches = np.rint(69.0 + 12.0 * np.log2(frequencies / 440.0))
    return hertz(60.0 + pitches % 12)
