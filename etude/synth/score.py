"""A piece on paper: metres, notes on a grid of eighth notes, parts. Sounding pitches as MIDI numbers."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Metre:
    """``steps`` eighth notes a bar, the ``strong`` ones among them, and how many make the ``beat`` that tempo
    counts."""

    numerator: int
    denominator: int
    steps: int
    strong: tuple[int, ...]
    beat: int

    @property
    def half(self) -> int:
        """The step at which a bar may change its harmony; 0 where it may not."""
        return self.strong[1] if len(self.strong) > 1 else 0


COMMON = Metre(4, 4, 8, (0, 4), 2)
TRIPLE = Metre(3, 4, 6, (0,), 2)
COMPOUND = Metre(6, 8, 6, (0, 3), 3)


class Event(NamedTuple):
    """A written note: from ``step`` (eighths from the beginning, fractions allowed) for ``length`` steps; ``level``
    0..1."""

    step: float
    length: float
    pitch: int
    level: float

    @property
    def end(self) -> float:
        return self.step + self.length


@dataclass(frozen=True)
class Part:
    """One instrument's written notes. ``role``: melody, chords, bass, pad, counter or drums."""

    role: str
    program: int
    events: tuple[Event, ...]

    @property
    def drums(self) -> bool:
        return self.role == "drums"


def without_overlaps(events: list[Event]) -> tuple[Event, ...]:
    """``events`` in order of time; a note still sounding when its pitch is struck again ends there, doubled notes
    are merged."""
    kept: list[Event] = []
    latest: dict[int, int] = {}
    for event in sorted(events):
        before = latest.get(event.pitch)
        if before is not None:
            earlier = kept[before]
            if earlier.step == event.step:
                kept[before] = earlier._replace(
                    length=max(earlier.length, event.length), level=max(earlier.level, event.level)
                )
                continue
            if earlier.end > event.step:
                kept[before] = earlier._replace(length=event.step - earlier.step)
        latest[event.pitch] = len(kept)
        kept.append(event)
    return tuple(kept)
