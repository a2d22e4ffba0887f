"""Reader of NSynth's JSON and WAV form (also of gm_notes): ``nsynth-<split>/examples.json`` and
``audio/<note_str>.wav``."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from etude.errors import UserError
from stages.prepare.clip import SPLITS, Clip, Dropped, Note

HELD_SECONDS = 3.0  # of the four; then the note is released
TYPES = {
    "note_str": str,
    "instrument_str": str,
    "instrument_family_str": str,
    "pitch": int,
    "velocity": int,
    "sample_rate": int,
}


def clips(raw: Path, settings: SimpleNamespace) -> Iterator[Clip | Dropped]:
    """Yield the notes below ``raw``, splits in the order train, valid, test, notes by name.

    Raises ``UserError`` when a split is not there, or when ``examples.json`` and the WAV files disagree.
    """
    for split in SPLITS:
        folder = _folder(raw, f"nsynth-{split}")
        examples = _examples(folder)
        for name in sorted(examples):
            yield _clip(folder, split, examples[name])


def _folder(raw: Path, name: str) -> Path:
    found = [path.parent for path in sorted(raw.glob(f"**/{name}/examples.json"))]
    if len(found) != 1:
        raise UserError(
            f"{raw}: {len(found)} folders {name} with an examples.json found, 1 expected; fetch the data set again"
        )
    return found[0]


def _examples(folder: Path) -> dict[str, dict[str, Any]]:
    """The entries of ``examples.json``, after checking that each has its WAV file and each WAV file its entry."""
    path = folder / "examples.json"
    try:
        examples = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON ({error}); fetch the data set again") from None
    if not isinstance(examples, dict) or not examples:
        raise UserError(f"{path}: holds no notes, expected an object with one entry per note; fetch the data set again")
    for name, entry in examples.items():
        for key, kind in TYPES.items():
            if not isinstance(entry, dict) or type(entry.get(key)) is not kind:
                raise UserError(f"{path}: note {name!r} has no {key} of type {kind.__name__}; fetch the data set again")
        if entry["note_str"] != name:
            raise UserError(f"{path}: the entry {name!r} has note_str {entry['note_str']!r}; the two must be equal")
    wavs = {file.stem for file in (folder / "audio").glob("*.wav") if not file.name.startswith(".")}
    for names, problem in (
        (examples.keys() - wavs, f"notes of {path} have no WAV file in {folder / 'audio'}"),
        (wavs - examples.keys(), f"WAV files in {folder / 'audio'} are not in {path}"),
    ):
        if names:
            raise UserError(f"{len(names)} {problem}, the first is {min(names)!r}; fetch the data set again")
    return examples


def _clip(folder: Path, split: str, entry: dict[str, Any]) -> Clip:
    note = Note(entry["pitch"], 0.0, HELD_SECONDS, entry["velocity"])
    return Clip(
        id=entry["note_str"],
        audio=folder / "audio" / f"{entry['note_str']}.wav",
        kind="note",
        split=split,
        group=entry["instrument_str"],
        instrument=entry["instrument_str"],
        family=entry["instrument_family_str"],
        notes=lambda: [note],
        pitch=entry["pitch"],
        velocity=entry["velocity"],
        rate=entry["sample_rate"],
    )
