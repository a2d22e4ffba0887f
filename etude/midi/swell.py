"""Velocities that swell and fade as a sine of random frequency and phase (M-02)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from etude.midi.note import Note

SOFTEST, LOUDEST = 1, 127
SLOWEST, FASTEST = 1 / 8, 8.0  # cycles in a clip


@dataclass(frozen=True)
class Swell:
    """A factor 1 + ``depth`` sin(2 pi ``hertz`` t + ``phase``) on velocities."""

    depth: float
    hertz: float
    phase: float

    def velocity(self, base: float, time: float) -> int:
        """MIDI velocity at ``time`` seconds of a note that would have ``base``, rounded, within 1..127."""
        value = base * (1 + self.depth * math.sin(2 * math.pi * self.hertz * time + self.phase))
        return int(min(max(round(value), SOFTEST), LOUDEST))

    def play(self, notes: Sequence[Note], base: float | None) -> list[Note]:
        """``notes``, each with the velocity at its onset; ``base`` None starts from the note's own."""
        return [
            note._replace(velocity=self.velocity(note.velocity if base is None else base, note.onset)) for note in notes
        ]


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def _uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


DRAWS = {"log_uniform": _log_uniform, "uniform": _uniform}


def draw_swell(rng: np.random.Generator, settings: SimpleNamespace, seconds: float) -> Swell:
    """A swell for a clip of ``seconds``: 1/8 to 8 cycles in it, drawn by ``settings.draw``; ``settings.depth``."""
    hertz = DRAWS[settings.draw](rng, SLOWEST / seconds, FASTEST / seconds)
    return Swell(settings.depth, hertz, float(rng.uniform(0, 2 * math.pi)))
