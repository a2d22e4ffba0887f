"""What a reader of data sets hands to ``prepare``."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from etude.midi.note import Note

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Clip:
    """One sound that a reader found, with its labels.

    ``kind`` "note": a single note, of which the first chunk becomes a clip; "phrase": music that is one clip as it is;
    "stem": a part of a piece, cut into consecutive chunks. ``audio`` is its file; where that is a score, ``samples``
    gives the sound instead, float [frames, channels] and its rate in Hz, and ``start`` says where in the file it
    begins, in seconds. ``group`` is what must not be both in train and in test under the official ``split``
    (instrument, track, file). ``notes`` and ``samples`` are called only when the sound is used. ``rate`` is the sample
    rate that the data set's own index states, where it does.
    """

    id: str
    audio: Path
    kind: Literal["note", "phrase", "stem"]
    split: str
    group: str
    instrument: str
    family: str
    notes: Callable[[], list[Note]]
    pitch: int | None = None
    velocity: int | None = None
    track: str = ""
    rate: int | None = None
    samples: Callable[[], tuple[np.ndarray, int]] | None = None
    start: float = 0.0


@dataclass(frozen=True)
class Dropped:
    """A file, the whole of a track, or what begins at ``start`` seconds in a file, that a reader leaves out: ``rule``
    is a short name, ``detail`` says what was found."""

    source: Path
    rule: str
    detail: str
    start: float | None = None
