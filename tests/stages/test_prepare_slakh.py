"""The Slakh reader on small copies of the real corpora with everything that is odd in them."""

from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile
import yaml

from etude.errors import UserError
from etude.pipeline.files import read_csv
from tests.stages.test_prepare import LENGTH, RATE, ledger, run, tone, write_raw

SECOND = RATE
NOTE = [(60, 0.0, 1.0)]


def stem(inst_class: str = "Piano", **changes) -> dict:
    entry = {
        **{"audio_rendered": True, "inst_class": inst_class, "integrated_loudness": -13.0, "is_drum": False},
        **{"midi_program_name": "Acoustic Grand Piano", "midi_saved": True, "plugin_name": "x.nkm", "program_num": 0},
    }
    return entry | changes


def write_midi(path: Path, notes: list[tuple[int, float, float]]) -> None:
    score = pretty_midi.PrettyMIDI(resolution=960)
    instrument = pretty_midi.Instrument(0)
    instrument.notes = [pretty_midi.Note(90, pitch, start, end) for pitch, start, end in notes]
    score.instruments.append(instrument)
    score.write(str(path))


def track(
    folder: Path, stems: dict[str, tuple[dict, np.ndarray | None, list | None]], suffix: str = ".flac", **metadata
) -> Path:
    """A track: per stem its metadata, its audio (or None: no file) and its notes (or None: no MIDI file)."""
    for name in ("stems", "MIDI"):
        (folder / name).mkdir(parents=True)
    for name, (_, audio, notes) in stems.items():
        if audio is not None:
            soundfile.write(folder / "stems" / f"{name}{suffix}", audio, metadata.pop("rate", RATE), subtype="PCM_16")
        if notes is not None:
            write_midi(folder / "MIDI" / f"{name}.mid", notes)
    everything = {
        "UUID": "1",
        "audio_dir": "stems",
        "lmd_midi_dir": "lmd/x.mid",
        "stems": {k: v[0] for k, v in stems.items()},
    }
    (folder / "metadata.yaml").write_text(yaml.safe_dump(everything | metadata))
    return folder


def redux(root: Path, **splits: dict) -> Path:
    """Redux's folders; splits that are not given get one plain track."""
    base = root / "slakh2100_flac_redux"
    for number, split in enumerate(("train", "validation", "test"), start=1):
        stems = splits.get(split, {"S00": (stem(), tone(100.0 * number, SECOND), NOTE)})
        track(base / split / f"Track{number:05d}", stems)
    return write_raw(root)


def test_stems_are_cut_into_consecutive_chunks(tmp_path: Path):
    sound = np.concatenate([tone(200 + 50 * i, LENGTH) for i in range(3)] + [tone(600, 1000)])
    notes = [(60, 0.0, 0.3), (64, 0.25, 0.5), (67, 0.6, 2.0)]
    raw = redux(tmp_path / "raw", train={"S00": (stem("Guitar", midi_program_name="Jazz Guitar"), sound, notes)})
    rows = [row for row in run(raw, tmp_path / "out", "slakh") if row["split"] == "train"]
    assert [row["clip"] for row in rows] == [f"Track00001-S00-000{i}" for i in range(3)]
    assert [row["start"] for row in rows] == ["0.0", "0.25", "0.5"]
    assert {(row["instrument"], row["family"], row["track"], row["pitch"]) for row in rows} == {
        ("Jazz Guitar", "Guitar", "Track00001", "")
    }
    audio = np.load(tmp_path / "out" / "audio.npy")
    written, _ = soundfile.read(tmp_path / "raw" / rows[0]["source"], dtype="int16")
    np.testing.assert_array_equal(audio[:3].reshape(-1), written[: 3 * LENGTH])
    assert ("slakh2100_flac_redux/train/Track00001/stems/S00.flac", "0.75", "remainder") in ledger(tmp_path / "out")
    found = [
        (row["clip"][-1], int(row["pitch"]), float(row["onset"]), float(row["offset"]))
        for row in read_csv(tmp_path / "out" / "notes.csv")
        if row["clip"].startswith("Track00001")
    ]
    expected = [
        ("0", 60, 0.0, 0.25), ("1", 60, 0.0, 0.05), ("1", 64, 0.0, 0.25), ("2", 67, 0.1, 0.25)
    ]  # fmt: skip
    assert [f[:2] for f in found] == [e[:2] for e in expected]
    np.testing.assert_allclose([f[2:] for f in found], [e[2:] for e in expected], atol=1e-3)


def test_what_cannot_be_used_is_in_the_ledger(tmp_path: Path):
    sound = tone(300, SECOND)
    stems = {
        "S00": (stem(), sound, NOTE),
        "S01": (stem("Drums", is_drum=True, midi_program_name="Drums", program_num=128), tone(50, SECOND), NOTE),
        "S02": (stem("Chromatic Percussion"), tone(310, SECOND), NOTE),
        "S03": (stem("Sound effects"), tone(320, SECOND), NOTE),
        "S04": (stem("Sound Effects", plugin_name="None", audio_rendered=False), None, None),
        "S05": (stem("Reed", plugin_name="None", audio_rendered=False), None, NOTE),
        "S06": (stem("Reed"), tone(330, SECOND), None),
    }
    del stems["S05"][0]["integrated_loudness"]
    raw = redux(tmp_path / "raw", train=stems)
    folder = tmp_path / "raw" / "slakh2100_flac_redux" / "train" / "Track00001"
    write_midi(folder / "MIDI" / "S09.mid", NOTE)
    track(
        tmp_path / "raw" / "slakh2100_flac_redux" / "omitted" / "Track00009", {"S00": (stem(), tone(999, SECOND), NOTE)}
    )
    raw = write_raw(tmp_path / "raw")
    rows = run(raw, tmp_path / "out", "slakh")
    assert {row["source"] for row in rows if row["split"] == "train"} == {
        "slakh2100_flac_redux/train/Track00001/stems/S00.flac"
    }
    base = "slakh2100_flac_redux"
    assert {
        (Path(source).relative_to(base).as_posix(), rule)
        for source, start, rule in ledger(tmp_path / "out")
        if not start
    } == {
        ("train/Track00001/stems/S01.flac", "drum"),
        ("train/Track00001/stems/S02.flac", "banned class"),
        ("train/Track00001/stems/S03.flac", "banned class"),
        ("train/Track00001/stems/S04", "banned class"),
        ("train/Track00001/stems/S05", "not rendered"),
        ("train/Track00001/stems/S06.flac", "no MIDI"),
        ("train/Track00001/MIDI/S09.mid", "not in metadata"),
        ("omitted/Track00009", "omitted"),
    }
    details = {row["source"]: row["detail"] for row in read_csv(tmp_path / "out" / "ledger.csv")}
    assert details[f"{base}/train/Track00001/stems/S05"] == "no audio file; plugin_name is None"


def test_silence_is_dropped_only_where_nothing_is_played(tmp_path: Path):
    sound = np.concatenate([tone(300, LENGTH), np.zeros(2 * LENGTH), 1e-5 * tone(300, LENGTH)])
    raw = redux(tmp_path / "raw", train={"S00": (stem(), sound, [(60, 0.0, 0.2), (60, 0.8, 0.9)])})
    rows = run(raw, tmp_path / "out", "slakh")
    assert [row["start"] for row in rows if row["split"] == "train"] == ["0.0", "0.75"]
    source = "slakh2100_flac_redux/train/Track00001/stems/S00.flac"
    assert [(start, rule) for path, start, rule in ledger(tmp_path / "out") if path == source] == [
        ("0.25", "silence"),
        ("0.5", "silence"),
    ]


def test_a_stem_whose_midi_has_no_notes(tmp_path: Path):
    raw = redux(tmp_path / "raw", train={"S00": (stem(), np.zeros(SECOND), []), "S01": (stem(), tone(310, SECOND), [])})
    rows = run(raw, tmp_path / "out", "slakh")
    assert {row["source"][-8:] for row in rows if row["split"] == "train"} == {"S01.flac"}


def test_bass_sounds_an_octave_below_its_midi(tmp_path: Path):
    stems = {
        "S00": (stem("Bass"), tone(55, SECOND), [(45, 0.0, 1.0)]),
        "S01": (stem(), tone(110, SECOND), [(45, 0.0, 1.0)]),
    }
    raw = redux(tmp_path / "raw", train=stems)
    for octave, expected in ((-12, {"S00": 33, "S01": 45}), (0, {"S00": 45, "S01": 45})):
        run(raw, tmp_path / f"out{octave}", "slakh", bass_octave=octave)
        rows = read_csv(tmp_path / f"out{octave}" / "notes.csv")
        found = {row["clip"].split("-")[1]: int(row["pitch"]) for row in rows if row["clip"].startswith("Track00001")}
        assert found == expected


def test_babyslakh(tmp_path: Path):
    """WAV, no folders of splits (so the original numbers decide), flags false although the files are there, odd
    audio_dir."""
    lies = {"audio_rendered": False, "midi_saved": False}
    for number in (1, 1500, 1501, 1875, 1876, 2100):
        sounding = {"S00": (stem(**lies), tone(100 + number / 10, SECOND), NOTE)}
        track(tmp_path / "raw" / "babyslakh_16k" / f"Track{number:05d}", sounding, ".wav", audio_dir="/Volumes/data/x")
    rows = run(write_raw(tmp_path / "raw"), tmp_path / "out", "slakh")
    splits = {int(row["track"][5:]): row["split"] for row in rows}
    assert splits == {1: "train", 1500: "train", 1501: "valid", 1875: "valid", 1876: "test", 2100: "test"}


def test_known_bad_stems_of_the_real_corpus_only(tmp_path: Path):
    for folder, origin in (("real", "lmd/x.mid"), ("composed", None)):
        raw = tmp_path / folder
        for number, split in ((357, "train"), (1876, "validation"), (1881, "test")):
            stems = {name: (stem(), tone(number + 100 * i, SECOND), NOTE) for i, name in enumerate(("S01", "S03"))}
            track(raw / split / f"Track{number:05d}", stems, lmd_midi_dir=origin)
        run(write_raw(raw), tmp_path / f"out-{folder}", "slakh")
    assert ledger(tmp_path / "out-composed") == []
    assert [(source[-26:], rule) for source, _, rule in ledger(tmp_path / "out-real")] == [
        ("in/Track00357/stems/S03.flac"[-26:], "known bad stem"),
        ("on/Track01876/stems/S01.flac"[-26:], "known bad stem"),
    ]


def test_at_most_so_many_chunks_a_stem(tmp_path: Path):
    raw = redux(tmp_path / "raw")
    rows = run(raw, tmp_path / "out", "slakh", max_chunks_per_stem=1)
    assert len(rows) == 3
    assert {rule for _, _, rule in ledger(tmp_path / "out")} == {"max_chunks_per_stem"}
    assert len(ledger(tmp_path / "out")) == 3 * (SECOND // LENGTH - 1)


def test_random_split_is_by_chunk(tmp_path: Path):
    raw = redux(
        tmp_path / "raw", train={"S00": (stem(), tone(300, 40 * LENGTH) * np.linspace(0.1, 1, 40 * LENGTH), NOTE)}
    )
    rows = run(raw, tmp_path / "out", "slakh", split="random")
    assert len({row["split"] for row in rows if row["track"] == "Track00001"}) == 3


def test_a_track_in_train_and_test_is_refused(tmp_path: Path):
    for split in ("train", "test"):
        track(tmp_path / "raw" / split / "Track00001", {"S00": (stem(), tone(100, SECOND), NOTE)})
    with pytest.raises(UserError, match="Track00001 is in train and in test"):
        run(write_raw(tmp_path / "raw"), tmp_path / "out", "slakh")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stems: [", "not readable as YAML"),
        ("UUID: 1", "has no mapping `stems`"),
        ("stems: {S00: {inst_class: Piano, is_drum: 0}}", "stem S00 has no is_drum of type bool"),
    ],
)
def test_bad_metadata(tmp_path: Path, text: str, sentence: str):
    redux(tmp_path / "raw")
    (tmp_path / "raw" / "slakh2100_flac_redux" / "train" / "Track00001" / "metadata.yaml").write_text(text)
    with pytest.raises(UserError, match=f"Track00001/metadata.yaml: .*{sentence}"):
        run(write_raw(tmp_path / "raw"), tmp_path / "out", "slakh")


def test_bad_midi_and_no_tracks(tmp_path: Path):
    redux(tmp_path / "raw")
    (tmp_path / "raw" / "slakh2100_flac_redux" / "train" / "Track00001" / "MIDI" / "S00.mid").write_bytes(b"MThd no")
    with pytest.raises(UserError, match=r"S00.mid: not readable as MIDI"):
        run(write_raw(tmp_path / "raw"), tmp_path / "out", "slakh")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "readme.txt").write_text("nothing")
    with pytest.raises(UserError, match=r"no TrackNNNNN/metadata.yaml found"):
        run(write_raw(tmp_path / "empty"), tmp_path / "out", "slakh")
