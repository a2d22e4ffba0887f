"""Clips against their sources: what is kept is the same sound, what is not is in the ledger, splits do not leak."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from etude.audio.clips import read_clips
from etude.audio.files import to_int16
from etude.errors import UserError
from etude.pipeline.files import read_csv, sha256_bytes, sha256_file, write_csv
from etude.pipeline.stage import namespace
from stages.prepare.prepare import INDEX, LABELS, LEDGER, NOTES, prepare, random_split, safe_name

ROOT = Path(__file__).parents[2]
RATE, LENGTH = 16000, 4000
SETTINGS = {
    "sample_rate": RATE,
    "chunk_samples": LENGTH,
    "split": "official",
    "loudness": {"rule": "none", "target_db": -1.0, "max_gain_db": 30.0},
    "silence_db": -60.0,
    "remainder": 0.5,
    "max_chunks_per_stem": 0,
    "bass_octave": -12,
}


def tone(hertz: float, samples: int = 6000, rate: int = RATE, amplitude: float = 0.5) -> np.ndarray:
    """A tone that dies away slowly, so that no two parts of it are the same."""
    time = np.arange(samples) / rate
    return amplitude * np.sin(2 * np.pi * hertz * time) * np.exp(-0.1 * time)


def write_raw(raw: Path) -> Path:
    """The manifest that fetch would write for the files below ``raw``."""
    rows = [
        {"path": path.relative_to(raw).as_posix(), "bytes": path.stat().st_size, "sha256": sha256_file(path)}
        for path in sorted(raw.rglob("*"))
        if path.is_file() and path.name != "manifest.csv"
    ]
    write_csv(raw / "manifest.csv", rows, ["path", "bytes", "sha256"])
    return raw / "manifest.csv"


def note_entry(name: str, **changes) -> dict:
    instrument, pitch, velocity = name.rsplit("-", 2)
    family, source, _ = instrument.rsplit("_", 2)
    entry = {
        **{"note": 1, "note_str": name, "instrument": 7, "instrument_str": instrument, "pitch": int(pitch)},
        **{"velocity": int(velocity), "sample_rate": RATE, "qualities": [0] * 10, "qualities_str": []},
        **{
            "instrument_family": 0,
            "instrument_family_str": family,
            "instrument_source": 0,
            "instrument_source_str": source,
        },
    }
    return entry | changes


def nsynth(raw: Path, splits: dict[str, dict[str, np.ndarray]], rate: int = RATE, **changes) -> Path:
    """A data set in NSynth's form; its manifest."""
    for split in ("train", "valid", "test"):
        audio = raw / f"nsynth-{split}" / "audio"
        audio.mkdir(parents=True)
        notes = splits.get(split, {f"{split}_acoustic_999-100-050": tone(1000 + ord(split[1]))})
        for name, sound in notes.items():
            soundfile.write(audio / f"{name}.wav", to_int16(sound), rate)
        entries = {name: note_entry(name, **changes) for name in notes}
        (audio.parent / "examples.json").write_text(json.dumps(entries))
    return write_raw(raw)


def run(raw: Path, out: Path, source: str = "nsynth", **changes) -> list[dict[str, str]]:
    prepare(namespace(SETTINGS | changes), ROOT / "data" / "sources" / f"{source}.yaml", raw, out)
    return read_csv(out / "index.csv")


def ledger(out: Path) -> list[tuple[str, str, str]]:
    return [(row["source"], row["start"], row["rule"]) for row in read_csv(out / "ledger.csv")]


def test_a_clip_is_the_first_chunk_of_its_note(tmp_path: Path):
    sounds = {"bass_acoustic_001-040-025": tone(82.4), "bass_acoustic_001-041-050": tone(87.3)}
    raw = nsynth(tmp_path / "raw", {"train": sounds})
    rows = run(raw, tmp_path / "out")
    audio = np.load(tmp_path / "out" / "audio.npy", mmap_mode="r")
    assert audio.dtype == np.int16 and audio.shape == (4, LENGTH)
    assert list(rows[0]) == INDEX + LABELS
    assert [(row["split"], int(row["row"])) for row in rows] == [("train", 0), ("train", 1), ("valid", 2), ("test", 3)]
    for row, (name, sound) in zip(rows, sounds.items(), strict=False):
        np.testing.assert_array_equal(audio[int(row["row"])], to_int16(sound)[:LENGTH])
        assert row["clip"] == name and row["sha256"] == sha256_bytes(audio[int(row["row"])].tobytes())
        assert (row["start"], row["seconds"], row["track"]) == ("0.0", "0.25", "")
        assert (row["instrument"], row["family"]) == ("bass_acoustic_001", "bass")
        assert f"{int(row['pitch']):03d}-{int(row['velocity']):03d}" == name[-7:]
        assert (raw.parent / row["source"]).is_file()
    assert ledger(tmp_path / "out") == []
    notes = read_csv(tmp_path / "out" / "notes.csv")
    assert list(notes[0]) == NOTES
    assert notes[0] == {
        "clip": "bass_acoustic_001-040-025",
        "pitch": "40",
        "onset": "0.0",
        "offset": "0.25",
        "velocity": "25",
    }
    protocol = json.loads((tmp_path / "out" / "protocol.json").read_text())
    assert protocol["clips"] == {"train": 2, "valid": 1, "test": 1}
    assert (protocol["sample_rate"], protocol["resampler"], protocol["split"]) == (RATE, "soxr VHQ", "official")


def test_the_rest_of_the_pipeline_reads_it(tmp_path: Path):
    run(nsynth(tmp_path / "raw", {}), tmp_path / "out")
    assert [clip for clip, _ in read_clips(tmp_path / "out" / "index.csv", "test")] == ["test_acoustic_999-100-050"]


def test_a_held_note_ends_after_three_seconds(tmp_path: Path):
    raw = nsynth(tmp_path / "raw", {"train": {"bass_acoustic_001-040-025": tone(82.4, 64000)}})
    run(raw, tmp_path / "out", chunk_samples=60000, remainder=0.0)
    notes = {row["clip"]: row for row in read_csv(tmp_path / "out" / "notes.csv")}
    assert notes["bass_acoustic_001-040-025"]["offset"] == "3.0"


def test_the_same_bytes_every_time(tmp_path: Path):
    raw = nsynth(tmp_path / "raw", {})
    for name in ("a", "b"):
        run(raw, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        *("index.csv", "audio.npy", "notes.csv", "ledger.csv", "protocol.json")
    }


def test_peak_rule_is_one_gain_a_file_with_a_limit(tmp_path: Path):
    loud, quiet = tone(300, amplitude=0.25), tone(400, amplitude=1e-3)
    raw = nsynth(tmp_path / "raw", {"train": {"bass_acoustic_001-040-025": loud, "bass_acoustic_001-041-025": quiet}})
    run(raw, tmp_path / "out", loudness={"rule": "peak", "target_db": -6.0, "max_gain_db": 20.0})
    audio = np.load(tmp_path / "out" / "audio.npy")
    assert np.abs(audio[0]).max() / 32768 == pytest.approx(10 ** (-6 / 20), rel=1e-3)
    assert np.abs(audio[1]).max() / 32768 == pytest.approx(1e-2, rel=0.03)
    correlation = np.corrcoef(audio[0], loud[:LENGTH])[0, 1]
    assert correlation > 0.99999


def test_stereo_is_averaged_and_other_rates_are_resampled(tmp_path: Path):
    left, right = tone(440, 18000, 48000, 0.6), tone(440, 18000, 48000, 0.2)
    sounds = {"bass_acoustic_001-069-025": np.stack([left, right], axis=1)}
    raw = nsynth(
        tmp_path / "raw",
        {"train": sounds, "valid": {"a_b_1-1-1": left}, "test": {"c_d_1-1-1": left}},
        48000,
        sample_rate=48000,
    )
    run(raw, tmp_path / "out")
    clip = np.load(tmp_path / "out" / "audio.npy")[0] / 32768
    inner = slice(500, LENGTH - 500)
    np.testing.assert_allclose(clip[inner], tone(440, LENGTH, RATE, 0.4)[inner], atol=2e-3)


def test_silent_notes_are_in_the_ledger(tmp_path: Path):
    sounds = {"bass_acoustic_001-040-025": tone(82.4), "bass_acoustic_001-041-025": np.zeros(6000)}
    rows = run(nsynth(tmp_path / "raw", {"train": sounds}), tmp_path / "out")
    assert len(rows) == 3
    assert ledger(tmp_path / "out") == [("nsynth-train/audio/bass_acoustic_001-041-025.wav", "0.0", "silence")]
    assert list(read_csv(tmp_path / "out" / "ledger.csv")[0]) == LEDGER


def test_too_short_notes_are_padded_or_in_the_ledger(tmp_path: Path):
    sounds = {"bass_acoustic_001-040-025": tone(82.4, 2500), "bass_acoustic_001-041-025": tone(87.3, 1500)}
    rows = run(nsynth(tmp_path / "raw", {"train": sounds}), tmp_path / "out")
    assert ledger(tmp_path / "out") == [("nsynth-train/audio/bass_acoustic_001-041-025.wav", "0.0", "remainder")]
    clip = np.load(tmp_path / "out" / "audio.npy")[0]
    assert rows[0]["seconds"] == str(2500 / RATE)
    assert clip[2500:].any() == False and clip[:2500].any()  # noqa: E712


def test_duplicates_go_train_first(tmp_path: Path):
    same, other = tone(82.4), tone(120.0)
    splits = {
        "train": {
            "bass_acoustic_001-040-025": same,
            "bass_acoustic_001-041-025": other,
            "bass_acoustic_001-042-025": other,
        },
        "valid": {"bass_acoustic_002-040-025": tone(200.0)},
        "test": {"bass_acoustic_002-043-025": same, "bass_acoustic_002-044-025": tone(300.0)},
    }
    rows = run(nsynth(tmp_path / "raw", splits), tmp_path / "out")
    assert [row["clip"][-11:] for row in rows] == ["001-040-025", "001-041-025", "002-040-025", "002-044-025"]
    assert ledger(tmp_path / "out") == [
        ("nsynth-test/audio/bass_acoustic_002-043-025.wav", "0.0", "duplicate"),
        ("nsynth-train/audio/bass_acoustic_001-042-025.wav", "0.0", "duplicate"),
    ]
    assert len({row["sha256"] for row in rows}) == len(rows)
    audio = np.load(tmp_path / "out" / "audio.npy")
    for row in rows:
        assert sha256_bytes(audio[int(row["row"])].tobytes()) == row["sha256"]
    assert {row["clip"] for row in read_csv(tmp_path / "out" / "notes.csv")} == {row["clip"] for row in rows}


def test_an_instrument_in_train_and_test_is_refused_unless_the_split_is_random(tmp_path: Path):
    splits = {"train": {"bass_acoustic_001-040-025": tone(82)}, "test": {"bass_acoustic_001-041-025": tone(87)}}
    raw = nsynth(tmp_path / "raw", splits)
    with pytest.raises(UserError, match="nsynth: bass_acoustic_001 is in train and in test"):
        run(raw, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert len(run(raw, tmp_path / "out", split="random")) == 3
    assert "both sides" in json.loads((tmp_path / "out" / "protocol.json").read_text())["split_rule"]


def test_valid_and_test_may_share_instruments(tmp_path: Path):
    splits = {"valid": {"bass_acoustic_001-040-025": tone(82)}, "test": {"bass_acoustic_001-041-025": tone(87)}}
    assert len(run(nsynth(tmp_path / "raw", splits), tmp_path / "out")) == 3


def test_random_split_is_eighty_ten_ten_and_depends_on_the_name_alone():
    splits = [random_split(f"clip-{i}") for i in range(10_000)]
    shares = [splits.count(split) / len(splits) for split in ("train", "valid", "test")]
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=0.015)
    assert random_split("clip-0") == random_split("clip-0")


def test_names_outside_ascii(tmp_path: Path):
    splits = {"train": {"Flöte_акустика_001-040-025": tone(82), "Flote_акустика_001-040-025": tone(90)}}
    rows = run(nsynth(tmp_path / "raw", splits), tmp_path / "out")
    clips = [row["clip"] for row in rows if row["split"] == "train"]
    assert len(set(clips)) == 2 and all(clip.isascii() and "/" not in clip for clip in clips)
    assert {row["source"] for row in rows} >= {f"nsynth-train/audio/{name}.wav" for name in splits["train"]}


@given(st.text(min_size=1))
def test_safe_names_are_safe_and_distinct(name: str):
    safe = safe_name(name)
    assert safe and set(safe) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
    assert not safe.startswith(".") and safe == safe_name(name)
    if safe != name:
        assert safe_name(name + "x") != safe


# Bad input.


def broken_note(raw: Path, damage) -> Path:
    manifest = nsynth(raw, {"train": {"bass_acoustic_001-040-025": tone(82.4)}})
    damage(raw / "nsynth-train" / "audio" / "bass_acoustic_001-040-025.wav")
    return write_raw(raw) if manifest else manifest


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def fill_with_nan(path: Path) -> None:
    soundfile.write(path, np.full(6000, np.nan), RATE, subtype="FLOAT")


def empty(path: Path) -> None:
    soundfile.write(path, np.zeros(0), RATE)


def garble(path: Path) -> None:
    path.write_bytes(b"RIFF nothing of the kind")


def other_rate(path: Path) -> None:
    soundfile.write(path, tone(82.4), 22050)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (truncate, "truncated"),
        (fill_with_nan, "6000 samples are NaN"),
        (empty, "holds no samples"),
        (garble, "not readable as audio"),
        (other_rate, "sample rate 22050 Hz found, 16000 Hz stated"),
    ],
)
def test_a_bad_wav_is_refused_by_name(tmp_path: Path, damage, sentence: str):
    raw = broken_note(tmp_path / "raw", damage)
    with pytest.raises(UserError, match=rf"bass_acoustic_001-040-025.wav: .*{sentence}"):
        run(raw, tmp_path / "out")
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))


def test_examples_without_wav_and_wavs_without_example(tmp_path: Path):
    raw = nsynth(
        tmp_path / "raw", {"train": {"bass_acoustic_001-040-025": tone(82), "bass_acoustic_001-041-025": tone(87)}}
    )
    wav = raw.parent / "nsynth-train" / "audio" / "bass_acoustic_001-040-025.wav"
    data = wav.read_bytes()
    wav.unlink()
    with pytest.raises(UserError, match=r"listed in .*manifest.csv and not there"):
        run(raw, tmp_path / "out")
    write_raw(raw.parent)
    with pytest.raises(UserError, match=r"1 notes of .*examples.json have no WAV file.*'bass_acoustic_001-040-025'"):
        run(raw, tmp_path / "out")
    wav.write_bytes(data)
    wav.with_name("stray.wav").write_bytes(data)
    write_raw(raw.parent)
    with pytest.raises(UserError, match=r"1 WAV files in .* are not in .*examples.json, the first is 'stray'"):
        run(raw, tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not valid JSON"),
        ("{}", "holds no notes"),
        ("[1]", "holds no notes"),
        (json.dumps({"x": {"note_str": "x"}}), "note 'x' has no instrument_str of type str"),
        (json.dumps({"x": note_entry("a_b_1-1-1")}), "entry 'x' has note_str 'a_b_1-1-1'"),
        (json.dumps({"a_b_1-1-1": note_entry("a_b_1-1-1", pitch="60")}), "has no pitch of type int"),
    ],
)
def test_bad_examples_json(tmp_path: Path, text: str, sentence: str):
    raw = nsynth(tmp_path / "raw", {})
    (raw.parent / "nsynth-train" / "examples.json").write_text(text)
    write_raw(raw.parent)
    with pytest.raises(UserError, match=sentence):
        run(raw, tmp_path / "out")


def test_changed_or_missing_or_empty_raw_data(tmp_path: Path):
    raw = nsynth(tmp_path / "raw", {})
    with pytest.raises(UserError, match="not found; fetch the data set first"):
        run(tmp_path / "nowhere" / "manifest.csv", tmp_path / "out")
    path = raw.parent / "nsynth-test" / "examples.json"
    path.write_text(path.read_text() + " ")
    with pytest.raises(UserError, match=r"examples.json: .* bytes found, .* when it was fetched"):
        run(raw, tmp_path / "out")
    write_csv(raw, [], ["path", "bytes", "sha256"])
    with pytest.raises(UserError, match="the data set is empty"):
        run(raw, tmp_path / "out")


def test_a_missing_split(tmp_path: Path):
    raw = nsynth(tmp_path / "raw", {})
    (raw.parent / "nsynth-valid").rename(raw.parent / "nsynth-vaild")
    write_raw(raw.parent)
    with pytest.raises(UserError, match="0 folders nsynth-valid"):
        run(raw, tmp_path / "out")


def test_everything_silent(tmp_path: Path):
    silent = {split: {f"{split}_b_1-1-1": np.zeros(6000)} for split in ("train", "valid", "test")}
    with pytest.raises(UserError, match=r"every clip of nsynth was dropped \(3 silence\)"):
        run(nsynth(tmp_path / "raw", silent), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"split": "instrument"}, "prepare.split is 'instrument'; it may be official or random"),
        ({"chunk_samples": 0}, "prepare.chunk_samples 0"),
        ({"loudness": {"rule": "lufs"}}, "prepare.loudness.rule is 'lufs'"),
    ],
)
def test_bad_settings(tmp_path: Path, changes: dict, sentence: str):
    with pytest.raises(UserError, match=sentence):
        run(nsynth(tmp_path / "raw", {}), tmp_path / "out", **changes)


def test_command_line(tmp_path: Path):
    raw = nsynth(tmp_path / "raw", {})
    command = [sys.executable, "-m", "stages.prepare.prepare", "--settings", json.dumps(SETTINGS), "--raw", str(raw)]
    command += ["--source", "data/sources/nsynth.yaml", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "nsynth: 3 clips (1 train, 1 valid, 1 test); dropped: nothing\n"), (
        done.stderr
    )
    (raw.parent / "nsynth-test" / "examples.json").unlink()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and "Traceback" not in done.stderr


def test_unknown_reader(tmp_path: Path):
    source = tmp_path / "nsynth.yaml"
    source.write_text(
        (ROOT / "data" / "sources" / "nsynth.yaml").read_text().replace("reader: nsynth", "reader: nobody")
    )
    raw = nsynth(tmp_path / "raw", {})
    with pytest.raises(UserError, match="no reader 'nobody'"):
        prepare(SimpleNamespace(**vars(namespace(SETTINGS))), source, raw, tmp_path / "out")


def test_csv_is_plain(tmp_path: Path):
    run(nsynth(tmp_path / "raw", {}), tmp_path / "out")
    text = (tmp_path / "out" / "index.csv").read_bytes()
    assert b"\r" not in text and len(list(csv.reader(text.decode().splitlines()))) == 4
