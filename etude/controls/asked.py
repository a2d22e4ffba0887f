"""What controls ask for, read back from their rows: how loud, which pitch class, which instrument, in every frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from etude.controls.tracks import FREE, LOWEST, OCTAVE, control_features

SILENT, UNKNOWN = -1, -2  # in place of a pitch class or an instrument


@dataclass(frozen=True)
class Asked:
    """One clip's wishes over its frames.

    ``velocity`` [frames]: 0..1, 0 where silence is asked for, NaN where it is free. ``pitch_class`` [frames]: 0..11,
    ``SILENT``, or ``UNKNOWN`` where it is free, or where C and silence cannot be told apart because velocity is free
    (M-08). ``instrument`` [frames]: position in ``players``, the names of the instruments, or ``UNKNOWN``.
    ``frame_rate`` in Hz.
    """

    velocity: np.ndarray
    pitch_class: np.ndarray
    instrument: np.ndarray
    players: list[str]
    frame_rate: float

    def __len__(self) -> int:
        return len(self.velocity)


def asked(controls: np.ndarray, names: Sequence[str], frame_rate: float) -> Asked:
    """What ``controls`` [rows, frames] ask for; ``names`` of the rows as in :mod:`etude.controls.tracks`.

    Where pitch is free and velocity is not, silence is still known. An instrument is the one with the largest
    activation.
    """
    features = control_features(names)
    velocity = np.where(controls[0] == FREE, np.nan, controls[0]).astype(np.float64)
    rows, told = controls[features["pitch"]], list(names[features["pitch"]])
    free = (rows == FREE).any(axis=0)
    pitch_class = _pitch_class(rows.astype(np.float64), told)
    if told == ["chroma"]:
        pitch_class[np.isnan(velocity) & (rows[0] == 0)] = UNKNOWN
    else:
        pitch_class[rows[0] < 0.5] = SILENT
    pitch_class[free] = UNKNOWN
    pitch_class[velocity == 0] = SILENT
    players = controls[features["instrument"]]
    instrument = np.where((players == FREE).any(axis=0), UNKNOWN, players.argmax(axis=0))
    return Asked(velocity, pitch_class, instrument, list(names[features["instrument"]]), frame_rate)


def _pitch_class(rows: np.ndarray, told: list[str]) -> np.ndarray:
    """Pitch classes [frames] as each kind of pitch control tells them, whether something sounds or not."""
    if told == ["chroma"]:
        found = np.rint(rows[0] * (OCTAVE - 1))
    elif "chroma_cos" in told:
        cos, sin = (2 * rows[told.index(name)] - 1 for name in ("chroma_cos", "chroma_sin"))
        found = np.rint(np.arctan2(sin, cos) * OCTAVE / (2 * np.pi))
    else:
        found = LOWEST + rows[1:].argmax(axis=0)
    return found.astype(np.int64) % OCTAVE
