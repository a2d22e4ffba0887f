"""Reader of recorded_notes: ``index.csv`` and the recordings it names in ``flac/``, one note a file."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

from etude.errors import UserError
from etude.pipeline.files import read_csv
from stages.prepare.clip import SPLITS, Clip, Note

HELD_OUT = {
    "valid": "cello electric-piano-rhodes glockenspiel tuba",
    "test": "contrabass harp steel-guitar-martin tenor-sax trombone upright-piano-vsco vibraphone",
}
VELOCITIES = {"p": 49, "mp": 64, "mf": 80, "f": 96}  # as notation programs play these marks


def clips(raw: Path, settings: SimpleNamespace) -> Iterator[Clip]:
    """Yield the notes that ``index.csv`` lists, splits in the order train, valid, test."""
    splits = {instrument: split for split, names in HELD_OUT.items() for instrument in names.split()}
    try:
        found = [_clip(raw, row, splits.get(row["instrument"], "train")) for row in read_csv(raw / "index.csv")]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{raw / 'index.csv'}: not the index of recorded_notes ({error!r}); get it again") from None
    yield from sorted(found, key=lambda clip: SPLITS.index(clip.split))


def _clip(raw: Path, row: dict[str, str], split: str) -> Clip:
    note = Note(int(row["midi"]), 0.0, float(row["seconds"]), VELOCITIES[row["dynamic"]])
    file, instrument = row["file"], row["instrument"]
    return Clip(
        id=file.removesuffix(".flac"), audio=raw / "flac" / file, kind="note", split=split, group=instrument,
        instrument=instrument, family=row["family"], notes=lambda: [note], pitch=note.pitch, velocity=note.velocity,
        rate=int(row["sample_rate"]),
    )  # fmt: skip
