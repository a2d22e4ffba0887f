"""The sounds of a page: a few clips of every set, the same in all sets, as files beside the page, with a picture each.

What a set holds is copied byte for byte, so that what one hears is what was judged; clips of a prepared data set, which
lie in an array, are written as FLAC (that every browser of today plays). Points of UMAPs are many and sound as MP3.

index.csv: group, label (column of the page), item (line of the page), clip, words (what it is), file, picture, seconds,
and of clips that were played under controls (:mod:`stages.report.control_lines`) lines, a path of SVG by the control's
name as JSON, and told, the same in words. The points are a group of their own, "points".
"""

import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from etude.audio.clips import id_hash, protocol, sample, sample_rate
from etude.audio.files import read_audio, to_float, write_audio
from etude.controls.file import read_controls
from etude.controls.tracks import FREE, control_features
from etude.errors import UserError
from etude.pipeline.files import atomic_folder, read_csv, sha256_file, write_csv
from etude.pipeline.stage import run_stage
from etude.systems.format import Format
from stages.report import control_lines
from stages.report.note_names import pitch_name
from stages.report.spectrogram import picture

COLUMNS = ["group", "label", "item", "clip", "words", "file", "picture", "seconds", "lines", "told"]
NO_CONTROLS = {"lines": "", "told": ""}
POINTS = "points"
MP3 = {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT", "compression_level": 0.8}
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)

Row = dict[str, str]


def main(settings, prepared: Path, out: Path) -> None:
    originals = Originals(prepared)
    with atomic_folder(out.parent) as folder:
        rows = [
            row
            for number, group in enumerate(settings.groups)
            for row in group_rows(group, f"{number + 1}", settings.clips, originals, folder)
        ]
        rows += point_rows([Path(path) for path in settings.points], settings.sounding, originals, folder)
        write_csv(folder / out.name, rows, COLUMNS)


class Originals:
    """The clips of a prepared data set, by name."""

    def __init__(self, index: Path) -> None:
        self.rows = {row["clip"]: row for row in read_csv(index)}
        self.rate = sample_rate(index)
        self._audio = np.load(index.parent / "audio.npy", mmap_mode="r")
        self._index = index

    def sound(self, clip: str) -> np.ndarray:
        """float32 [samples]."""
        if clip not in self.rows:
            raise UserError(f"{self._index}: has no clip {clip!r}, which another index names; make that set again")
        return to_float(self._audio[int(self.rows[clip]["row"])])

    def words(self, clip: str) -> str:
        """What ``clip`` is, as far as its labels tell: ``Oboe``, ``bass acoustic 032, C2``; else its name."""
        row = self.rows.get(clip, {})
        name = row.get("instrument", "").replace("_", " ").strip()
        return ", ".join(filter(None, [name, pitch_name(row.get("pitch", ""))])) or clip


class Controls:
    """What the clips of sets were played under: ``where`` is the group's `controls`."""

    def __init__(self, where: dict[str, str]) -> None:
        self.format = Format.load(Path(where["format"]))
        self.rows = {row["clip"]: int(row["row"]) for row in _index(where["format"])}
        self.tracks = np.load(self.format.folder / "controls.npy", mmap_mode="r")
        self.files = Path(where["files"]) if "files" in where else None

    def of(self, clip: str, folder: str, seconds: float) -> dict[str, str]:
        """Columns lines and told of ``clip`` of the set in ``folder``, without what the set left free."""
        form = self.format
        if self.files:
            path = self.files / f"{clip}.csv"
            tracks = read_controls(path, form.controls, form.frames_per_second, centre=form.centre)
        elif clip in self.rows:
            tracks = np.array(self.tracks[self.rows[clip]], np.float32)
        else:
            raise UserError(f"{form.folder}: has no controls of clip {clip!r} of {folder}; make that set again")
        tracks = tracks[:, : round(seconds * form.frames_per_second)]
        for feature in protocol(Path(folder) / "index.csv").get("settings", {}).get("free", []):
            tracks[control_features(form.controls)[feature]] = FREE
        drawn = control_lines.lines(tracks, form.controls, form.frames_per_second, form.centre, seconds)
        return {"lines": json.dumps(drawn), "told": control_lines.told(tracks, form.controls)}


def chosen(group: dict[str, Any], number: int) -> list[Row]:
    """``number`` clips that all sets of ``group`` have, first by the hash of their names: rows of the first set's
    index."""
    indices = [
        [row for row in _index(one["folder"]) if all(row.get(key) == text for key, text in group["where"].items())]
        for one in group["sets"]
    ]
    common = set.intersection(*({row["clip"] for row in rows} for rows in indices)) if indices else set()
    if not common:
        where = ", ".join(one["folder"] for one in group["sets"])
        raise UserError(f"{where}: these sets share no clip to listen to; make them again")
    names = sample(common, group.get("clips", number) or len(common))
    return sorted((row for row in indices[0] if row["clip"] in names), key=lambda row: id_hash(row["clip"]))


def group_rows(
    group: dict[str, Any], number: str, clips: int, originals: Originals, folder: Path
) -> Iterator[dict[str, Any]]:
    """Rows of the index for one group; writes its files below ``folder``."""
    controls = Controls(group["controls"]) if "controls" in group else None
    for row in chosen(group, clips):
        for label, column in group["originals"].items():
            clip = row[column]
            name = f"original/{clip}"
            _write(folder / f"{name}.flac", originals.sound(clip), originals.rate)
            yield _row(number, label, row["clip"], clip, originals.words(clip), name, folder)
        for one in group["sets"]:
            source = Path(one["folder"]) / _file(one["folder"], row["clip"])
            name = f"{_slug(one['folder'])}/{row['clip']}"
            _copy(source, folder / f"{name}.flac")
            made = _row(number, one["label"], row["clip"], row["clip"], originals.words(row["clip"]), name, folder)
            yield made | (controls.of(row["clip"], one["folder"], float(made["seconds"])) if controls else {})


def point_rows(tables: Iterable[Path], number: int, originals: Originals, folder: Path) -> Iterator[dict[str, Any]]:
    """Rows for ``number`` of the points in ``tables``, the same in all."""
    names = {row["clip"] for table in tables for row in read_csv(table)}
    for clip in sorted(sample(names, number)):
        sound, path = originals.sound(clip), folder / POINTS / f"{clip}.mp3"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mp3(sound, originals.rate))
        yield {
            **{"group": POINTS, "label": "", "item": clip, "clip": clip, "words": originals.words(clip)},
            **{"file": f"{POINTS}/{clip}.mp3", "picture": "", "seconds": f"{len(sound) / originals.rate:.3f}"},
            **NO_CONTROLS,
        }


def mp3(audio: np.ndarray, rate: int) -> bytes:
    """``audio`` [samples] as MP3, at its own rate if the format has it."""
    if rate not in MP3_RATES:
        import soxr

        target = min(other for other in MP3_RATES if other >= min(rate, MP3_RATES[-1]))
        audio, rate = soxr.resample(audio, rate, target), target
    file = io.BytesIO()
    soundfile.write(file, np.clip(audio, -1, 1), rate, **MP3)
    return file.getvalue()


def _row(group: str, label: str, item: str, clip: str, words: str, name: str, folder: Path) -> dict[str, Any]:
    sound, rate = read_audio(folder / f"{name}.flac")
    drawn = folder / f"{name}.webp"
    if not drawn.exists():
        drawn.write_bytes(picture(sound.mean(axis=1), rate))
    return {
        **{"group": group, "label": label, "item": item, "clip": clip, "words": words},
        **{"file": f"{name}.flac", "picture": f"{name}.webp", "seconds": f"{len(sound) / rate:.3f}"},
        **NO_CONTROLS,
    }


def _write(path: Path, audio: np.ndarray, rate: int) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_audio(path, audio, rate)


def _copy(source: Path, target: Path) -> None:
    """Byte for byte; ``UserError`` if ``source`` is not what its index was written for."""
    known = {row["file"]: row["sha256"] for row in _index(str(source.parent))}
    if not source.exists() or sha256_file(source) != known[source.name]:
        raise UserError(f"{source}: missing, or changed after its index was written; make the set again")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


def _index(folder: str) -> list[Row]:
    return read_csv(Path(folder) / "index.csv")


def _file(folder: str, clip: str) -> str:
    return next(row["file"] for row in _index(folder) if row["clip"] == clip)


def _slug(folder: str) -> str:
    """data/generated/gm_notes/spectral/hdae/0 -> generated-gm_notes-spectral-hdae-0"""
    parts = Path(folder).parts
    return "-".join(parts[parts.index("data") + 1 :])


if __name__ == "__main__":
    run_stage(
        main,
        prepared="path of the prepared data set's index.csv",
        out="path of the index.csv to write; its folder is emptied first",
    )
