"""A data set that a user adds: one manifest, one reader, one word. Here, recordings of real instruments."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from etude.audio.clips import read_clips
from etude.config import resolve
from etude.errors import UserError
from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import namespace
from stages.fetch.fetch import fetch
from stages.prepare.prepare import prepare
from stages.prepare.sources.recorded_notes import clips

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "data/sources/recorded_notes.yaml"
SHARED = Path(os.environ.get("ETUDE_SHARED", ROOT.parent / "shared/data")) / "notes-cc0"
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def own_copy(folder: Path, place: Path, **changes) -> Path:
    """The manifest as a user changes it: `place` is where the copy lies."""
    manifest = yaml.safe_load(SOURCE.read_text(encoding="utf-8")) | {"place": str(place)} | changes
    path = folder / "sources" / "recorded_notes.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    return path


def prepared(folder: Path, source: Path) -> list[dict[str, str]]:
    raw = folder / "raw/recorded_notes/manifest.csv"
    fetch(namespace({}), source, "1", raw)
    prepare(namespace(PARAMS["prepare"]), source, raw, folder / "prepared")
    return read_csv(folder / "prepared/index.csv")


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """All 418 recordings, fetched and prepared as the rules do: the folder and its index."""
    if not SHARED.is_dir():
        pytest.skip(f"the recordings are not at {SHARED}; ETUDE_SHARED says where the shared data is")
    folder = tmp_path_factory.mktemp("recorded")
    return folder, prepared(folder, own_copy(folder, SHARED))


def test_every_recording_is_a_clip_or_in_the_ledger(real):
    folder, rows = real
    files = {row["file"] for row in read_csv(SHARED / "index.csv")}
    kept = {Path(row["source"]).name for row in rows}
    dropped = {Path(row["source"]).name: row["rule"] for row in read_csv(folder / "prepared/ledger.csv")}
    assert kept | dropped.keys() == files and not kept & dropped.keys()
    assert set(dropped.values()) == {"remainder"} and len(kept) == 412, (
        "only notes shorter than half a clip are left out"
    )


def test_splits_are_by_instrument_and_every_family_is_trained_on(real):
    instruments = {
        split: {r["instrument"] for r in real[1] if r["split"] == split} for split in ("train", "valid", "test")
    }
    assert [len(names) for names in instruments.values()] == [12, 4, 7]
    assert not instruments["train"] & instruments["test"] and not instruments["valid"] & instruments["test"]
    families = {split: {r["family"] for r in real[1] if r["split"] == split} for split in instruments}
    assert families["test"] <= families["train"] and families["valid"] <= families["train"]


def test_labels_are_those_of_the_recordings(real):
    """The index measured a partial of each: it sounds where pitch and measured cents say, within 10 cents."""
    measured = {row["file"].removesuffix(".flac"): row for row in read_csv(SHARED / "index.csv")}
    folder, rows = real
    labels = {row["clip"]: row for row in rows}
    checked = 0
    for clip, samples in read_clips(folder / "prepared/index.csv", limit=60):
        truth = measured[clip]
        assert labels[clip]["pitch"] == truth["midi"] and labels[clip]["family"] == truth["family"]
        partial = 440 * 2 ** ((int(truth["midi"]) - 69 + float(truth["measured_cents"]) / 100) / 12)
        partial *= int(truth["partial_used"])
        if partial > 7000:
            continue
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 19))
        near = slice(*(int(partial * 2 ** (cents / 1200) * (1 << 19) / 16000) for cents in (-60, 60)))
        found = (near.start + spectrum[near].argmax()) * 16000 / (1 << 19)
        checked += abs(1200 * np.log2(found / partial)) < 10
    assert checked >= 50


def test_the_users_line_in_the_grid_is_all_that_params_need():
    raw = PARAMS | {"grid": PARAMS["grid"] | {"datasets": ["recorded_notes"]}}
    assert resolve(raw, ROOT)["grid"]["datasets"] == ["recorded_notes"]


def test_the_whole_dag_builds_with_it():
    """As a user would: the word in the grid, nothing else. Here, for this run."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", "--cores", "1", "--forceall"]
    command += ["--config", "grid={datasets: [recorded_notes]}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = dict(
        line.split() for line in done.stdout.splitlines() if len(line.split()) == 2 and line.split()[1].isdecimal()
    )
    assert jobs["fetch_dataset"] == jobs["prepare_dataset"] == jobs["train_judge"] == jobs["fad_table"] == "1"
    assert int(jobs["train_system"]) == len(PARAMS["grid"]["systems"]) * len(PARAMS["grid"]["seeds"])


def test_adding_it_takes_a_manifest_and_a_reader_of_forty_lines():
    named = [
        path.relative_to(ROOT).as_posix()
        for folder in ("data/sources", "stages", "etude", "papers")
        for path in sorted((ROOT / folder).rglob("*.*"))
        if path.suffix in (".py", ".smk", ".yaml") and "recorded_notes" in path.read_text(encoding="utf-8")
    ]
    assert named == ["data/sources/recorded_notes.yaml", "stages/prepare/sources/recorded_notes.py"]
    assert len((ROOT / named[1]).read_text().splitlines()) <= 40
    assert "recorded_notes" not in (ROOT / "Snakefile").read_text() + (ROOT / "params.yaml").read_text()


# A copy small enough to write here, and what can be wrong with it.

INDEX = ["file", "instrument", "family", "midi", "dynamic", "seconds", "sample_rate"]
INSTRUMENTS = {"violin": "string", "cello": "string", "harp": "plucked", "sitar": "plucked"}


def small(folder: Path, **changes) -> Path:
    (folder / "flac").mkdir(parents=True)
    rows = []
    for number, (instrument, family) in enumerate(INSTRUMENTS.items()):
        name = f"{instrument}__x.flac"
        time = np.arange(44100) / 44100
        soundfile.write(folder / "flac" / name, 0.5 * np.sin(2 * np.pi * 200 * (number + 1) * time), 44100)
        row = {"file": name, "instrument": instrument, "family": family, "midi": 60 + number, "dynamic": "mf"}
        rows.append(row | {"seconds": 1.0, "sample_rate": 44100} | changes)
    write_csv(folder / "index.csv", rows, INDEX)
    return folder


def test_a_small_copy_is_read_whole(tmp_path):
    rows = [(c.id, c.split, c.group, c.pitch, c.velocity, c.notes()[0].offset) for c in clips(small(tmp_path), None)]
    assert rows == [
        ("violin__x", "train", "violin", 60, 80, 1.0),
        ("sitar__x", "train", "sitar", 63, 80, 1.0),
        ("cello__x", "valid", "cello", 61, 80, 1.0),
        ("harp__x", "test", "harp", 62, 80, 1.0),
    ]


def test_a_copy_that_is_not_there_or_not_whole_is_one_sentence(tmp_path):
    source = own_copy(tmp_path, tmp_path / "nowhere")
    with pytest.raises(
        UserError, match=r"recorded_notes is not at .*nowhere.*: put the folder with index.csv and flac/"
    ):
        prepared(tmp_path, source)
    half = own_copy(tmp_path / "half", small(tmp_path / "copy"))
    with pytest.raises(UserError, match=r"4 files match flac/\*\.flac, 418 expected.*change `place`"):
        prepared(tmp_path / "half", half)


@pytest.mark.parametrize("change", [{"dynamic": "loud"}, {"midi": "C4"}, {"seconds": ""}])
def test_an_index_of_something_else_is_one_sentence(tmp_path, change):
    with pytest.raises(UserError, match=r"index\.csv: not the index of recorded_notes .*; get it again") as caught:
        list(clips(small(tmp_path, **change), None))
    assert "\n" not in str(caught.value)


def test_another_rate_than_the_index_says_is_refused(tmp_path):
    source = own_copy(tmp_path, small(tmp_path / "copy", sample_rate=48000), expect={"index.csv": 1})
    with pytest.raises(UserError, match=r"sample rate 44100 Hz found, 48000 Hz stated"):
        prepared(tmp_path, source)
