"""Control tracks: notes and instruments as rows over the frames of an audio format (M-07, M-08, M-09, M-54).

Every row lies in 0..1; ``FREE`` (-1) never occurs in a track made from notes, so that it can say "not given" (M-10). A
frame is on if its centre lies in [onset, offset) of a note. How pitch is told is a choice by name:

- ``chroma``: pitch class / 11, 0 when silent, as in the memoir (M-08). C and silence coincide, the octave is lost, and
  the scale is numeric: B and C lie far apart.
- ``circle``: a flag that is 1 while a note sounds, (1 + cos, 1 + sin) / 2 of the pitch class on a circle, and
  the octave above C3 (MIDI 48) / 2 (M-54).
- ``notes``: the flag and one row for each of the 25 notes from MIDI 48 to 72 (M-54).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from etude.errors import UserError

FREE = -1.0  # a control that is not given (M-10)
LOWEST, HIGHEST = 48, 72  # MIDI numbers of C3 and C5: the range of the melodies (M-01)
OCTAVE = 12
LOUDEST = 127
VELOCITY, CHROMA = "velocity", "chroma"


class Pitch(NamedTuple):
    """How pitch is told: names of its rows, and their values for MIDI ``pitches`` [frames]: float64 [rows, frames]."""

    names: tuple[str, ...]
    rows: Callable[[np.ndarray], np.ndarray]


def _chroma(pitches: np.ndarray) -> np.ndarray:
    return (pitches % OCTAVE)[None] / (OCTAVE - 1)


def _circle(pitches: np.ndarray) -> np.ndarray:
    angle = 2 * np.pi * (pitches % OCTAVE) / OCTAVE
    octave = (pitches - LOWEST) // OCTAVE / ((HIGHEST - LOWEST) // OCTAVE)
    return np.stack([np.ones(len(pitches)), (1 + np.cos(angle)) / 2, (1 + np.sin(angle)) / 2, octave])


def _notes(pitches: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones((1, len(pitches))), np.arange(LOWEST, HIGHEST + 1)[:, None] == pitches])


PITCHES = {
    CHROMA: Pitch((CHROMA,), _chroma),
    "circle": Pitch(("voiced", "chroma_cos", "chroma_sin", "octave"), _circle),
    "notes": Pitch(("voiced", *(f"note_{pitch}" for pitch in range(LOWEST, HIGHEST + 1))), _notes),
}


def control_tracks(
    notes: Sequence[Sequence[float]] | np.ndarray,
    instrument: str,
    instruments: Sequence[str],
    frames: int,
    frame_rate: float,
    pitch: str = "chroma",
    centre: float = 0.5,
) -> np.ndarray:
    """Controls of one clip: float32 [rows, frames], rows as :func:`control_names` lists them.

    ``notes`` [notes, 4]: MIDI pitch, onset and offset in seconds from the start of the clip, MIDI velocity 0..127, as
    the columns of notes.csv; of notes that sound together the highest counts. ``instrument`` is the one of
    ``instruments`` whose row is 1 throughout, all others are 0. ``frame_rate`` is in Hz; frame k has its centre at (k +
    ``centre``) / ``frame_rate``: 0.5 where frames lie side by side (EnCodec), 0 where they are centred on multiples of
    the hop (CQT). Raises ``UserError`` for an instrument or a kind of ``pitch`` that is not known, and for a note that
    the chosen kind cannot tell.
    """
    if instrument not in instruments:
        raise UserError(
            f"the clip is played by {instrument!r}, and the controls know {', '.join(instruments)}; prepare the data "
            "set with these instruments"
        )
    kind = _kind(pitch)
    sounding = _sounding(np.asarray(notes, dtype=np.float64).reshape(-1, 4), frames, frame_rate, centre)
    on = ~np.isnan(sounding[0])
    tracks = np.zeros((1 + len(kind.names) + len(instruments), frames), np.float32)
    tracks[0, on] = sounding[1, on] / LOUDEST
    if pitch != "chroma" and on.any():
        low, high = sounding[0, on].min(), sounding[0, on].max()
        if low < LOWEST or high > HIGHEST:
            raise UserError(
                f"a note of pitch {low if low < LOWEST else high:.0f} was found, pitch control {pitch!r} tells "
                f"{LOWEST}..{HIGHEST}; transpose it, or take chroma"
            )
    tracks[1 : 1 + len(kind.names), on] = kind.rows(sounding[0, on])
    tracks[1 + len(kind.names) + list(instruments).index(instrument)] = 1.0
    return tracks


def control_names(instruments: Sequence[str], pitch: str = "chroma") -> list[str]:
    """Names of the rows of :func:`control_tracks`: velocity, those of pitch, then one per instrument."""
    return [VELOCITY, *_kind(pitch).names, *instruments]


def control_features(names: Sequence[str]) -> dict[str, slice]:
    """Which of the rows ``names`` are given, or left free, together (M-10): velocity, pitch, instrument."""
    told = {name for kind in PITCHES.values() for name in kind.names}
    first = 1 + sum(name in told for name in names)
    return {VELOCITY: slice(0, 1), "pitch": slice(1, first), "instrument": slice(first, len(names))}


def _kind(pitch: str) -> Pitch:
    if pitch not in PITCHES:
        raise UserError(f"there is no pitch control {pitch!r}; there are {', '.join(PITCHES)}")
    return PITCHES[pitch]


def _sounding(notes: np.ndarray, frames: int, frame_rate: float, centre: float) -> np.ndarray:
    """Pitch and velocity of the highest note that sounds at each frame's centre, NaN where none does: [2, frames]."""
    sounding = np.full((2, frames), np.nan)
    for pitch, onset, offset, velocity in notes[np.argsort(notes[:, 0], kind="stable")]:
        first, last = (min(max(int(np.ceil(edge * frame_rate - centre)), 0), frames) for edge in (onset, offset))
        sounding[:, first:last] = [[pitch], [velocity]]
    return sounding
