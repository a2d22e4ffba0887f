"""Reader of skeleton: ``index.csv`` (file, split, instrument, family, pitch, seconds) and the files it names in
``audio/``, one note a file. Replace it by what your data set looks like."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

from etude.errors import UserError
from etude.pipeline.files import read_csv
from stages.prepare.clip import SPLITS, Clip, Note

VELOCITY = 100


def clips(raw: Path, settings: SimpleNamespace) -> Iterator[Clip]:
    """Yield the notes that ``index.csv`` lists, splits in the order train, valid, test."""
    try:
        found = [_clip(raw, row) for row in read_csv(raw / "index.csv")]
        found.sort(key=lambda clip: SPLITS.index(clip.split))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{raw / 'index.csv'}: not the index of skeleton ({error!r}); correct it") from None
    yield from found


def _clip(raw: Path, row: dict[str, str]) -> Clip:
    note = Note(int(row["pitch"]), 0.0, float(row["seconds"]), VELOCITY)
    return Clip(
        id=Path(row["file"]).stem,
        audio=raw / "audio" / row["file"],
        kind="note",  # or "stem": a recording that is cut into clips one after another
        split=row["split"],
        group=row["instrument"],  # what must not be both in train and in test
        instrument=row["instrument"],
        family=row["family"],
        notes=lambda: [note],
        pitch=note.pitch,
        velocity=note.velocity,
    )
