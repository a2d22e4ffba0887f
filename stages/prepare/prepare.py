"""Canonical clips of one data set: one length, rate and loudness, with labels, notes, splits without leakage, and a
ledger of everything dropped.

Writes into the folder ``--out``: ``index.csv`` (one row per clip), ``audio.npy`` (int16 [clips, chunk_samples]),
``notes.csv`` (the notes sounding in each clip), ``ledger.csv`` and ``protocol.json``.

``split: official`` keeps the data set's own splits: by instrument (NSynth) or track (Slakh). ``split: random`` draws
80/10/10 by a hash of the clip's id, at the level of notes and of chunks. **It leaks**: the same instrument at other
pitches, or the same recording a few seconds on, is on both sides. It exists because the thesis names no split and
prints 99 % accuracy for instrument probes, which instruments unseen in training do not allow; take it to compare with
that number, and the official one to learn something.
"""

import csv
import hashlib
import importlib
import re
import unicodedata
from collections import Counter
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from etude.audio.resample import RESAMPLER
from etude.errors import UserError
from etude.pipeline.files import atomic_folder, read_csv, sha256_bytes, sha256_file, write_csv, write_json
from etude.pipeline.progress import progress
from etude.pipeline.stage import plain, run_stage
from stages.fetch.manifest import Source, read_source
from stages.prepare.chunks import chunks
from stages.prepare.clip import SPLITS, Clip, Dropped

INDEX = ["clip", "row", "split", "source", "start", "seconds", "sha256"]
LABELS = ["instrument", "family", "pitch", "velocity", "track"]
NOTES = ["clip", "pitch", "onset", "offset", "velocity"]
LEDGER = ["source", "start", "rule", "detail"]
RANDOM_PARTS = (0.8, 0.9, 1.0)  # upper ends of train, valid, test
DIGITS = 6  # of times in seconds

Row = dict[str, Any]


def prepare(settings: SimpleNamespace, source: Path, raw: Path, out: Path) -> None:
    """Prepare the data set of manifest ``source`` whose fetched files ``raw`` lists, into the folder ``out``."""
    manifest = read_source(source)
    check_settings(settings)
    check_raw(raw)
    files, ledger = find_files(manifest, raw.parent, settings)
    if settings.split == "official":
        refuse_leak(files, manifest.name)
    with atomic_folder(out) as folder:
        rows = cut(files, raw.parent, settings, folder, ledger)
        rows = drop_duplicates(rows, ledger)
        if not rows:
            raise UserError(
                f"{raw.parent}: every clip of {manifest.name} was dropped ({tally(ledger)}); change prepare in "
                "params.yaml"
            )
        rows.sort(key=lambda row: (SPLITS.index(row["split"]), row["clip"]))
        write_clips(folder, rows, settings.chunk_samples)
        write_ledger(folder / "ledger.csv", ledger)
        write_json(folder / "protocol.json", protocol(manifest, settings, raw, rows, ledger))
    counts = ", ".join(f"{sum(row['split'] == split for row in rows)} {split}" for split in SPLITS)
    print(f"{manifest.name}: {len(rows)} clips ({counts}); dropped: {tally(ledger) or 'nothing'}")


def check_settings(settings: SimpleNamespace) -> None:
    """Refuse values that the steps below could not work with."""
    if settings.split not in ("official", "random"):
        raise UserError(f"prepare.split is {settings.split!r}; it may be official or random")
    if settings.sample_rate < 1 or settings.chunk_samples < 1:
        raise UserError(
            f"prepare.sample_rate is {settings.sample_rate} and prepare.chunk_samples {settings.chunk_samples}; "
            "both must be 1 or more"
        )


def check_raw(manifest: Path) -> None:
    """Refuse raw data that changed after it was fetched: a file gone, or of another size."""
    if not manifest.is_file():
        raise UserError(f"{manifest}: not found; fetch the data set first")
    rows = read_csv(manifest)
    if not rows:
        raise UserError(f"{manifest}: lists no files, the data set is empty; fetch it again")
    for row in rows:
        path = manifest.parent / row["path"]
        if not path.is_file():
            raise UserError(f"{path}: listed in {manifest} and not there; fetch the data set again")
        if (found := path.stat().st_size) != int(row["bytes"]):
            raise UserError(
                f"{path}: {found} bytes found, {row['bytes']} when it was fetched; fetch the data set again"
            )


def reader_of(manifest: Source) -> ModuleType:
    """The plug-in that reads the data set's format: ``clips(raw, settings)``, and ``protocol(settings)`` if what it
    chooses is to be recorded."""
    name = f"stages.prepare.sources.{manifest.reader}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise UserError(
            f"data set {manifest.name}: there is no reader {manifest.reader!r} in stages/prepare/sources/"
        ) from None


def find_files(manifest: Source, raw: Path, settings: SimpleNamespace) -> tuple[list[Clip], list[Row]]:
    """The files that the data set's reader offers, and the ledger of those it leaves out."""
    reader = reader_of(manifest)
    files, ledger = [], []
    for item in progress(reader.clips(raw, settings), f"listing {manifest.name}", total=0):
        if isinstance(item, Dropped):
            start = "" if item.start is None else round(item.start, DIGITS)
            ledger.append(entry(raw, item.source, start, item.rule, item.detail))
        else:
            files.append(item)
    if not files:
        raise UserError(
            f"{raw}: data set {manifest.name} has no usable file (dropped: {tally(ledger) or 'none'}); fetch it again"
        )
    return files, ledger


def refuse_leak(files: list[Clip], name: str) -> None:
    """Refuse official splits in which train and test share an instrument (notes) or a track (stems)."""
    train, test = ({file.group for file in files if file.split == split} for split in ("train", "test"))
    if shared := sorted(train & test):
        raise UserError(
            f"data set {name}: {shared[0]} is in train and in test, as are {len(shared) - 1} more: the official "
            "split would leak; "
            "mend the data set, or set prepare.split to random and say so"
        )


def cut(files: list[Clip], raw: Path, settings: SimpleNamespace, folder: Path, ledger: list[Row]) -> list[Row]:
    """Cut ``files`` into clips: their rows of the index, in the order in which ``folder`` gets their samples and
    notes."""
    rows: list[Row] = []
    names: set[str] = set()
    with (
        open(folder / "audio.part", "wb") as audio,
        open(folder / "notes.part", "w", newline="", encoding="utf-8") as out,
    ):
        writer = csv.DictWriter(out, NOTES, lineterminator="\n")
        writer.writeheader()
        for file in progress(files, "cutting clips"):
            for chunk in chunks(file, settings):
                start = round(file.start + chunk.start, DIGITS)
                if chunk.samples is None:
                    ledger.append(entry(raw, file.audio, start, chunk.rule, chunk.detail))
                    continue
                clip = safe_name(file.id if file.kind != "stem" else f"{file.id}-{chunk.number:04d}")
                if clip in names:
                    raise UserError(
                        f"{file.audio}: a second clip would be called {clip}; rename one of the two in the data set"
                    )
                names.add(clip)
                data = chunk.samples.astype("<i2").tobytes()
                audio.write(data)
                for note in chunk.notes:
                    times = {"onset": round(note.onset, DIGITS), "offset": round(note.offset, DIGITS)}
                    writer.writerow({"clip": clip, "pitch": note.pitch, **times, "velocity": note.velocity})
                rows.append(
                    {
                        "clip": clip,
                        "row": len(rows),
                        "split": file.split if settings.split == "official" else random_split(clip),
                        "source": file.audio.relative_to(raw).as_posix(),
                        "start": start,
                        "seconds": round(chunk.seconds, DIGITS),
                        "sha256": sha256_bytes(data),
                        "instrument": file.instrument,
                        "family": file.family,
                        "pitch": "" if file.pitch is None else file.pitch,
                        "velocity": "" if file.velocity is None else file.velocity,
                        "track": file.track,
                    }
                )
    return rows


def random_split(clip: str) -> str:
    """Train, valid or test with probabilities 80, 10, 10 %, by the hash of the clip's id: the same in every run."""
    place = int(hashlib.sha256(clip.encode()).hexdigest()[:8], 16) / 2**32
    return next(split for split, end in zip(SPLITS, RANDOM_PARTS, strict=True) if place < end)


def safe_name(name: str) -> str:
    """``name`` if it can be a file name anywhere, else its nearest ASCII form with eight digits of its hash."""
    plain_form = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "_", plain_form).strip(".")
    return safe if safe == name else f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def drop_duplicates(rows: list[Row], ledger: list[Row]) -> list[Row]:
    """Keep one clip of those with the same samples: of train rather than valid rather than test, then the first met."""
    kept: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: (SPLITS.index(row["split"]), row["row"])):
        first = kept.setdefault(row["sha256"], row)
        if first is not row:
            detail = f"same samples as {first['clip']} in {first['split']}, this one was in {row['split']}"
            ledger.append({"source": row["source"], "start": row["start"], "rule": "duplicate", "detail": detail})
    return list(kept.values())


def write_clips(folder: Path, rows: list[Row], samples: int) -> None:
    """Turn ``audio.part`` and ``notes.part`` into ``audio.npy``, ``notes.csv`` and ``index.csv`` with just
    ``rows``, in their order."""
    part = np.memmap(folder / "audio.part", "<i2", "r").reshape(-1, samples)
    with open(folder / "audio.npy", "wb") as out:
        header = {"descr": "<i2", "fortran_order": False, "shape": (len(rows), samples)}
        np.lib.format.write_array_header_1_0(out, header)
        for row in rows:
            out.write(part[row["row"]].data)
    del part
    (folder / "audio.part").unlink()
    for position, row in enumerate(rows):
        row["row"] = position
    write_csv(folder / "index.csv", rows, INDEX + LABELS)
    kept = {row["clip"] for row in rows}
    with open(folder / "notes.part", newline="", encoding="utf-8") as file:
        write_csv(folder / "notes.csv", (note for note in csv.DictReader(file) if note["clip"] in kept), NOTES)
    (folder / "notes.part").unlink()


def entry(raw: Path, source: Path, start: float | str, rule: str, detail: str) -> Row:
    """A line of the ledger; ``start`` is empty for a whole file."""
    return {"source": source.relative_to(raw).as_posix(), "start": start, "rule": rule, "detail": detail}


def write_ledger(path: Path, ledger: list[Row]) -> None:
    """Write ``ledger.csv``, sorted by file, then time."""
    write_csv(path, sorted(ledger, key=lambda line: (line["source"], float(line["start"] or 0), line["rule"])), LEDGER)


def tally(ledger: list[Row]) -> str:
    """How many lines each rule has, as text."""
    counts = Counter(line["rule"] for line in ledger)
    return ", ".join(f"{count} {rule}" for rule, count in sorted(counts.items()))


def protocol(
    manifest: Source, settings: SimpleNamespace, raw: Path, rows: list[Row], ledger: list[Row]
) -> dict[str, Any]:
    """What was done, for the reports: every number that comes from these clips depends on it."""
    rules = {
        "official": manifest.splits,
        "random": "80/10/10 by the hash of the clip's id, at the level of notes and chunks: instruments and "
        "recordings are on both sides",
    }
    chosen = getattr(reader_of(manifest), "protocol", lambda settings: {})
    return {
        "dataset": manifest.name,
        "version": manifest.version,
        "licence": manifest.licence,
        "cite": manifest.cite,
        "raw_manifest_sha256": sha256_file(raw),
        "sample_rate": settings.sample_rate,
        "resampler": RESAMPLER,
        "channels": "mean",
        "loudness": plain(settings.loudness),
        "chunk_samples": settings.chunk_samples,
        "chunk_seconds": settings.chunk_samples / settings.sample_rate,
        "chunks_taken": "the first of a single note; all of a stem, one after another",
        "max_chunks_per_stem": settings.max_chunks_per_stem,
        "remainder": settings.remainder,
        "silence_db": settings.silence_db,
        "bass_octave": settings.bass_octave,
        "split": settings.split,
        "split_rule": rules[settings.split],
        "reference": manifest.reference,
        "clips": {split: sum(row["split"] == split for row in rows) for split in SPLITS},
        "dropped": dict(Counter(line["rule"] for line in ledger)),
        **chosen(settings),
    }


if __name__ == "__main__":
    run_stage(
        prepare,
        source="path of the manifest data/sources/<name>.yaml",
        raw="path of the manifest.csv that fetch wrote",
        out="path of the folder to write",
    )
