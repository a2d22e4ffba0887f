"""What a folder of sound files says of itself by the names of its folders and files: split, family, instrument, pitch.

    train/strings/cello/cello_C3.wav     split train, family strings, instrument cello, pitch 48
    strings/viola.wav                    family and instrument strings
    bd_808.wav, bd_boom.wav, sn_dub.wav  families bd and sn, when enough files of the folder are called so
    take 17.wav                          nothing: a set without labels is a set as well

A name is believed only when the folder agrees: one file called "B3 final.wav" is not a pitch.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from etude.errors import UserError

SUFFIXES = (".wav", ".flac", ".aif", ".aiff", ".ogg", ".mp3")
SPLITS = {
    "train": "train", "training": "train",
    "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid",
    "test": "test", "testing": "test", "eval": "test",
}  # fmt: skip
MOST = 0.8  # share of the files whose leading word must be a family for the others to be called "other"
FEWEST = 3  # files that make a leading word of file names a family
PITCHES = 6  # different pitches that must be named, one by each file: versions "a1" to "a3" are none

_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NOTE = re.compile(r"(?<![A-Za-z0-9])([A-G])(##?|s|b)?(-1|\d)(?![A-Za-z0-9])", re.IGNORECASE)
_NSYNTH = re.compile(r"-(\d{3})-(\d{3})$")  # <instrument>-<pitch>-<velocity>
_WORD = re.compile(r"[^\W\d_]+(-[^\W\d_]{3,})*")  # "electric-piano", and not the C of "piano-C4"


@dataclass(frozen=True)
class Sound:
    """One file: ``path`` from the folder on, and what names tell; "" and None where they tell nothing."""

    path: PurePosixPath
    split: str = ""
    family: str = ""
    instrument: str = ""
    pitch: int | None = None
    velocity: int | None = None


def sounds(folder: Path) -> list[Sound]:
    """The sound files below ``folder`` (links followed, hidden ones left out), sorted by path, with their labels.

    Raises ``UserError`` when there is no such folder, or no sound file in it.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name the one that holds the sound files")
    paths = sorted(PurePosixPath(path.relative_to(folder).as_posix()) for path in _files(folder))
    if not paths:
        raise UserError(
            f"{folder}: no sound file found in it or below it; expected files that end in {', '.join(SUFFIXES)}"
        )
    return labelled(paths)


def labelled(paths: Sequence[PurePosixPath]) -> list[Sound]:
    """``paths`` with what their names tell of all of them."""
    tops = [SPLITS.get(path.parts[0].lower(), "") if len(path.parts) > 1 else "" for path in paths]
    splits = tops if all(tops) and {"train", "test"} <= set(tops) else [""] * len(paths)
    folders = [path.parts[1 if split else 0 : -1] for path, split in zip(paths, splits, strict=True)]
    if len({names for names in folders if names}) > 1:
        families = [names[0] if names else "" for names in folders]
        instruments = [names[-1] if names else "" for names in folders]
    else:
        families = instruments = _leading_words(paths)
    pitches = _pitches(paths)
    return [
        Sound(path, split, family, instrument, *pitch)
        for path, split, family, instrument, pitch in zip(paths, splits, families, instruments, pitches, strict=True)
    ]


def note_number(name: str) -> int | None:
    """MIDI number of the last note that ``name`` names, middle C being C4 = 60: "Fs3 soft" is 54; None if none."""
    found = _NOTE.findall(name)
    if not found:
        return None
    letter, accidental, octave = found[-1]
    step = {"": 0, "#": 1, "s": 1, "##": 2, "b": -1}[accidental.lower()]
    number = 12 * (int(octave) + 1) + _SEMITONES[letter.upper()] + step
    return number if 0 <= number <= 127 else None


def _files(folder: Path) -> list[Path]:
    found = []
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == "__MACOSX":
            continue
        if path.is_dir():
            found += _files(path)
        elif path.suffix.lower() in SUFFIXES:
            found.append(path)
    return found


def _leading_words(paths: Sequence[PurePosixPath]) -> list[str]:
    """The first word of each file's name where such words sort the folder into families, else "" for all."""
    words = [match[0].lower() if (match := _WORD.match(path.stem)) else "" for path in paths]
    counts = Counter(word for word in words if word)
    families = {word for word, count in counts.items() if count >= FEWEST}
    if len(families) < 2 or sum(counts[word] for word in families) < MOST * len(paths):
        return [""] * len(paths)
    return [word if word in families else "other" for word in words]


def _pitches(paths: Sequence[PurePosixPath]) -> list[tuple[int | None, int | None]]:
    """(pitch, velocity) of each file where all names tell a pitch, else None for all."""
    nsynth = [match.groups() if (match := _NSYNTH.search(path.stem)) else None for path in paths]
    if all(nsynth) and all(0 < int(number) <= 127 for pair in nsynth for number in pair):
        return [(int(pitch), int(velocity)) for pitch, velocity in nsynth]
    named = [note_number(path.stem) for path in paths]
    if None in named or len(set(named)) < PITCHES:
        return [(None, None)] * len(paths)
    return [(pitch, None) for pitch in named]
