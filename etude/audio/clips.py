"""The clips of a set, one after another, each checked against the hash in the set's index.

Two kinds of folder hold a set. A *prepared* data set has ``index.csv`` with a column ``row``, ``audio.npy`` (int16
[clips, samples]; ``row`` points into it) and ``protocol.json``. A *generated* set has ``index.csv`` with a column
``file``, the audio files it names beside it, and ``protocol.json``. The ``sha256`` of a clip is that of its int16
samples in the former and of its file in the latter.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from etude.audio.files import read_audio, to_float
from etude.errors import UserError
from etude.pipeline.files import read_csv, sha256_bytes, sha256_file


def read_clips(index: Path, split: str | None = None, limit: int | None = None) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (clip id, mono float32 samples [frames]) for every clip of ``split``, in the order of ``index``.

    ``split`` None takes all clips; ``limit`` takes the so many first by the hash of their ids, whatever the order of
    the index. Raises ``UserError`` for a clip that is missing, unreadable or not the one that the index was made for.
    """
    rows = _rows(index, split, limit)
    yield from (_prepared if "row" in rows[0] else _generated)(index, rows)


def clip_ids(index: Path, split: str | None = None, limit: int | None = None) -> list[str]:
    """Ids of the clips that :func:`read_clips` yields, in its order."""
    return [row["clip"] for row in _rows(index, split, limit)]


def set_hash(index: Path, split: str | None = None, limit: int | None = None) -> str:
    """One sha256 for the set: that of the sorted hashes of its clips, one per line. Names and order play no part."""
    return sha256_bytes("\n".join(sorted(row["sha256"] for row in _rows(index, split, limit))).encode())


def sample_rate(index: Path) -> int:
    """Sample rate of the set in Hz."""
    found = protocol(index)
    if not isinstance(rate := found.get("sample_rate"), int) or rate <= 0:
        raise UserError(f"{index.parent / 'protocol.json'}: no sample_rate in Hz found there; make the set again")
    return rate


def protocol(index: Path) -> dict[str, Any]:
    """What the set records of how it was made (``protocol.json`` beside ``index``)."""
    path = index.parent / "protocol.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: not found beside {index.name}; make the set again") from None
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON ({error}); make the set again") from None


def _rows(index: Path, split: str | None, limit: int | None) -> list[dict[str, str]]:
    try:
        rows = read_csv(index)
    except FileNotFoundError:
        raise UserError(f"{index}: no such index of clips; run the step that makes this set") from None
    if not rows:
        raise UserError(f"{index}: lists no clips; make the set again")
    columns = rows[0].keys()
    if not {"clip", "sha256"} <= columns or not columns & {"row", "file"}:
        raise UserError(
            f"{index}: has the columns {', '.join(columns)}; an index of clips has clip, sha256, and row or file"
        )
    if split is not None:
        if "split" not in columns:
            raise UserError(f"{index}: split {split!r} was asked for, but this set has no splits; ask for none")
        splits = sorted({row["split"] for row in rows})
        rows = [row for row in rows if row["split"] == split]
        if not rows:
            raise UserError(f"{index}: no clips in split {split!r}, only in {', '.join(splits)}; name one of these")
    if len({row["clip"] for row in rows}) < len(rows):
        raise UserError(f"{index}: lists a clip id twice; ids must be unique, make the set again")
    if limit is not None and limit < len(rows):
        chosen = sample((row["clip"] for row in rows), limit)
        rows = [row for row in rows if row["clip"] in chosen]
    return rows


def sample(clips: Iterable[str], limit: int) -> set[str]:
    """At most ``limit`` of ``clips``: those first by the hash of their ids, the same whoever asks."""
    return set(sorted(clips, key=id_hash)[:limit])


def id_hash(clip: str) -> str:
    """A key by which clips are put into an order that has nothing to do with what they are or where they lie."""
    return hashlib.sha256(clip.encode()).hexdigest()


def _prepared(index: Path, rows: list[dict[str, str]]) -> Iterator[tuple[str, np.ndarray]]:
    path = index.parent / "audio.npy"
    try:
        audio = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        raise UserError(f"{path}: not found beside {index.name}; run prepare again") from None
    except (ValueError, EOFError) as error:
        raise UserError(f"{path}: not a readable array ({error}); run prepare again") from None
    if audio.dtype != np.int16 or audio.ndim != 2:
        raise UserError(
            f"{path}: {audio.dtype} {list(audio.shape)} found, int16 [clips, samples] expected; prepare again"
        )
    for row in rows:
        position = int(row["row"])
        if not 0 <= position < len(audio):
            raise UserError(f"{index}: clip {row['clip']} is row {position} of {path.name}, which has {len(audio)}")
        samples = np.ascontiguousarray(audio[position])
        _check(row, sha256_bytes(samples.data), f"{path} row {position}")
        yield row["clip"], to_float(samples)


def _generated(index: Path, rows: list[dict[str, str]]) -> Iterator[tuple[str, np.ndarray]]:
    rate = sample_rate(index)
    for row in rows:
        path = index.parent / row["file"]
        samples, found = read_audio(path)
        _check(row, sha256_file(path), str(path))
        if found != rate:
            raise UserError(
                f"{path}: sample rate {found} Hz found, {rate} Hz stated in protocol.json; generate it again"
            )
        yield row["clip"], samples.mean(axis=1)


def _check(row: dict[str, str], found: str, where: str) -> None:
    if found != row["sha256"]:
        raise UserError(
            f"{where}: sha256 {found} found, {row['sha256']} in the index for clip {row['clip']}: the audio was "
            "changed after the index was written; make the set again"
        )
