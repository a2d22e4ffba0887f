"""What a reader of data sets hands to ``prepare``."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

SPLITS = ("train", "valid", "test")


class Note(NamedTuple):
    """A sounding note: MIDI ``pitch``, ``onset`` and ``offset`` in seconds from the start of its file, ``velocity``
    0..127."""

    pitch: int
    onset: float
    offset: float
    velocity: int


@dataclass(frozen=True)
class Clip:
    """One audio file that a reader found, with its labels.

    ``kind`` "note": a single note, of which the first chunk becomes a clip; "stem": a part of a piece, cut into
    consecutive chunks. ``group`` is what must not be both in train and in test under the official ``split``
    (instrument or track). ``notes`` is called only when the file is used. ``rate`` is the sample rate that the data
    set's own index states, where it does.
    """

    id: str
    audio: Path
    kind: Literal["note", "stem"]
    split: str
    group: str
    instrument: str
    family: str
    notes: Callable[[], list[Note]]
    pitch: int | None = None
    velocity: int | None = None
    track: str = ""
    rate: int | None = None


@dataclass(frozen=True)
class Dropped:
    """A file, or the whole of a track, that a reader leaves out: ``rule`` is a short name, ``detail`` says what was
    found."""

    source: Path
    rule: str
    detail: str
