"""Reader of Slakh2100 (redux, original and babyslakh; also of gm_band): ``TrackNNNNN/metadata.yaml, stems/SNN,
MIDI/SNN.mid``.

What the corpus says of itself is not always so, hence: a stem exists when its file does (babyslakh flags all stems as
not rendered), ``audio_dir`` is ignored (it is absolute in one track), and what cannot be used is listed, not skipped.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from etude.errors import UserError
from etude.midi.read import notes_of, read_midi
from stages.prepare.clip import SPLITS, Clip, Dropped, Note

FOLDERS = {"train": "train", "validation": "valid", "test": "test"}
OMITTED = "omitted"  # redux's folder of tracks whose MIDI is in another track
LAST_TRAIN, LAST_VALID = 1500, 1875  # track numbers of the original splits, for copies without folders of splits
SUFFIXES = (".flac", ".wav")
UNPITCHED = (
    "Chromatic Percussion",
    "Drums",
    "Percussive",
    "Sound Effects",
    "Sound effects",
)  # classes the thesis's line of code bans
KEYS = {"inst_class": str, "is_drum": bool, "midi_program_name": str}

# Stems of the real corpus that its users found broken (slakh-utils, issues 17 and 21).
KNOWN_BAD = {
    "white noise": "357/S03 377/S07 385/S00 398/S00 400/S00 629/S01 749/S01 1629/S00",
    "wrong pitch": "496/S01 1918/S10 1931/S01 1937/S03",
    "wrong octave": "1929/S04",
    "missing audio": "1876/S01 1908/S05 1993/S01 2024/S13",
    "notes shorter than they sound": "262/S01",
    "notes longer than they sound": "404/S03 737/S01 893/S01",
    "reported faulty": "1500/S12 1500/S13",
}
BAD_STEMS = {tuple(stem.split("/")): problem for problem, stems in KNOWN_BAD.items() for stem in stems.split()}


def clips(raw: Path, settings: SimpleNamespace) -> Iterator[Clip | Dropped]:
    """Yield the usable stems below ``raw``, splits in the order train, valid, test, and what is left out.

    ``settings.bass_octave`` is added to the pitches of the class Bass: the corpus writes them 12 semitones above what
    sounds.
    """
    tracks = list(_tracks(raw))
    if not tracks:
        raise UserError(f"{raw}: no TrackNNNNN/metadata.yaml found below it; fetch the data set again")
    placed = [(_split(track, raw), track) for track in tracks]
    for split, track in sorted(placed, key=lambda item: ((*SPLITS, OMITTED).index(item[0]), item[1].name)):
        if split == OMITTED:
            yield Dropped(track, "omitted", "its MIDI is also that of another track")
        else:
            yield from _stems(track, split, settings.bass_octave)


def _tracks(raw: Path) -> Iterator[Path]:
    """The folders of tracks, also behind links: a user's own copy is a folder of links."""
    for base, folders, files in os.walk(raw, followlinks=True):
        if re.fullmatch(r"Track\d{5}", Path(base).name) and "metadata.yaml" in files:
            folders.clear()
            yield Path(base)


def _split(track: Path, raw: Path) -> str:
    """By the folder the track lies in, or, where there are none, by its number as in the original corpus."""
    for folder in track.relative_to(raw).parts[:-1]:
        if folder in FOLDERS:
            return FOLDERS[folder]
        if folder == OMITTED:
            return OMITTED
    number = int(track.name[5:])
    return "train" if number <= LAST_TRAIN else "valid" if number <= LAST_VALID else "test"


def _stems(track: Path, split: str, bass_octave: int) -> Iterator[Clip | Dropped]:
    metadata = _metadata(track)
    stems = metadata["stems"]
    for name in sorted(stems):
        stem, midi = stems[name], track / "MIDI" / f"{name}.mid"
        audio = next((path for suffix in SUFFIXES if (path := track / "stems" / f"{name}{suffix}").is_file()), None)
        problem = _problem(track, name, stem, audio, midi, bool(metadata.get("lmd_midi_dir")))
        if problem:
            yield Dropped(audio or track / "stems" / name, *problem)
            continue
        yield Clip(
            id=f"{track.name}-{name}",
            audio=audio,
            kind="stem",
            split=split,
            group=track.name,
            instrument=stem["midi_program_name"],
            family=stem["inst_class"],
            notes=_score(midi, bass_octave if stem["inst_class"] == "Bass" else 0),
            track=track.name,
        )
    for path in sorted([*(track / "MIDI").glob("*.mid"), *(track / "stems").glob("*")]):
        if path.stem not in stems and not path.name.startswith("."):
            yield Dropped(path, "not in metadata", "metadata.yaml has no such stem")


def _metadata(track: Path) -> dict[str, Any]:
    path = track / "metadata.yaml"
    try:
        metadata = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: not readable as YAML ({' '.join(str(error).split())}); fetch the data set again"
        ) from None
    stems = metadata.get("stems") if isinstance(metadata, dict) else None
    if not isinstance(stems, dict):
        raise UserError(f"{path}: has no mapping `stems`; fetch the data set again")
    for name, stem in stems.items():
        for key, kind in KEYS.items():
            if not isinstance(stem, dict) or not isinstance(stem.get(key), kind):
                raise UserError(f"{path}: stem {name} has no {key} of type {kind.__name__}; fetch the data set again")
    return metadata


def _problem(
    track: Path, name: str, stem: dict[str, Any], audio: Path | None, midi: Path, from_lakh: bool
) -> tuple[str, str] | None:
    """(rule, detail) when the stem cannot be used."""
    if stem["is_drum"]:
        return "drum", stem["midi_program_name"]
    if stem["inst_class"] in UNPITCHED:
        return "banned class", stem["inst_class"]
    if from_lakh and (problem := BAD_STEMS.get((str(int(track.name[5:])), name))):
        return "known bad stem", problem
    if audio is None:
        return "not rendered", f"no audio file; plugin_name is {stem.get('plugin_name')}"
    if not midi.is_file():
        return "no MIDI", f"{midi.name} is not there"
    return None


def _score(midi: Path, transposition: int):
    """A function that reads the notes of ``midi``, all instruments in it, transposed."""

    def notes() -> list[Note]:
        found = [
            note._replace(pitch=note.pitch + transposition)
            for instrument in read_midi(midi).instruments
            for note in notes_of(instrument)
        ]
        return sorted(found, key=lambda note: (note.onset, note.pitch))

    return notes
