"""Melodies from MIDI, any folder as a user has it: what is wrong is in the ledger, what is heard is what is written."""

import json
import os
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import librosa
import numpy as np
import pretty_midi
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from etude.audio.clips import read_clips
from etude.config import prepare_settings, resolve
from etude.embeddings import plugin
from etude.errors import UserError
from etude.midi.read import read_midi
from etude.pipeline.files import read_csv
from etude.pipeline.stage import namespace
from stages.fetch.fetch import fetch
from stages.prepare.clip import Clip, Dropped
from stages.prepare.prepare import prepare
from stages.prepare.sources.melodies import clips
from tests.stages.test_prepare import write_raw

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("ETUDE_SHARED", ROOT.parent / "shared/data"))
RAW = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
PARAMS = resolve(RAW | {"scale": "smoke"}, ROOT)
SECONDS = 8.0
ALL = {"train": 0, "valid": 0, "test": 0}


def reading(dataset: str = "gm_melodies", **changes):
    """The settings of the reader, as the rule gives them; of some keys the test's own."""
    return namespace(prepare_settings(PARAMS["prepare"], dataset, "melodies") | changes)


def write_midi(path: Path, *tracks: list[tuple[int, float, float]], drums: bool = False) -> Path:
    score = pretty_midi.PrettyMIDI(resolution=480)
    for notes in tracks:
        instrument = pretty_midi.Instrument(0, is_drum=drums)
        instrument.notes = [pretty_midi.Note(90, pitch, start, end) for pitch, start, end in notes]
        score.instruments.append(instrument)
    path.parent.mkdir(parents=True, exist_ok=True)
    score.write(str(path))
    return path


def tune(first: int, seconds: float = 8.0) -> list[tuple[int, float, float]]:
    """Two notes a second, up to seven semitones above ``first``; another melody for every ``first``."""
    steps = Random(first).choices(range(8), k=int(2 * seconds))
    return [(first + step, i / 2, i / 2 + 0.45) for i, step in enumerate(steps)]


def read(raw: Path, **changes) -> tuple[list[Clip], list[Dropped]]:
    write_raw(raw)
    items = list(clips(raw, reading(**changes)))
    return [i for i in items if isinstance(i, Clip)], [i for i in items if isinstance(i, Dropped)]


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> Path:
    """gm_melodies at the scale `smoke`, fetched and prepared as the rules do."""
    folder = tmp_path_factory.mktemp("melodies")
    source = ROOT / "data/sources/gm_melodies.yaml"
    fetch(namespace(PARAMS["fetch"]["gm_melodies"]), source, "1", folder / "raw/manifest.csv")
    prepare(reading(), source, folder / "raw/manifest.csv", folder / "prepared")
    return folder


def notes_by_clip(index: Path) -> dict[str, list[tuple[int, float, float, int]]]:
    notes = {row["clip"]: [] for row in read_csv(index)}
    for row in read_csv(index.parent / "notes.csv"):
        notes[row["clip"]].append((int(row["pitch"]), float(row["onset"]), float(row["offset"]), int(row["velocity"])))
    return notes


def test_clips_are_melodies_in_range_and_splits_share_no_file(smoke):
    rows = read_csv(smoke / "prepared/index.csv")
    assert Counter(row["split"] for row in rows) == PARAMS["prepare"]["readers"]["melodies"]["clips"]
    files = {split: {r["source"] for r in rows if r["split"] == split} for split in ALL}
    assert not files["train"] & files["valid"] | files["train"] & files["test"] | files["valid"] & files["test"]
    for notes in notes_by_clip(smoke / "prepared/index.csv").values():
        assert len(notes) >= 4 and all(48 <= note[0] <= 72 and 1 <= note[3] <= 127 for note in notes)
        assert all(a[2] <= b[1] + 1e-6 for a, b in pairwise(notes)), "one note at a time"
        assert notes[0][1] >= 0 and notes[-1][2] <= SECONDS
    assert np.load(smoke / "prepared/audio.npy", mmap_mode="r").shape == (len(rows), 192000)
    assert {row["instrument"]: row["family"] for row in rows} == {
        "piano": "Piano", "violin": "Strings", "trumpet": "Brass"
    }  # fmt: skip


def test_the_protocol_says_how_and_in_which_order_the_instruments_are(smoke):
    protocol = json.loads((smoke / "prepared/protocol.json").read_text())
    assert protocol["instruments"] == ["piano", "violin", "trumpet"] and protocol["sample_rate"] == 24000
    assert protocol["melodies"]["monophony"] == "skyline" and protocol["soundfont"]["name"] == "TimGM6mb.sf2"


def test_every_window_is_a_clip_or_in_the_ledger(smoke):
    """Windows lie one after another from a file's first note; a place is used once."""
    places = [(r["source"], float(r["start"])) for r in read_csv(smoke / "prepared/index.csv")]
    places += [(r["source"], float(r["start"])) for r in read_csv(smoke / "prepared/ledger.csv") if r["start"]]
    whole = {r["source"] for r in read_csv(smoke / "prepared/ledger.csv") if not r["start"]}
    assert len(set(places)) == len(places)
    assert {source for source, _ in places} | whole == {f"piece{i:05d}.mid" for i in range(32)}
    for source in {source for source, _ in places}:
        starts = sorted(start for name, start in places if name == source)
        np.testing.assert_allclose(np.diff(starts), SECONDS, atol=2e-6)


def test_instruments_are_drawn_evenly(smoke):
    found = list(clips(smoke / "raw", reading(clips=namespace(ALL), clips_per_file=0)))
    counts = Counter(item.instrument for item in found if isinstance(item, Clip))
    assert sum(counts.values()) >= 60 and chisquare([counts[k] for k in ("piano", "violin", "trumpet")]).pvalue > 0.01


def test_what_sounds_is_what_is_written(smoke):
    """pYIN on one clip of each instrument: on 95 % of its voiced frames within notes, f0 is the note's, by 30 cents."""
    index = smoke / "prepared/index.csv"
    notes, instrument = notes_by_clip(index), {row["clip"]: row["instrument"] for row in read_csv(index)}
    heard = set()
    for clip, samples in read_clips(index):
        if instrument[clip] in heard:
            continue
        heard.add(instrument[clip])
        f0, voiced, _ = librosa.pyin(samples, fmin=120, fmax=560, sr=24000, frame_length=2048, hop_length=480)
        time = np.arange(len(f0)) * 480 / 24000
        pitch = np.full(len(f0), np.nan)
        for note, onset, offset, _ in notes[clip]:  # half a window after an onset, the note before has left it
            pitch[(time >= onset + 0.05) & (time < offset - 0.03)] = note
        used = voiced & ~np.isnan(pitch)
        cents = 1200 * np.log2(f0[used] / 440) - 100 * (pitch[used] - 69)
        assert used.sum() > 0.6 * (~np.isnan(pitch)).sum() and np.mean(np.abs(cents) <= 30) >= 0.95, instrument[clip]
    assert heard == {"piano", "violin", "trumpet"}


def test_levels_are_sound_and_follow_velocity(smoke):
    index = smoke / "prepared/index.csv"
    notes = notes_by_clip(index)
    loud, soft = [], []
    for clip, samples in read_clips(index):
        assert 0.02 < np.abs(samples).max() < 0.999
        for _, onset, _, velocity in notes[clip]:
            attack = samples[round(onset * 24000) : round((onset + 0.2) * 24000)]
            (loud if velocity > 110 else soft if velocity < 60 else []).append(float(np.sqrt(np.mean(attack**2))))
    assert np.median(loud) > 2.5 * np.median(soft), "a factor of two in velocity is a factor of four at FluidSynth"


def test_a_clip_depends_on_its_file_alone(tmp_path):
    for i in range(6):
        write_midi(tmp_path / "one" / f"t{i}.mid", tune(50 + i))
        write_midi(tmp_path / "two" / "deeper" / f"t{i}.mid", tune(50 + i))
    write_midi(tmp_path / "two" / "other.mid", tune(70))
    first, second = ({c.id: c for c in read(tmp_path / name)[0]} for name in ("one", "two"))
    assert len(first) == 6 and first.keys() < second.keys()
    for name, clip in first.items():
        assert clip.notes() == second[name].notes() and clip.instrument == second[name].instrument
    clip = first["t0-0000"]
    (sound, rate), (again, _) = clip.samples(), second["t0-0000"].samples()
    assert rate == 24000 and sound.shape == (192000, 1) and np.array_equal(sound, again)


def test_the_same_music_is_in_one_split_only(tmp_path):
    """A tune in two arrangements, and a phrase that comes twice: the second time it is listed."""
    for i in range(8):
        write_midi(tmp_path / f"alone{i}.mid", tune(60 + i))
        low = [(30 + i, t, t + 1.0) for t in range(8)]
        write_midi(tmp_path / f"accompanied{i}.mid", low, tune(60 + i))
    write_midi(tmp_path / "twice.mid", tune(61) + [(p, a + 8, b + 8) for p, a, b in tune(61)])
    (tmp_path / "copy.mid").write_bytes((tmp_path / "alone3.mid").read_bytes())
    found, dropped = read(tmp_path)
    music = Counter(tuple(note[:3] for note in clip.notes()) for clip in found)
    assert len(music) == 8 == len(found)
    assert Counter(item.rule for item in dropped) == {"repeated": 10, "duplicate": 1}


def bad_files(folder: Path) -> dict[str, str]:
    """Files with which something is wrong, by the rule that drops them."""
    good = write_midi(folder / "cut.mid", tune(60)).read_bytes()
    (folder / "cut.mid").write_bytes(good[: len(good) // 2])
    (folder / "nothing.mid").write_bytes(b"")
    (folder / "noise.mid").write_bytes(bytes(range(256)) * 4)
    (folder / "long.MID").write_bytes(
        write_midi(folder / "x.mid", [(60, i * 40, i * 40 + 1) for i in range(100)]).read_bytes()
    )
    (folder / "x.mid").unlink()
    write_midi(folder / "drums.mid", tune(40), drums=True)
    write_midi(folder / "mute.mid", [])
    write_midi(folder / "sparse.mid", [(60, i * 2.5, i * 2.5 + 0.2) for i in range(8)])
    write_midi(folder / "zero.midi", [(60 + i, i / 2, i / 2) for i in range(16)])
    (folder / "huge.mid").write_bytes(good + bytes(5_000_000))
    (folder / "notes.txt").write_text("not MIDI, and of no concern")
    return {
        "cut.mid": "corrupt", "nothing.mid": "empty", "noise.mid": "corrupt", "long.MID": "too long",
        "drums.mid": "no melody", "mute.mid": "no melody", "sparse.mid": "too little music", "zero.midi": "no melody",
        "huge.mid": "too large",
    }  # fmt: skip


def test_what_is_wrong_is_in_the_ledger(tmp_path):
    raw = tmp_path / "raw"
    expected = bad_files(raw)
    for i in range(20):
        write_midi(raw / f"good{i}.mid", tune(50 + i))
    write_raw(raw)
    prepare(reading(), ROOT / "data/sources/gm_melodies.yaml", raw / "manifest.csv", tmp_path / "out")
    rules = {row["source"]: row["rule"] for row in read_csv(tmp_path / "out/ledger.csv")}
    assert {name: rules.get(name) for name in expected} == expected
    assert "notes.txt" not in rules
    kept = {row["source"] for row in read_csv(tmp_path / "out/index.csv")}
    assert kept | rules.keys() == {path.name for path in raw.glob("*.[mM]*") if path.suffix != ".csv"}


def test_polyphony_and_range_may_be_reasons_to_drop(tmp_path):
    for i in range(12):
        write_midi(tmp_path / f"good{i}.mid", tune(50 + i))
    write_midi(tmp_path / "chords.mid", tune(60) + tune(64))
    write_midi(tmp_path / "wide.mid", [(p + 24 * (i % 2), a, b) for i, (p, a, b) in enumerate(tune(55))])
    _, dropped = read(tmp_path, monophony="only", transposition="whole")
    assert {(item.source.name, item.rule) for item in dropped} == {
        ("chords.mid", "polyphonic"), ("wide.mid", "out of range")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("files", "changes", "words"),
    [
        (0, {}, "no file ends in .mid or .midi"),
        (2, {}, "of 2 MIDI files 0 fell to split train, and they give no clip (no files); add files"),
        (9, {"minimum": {"notes": 40, "sounding": 0.1}}, "they give no clip (2 no melody)"),
        (
            9,
            {"pitches": [60, 66]},
            "pitches is [60, 66]; two MIDI numbers in 0..127 are expected, eleven or more apart",
        ),
    ],
)
def test_a_folder_without_enough_music_is_one_sentence(tmp_path, files, changes, words):
    for i in range(files):
        write_midi(tmp_path / f"t{i}.mid", tune(50 + i))
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(UserError) as error:
        read(tmp_path, **namespace(changes).__dict__)
    assert words in str(error.value) and "\n" not in str(error.value)


@given(
    tracks=st.lists(
        st.lists(st.tuples(st.integers(0, 127), st.floats(0, 30), st.floats(0, 4)), max_size=30), min_size=1, max_size=3
    ),
    damage=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
    monophony=st.sampled_from(["skyline", "latest", "only"]),
    transposition=st.sampled_from(["together", "each", "whole"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_wild_files_give_melodies_or_reasons(tmp_path_factory, tracks, damage, monophony, transposition):
    """Whatever is in one file, with bytes of it changed at that: the others are read, and it is there or listed."""
    raw = tmp_path_factory.mktemp("wild")
    path = write_midi(raw / "wild.mid", *([(p, a, a + b) for p, a, b in notes] for notes in tracks))
    data = bytearray(path.read_bytes())
    for place, value in damage:
        data[place % len(data)] = value
    path.write_bytes(data)
    for i in range(5):
        write_midi(raw / f"t{i}.mid", tune(55 + i))
    found, dropped = [], []
    write_raw(raw)
    try:
        for item in clips(raw, reading(monophony=monophony, transposition=transposition)):
            (found if isinstance(item, Clip) else dropped).append(item)
    except UserError as error:
        assert "give no clip" in str(error), "the wild one was alone in its split"
    else:
        assert "wild.mid" in {item.audio.name for item in found} | {item.source.name for item in dropped} or not any(
            tracks
        )
    for clip in found:
        notes = clip.notes()
        assert all(48 <= n.pitch <= 72 and 0 <= n.onset < n.offset <= SECONDS + 1e-9 for n in notes)
        assert all(a.offset <= b.onset for a, b in pairwise(notes))
    assert all("\n" not in item.detail for item in dropped)


def own_manifest(folder: Path, name: str, place: Path, pattern: str) -> Path:
    """All that a user writes for a folder of MIDI files of their own."""
    manifest = {
        **{"name": name, "title": "My own MIDI", "version": "1", "licence": "mine", "cite": "me", "homepage": "none"},
        **{"access": "manual", "place": str(place), "how": "put the files there", "reader": "melodies"},
        **{"expect": {pattern: 0}, "splits": "official = by file", "reference": "test"},
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "place", "pattern", "polyphonic"),
    [
        ("my_tunes", "nottingham/melody", "*.mid", False),
        ("my_accompanied_tunes", "nottingham/full", "*.mid", True),
        ("my_songs", "pop909", "*/*.mid", True),
    ],
)
def test_a_folder_of_ones_own_is_a_data_set(tmp_path, name, place, pattern, polyphonic):
    if not (SHARED / place).is_dir():
        pytest.skip(f"no MIDI at {SHARED / place}; ETUDE_SHARED says where the shared data is")
    source = own_manifest(tmp_path, name, SHARED / place, pattern)
    fetch(namespace({}), source, "1", tmp_path / "raw/manifest.csv")
    small = reading(name, clips=namespace({"train": 9, "valid": 3, "test": 3}))
    prepare(small, source, tmp_path / "raw/manifest.csv", tmp_path / "out")
    rows = read_csv(tmp_path / "out/index.csv")
    assert Counter(row["split"] for row in rows) == {"train": 9, "valid": 3, "test": 3}
    assert len({row["source"] for row in rows}) >= 4
    for row in rows:
        score = read_midi(tmp_path / "raw" / row["source"])
        assert (len(score.instruments) > 1) == polyphonic
    for notes in notes_by_clip(tmp_path / "out/index.csv").values():
        assert all(48 <= note[0] <= 72 for note in notes) and all(a[2] <= b[1] + 1e-6 for a, b in pairwise(notes))


def test_the_tune_is_found_over_its_chords(tmp_path):
    """Nottingham has each tune alone and with chords: the melody of the latter is the former."""
    folder = SHARED / "nottingham"
    if not folder.is_dir():
        pytest.skip(f"no MIDI at {folder}; ETUDE_SHARED says where the shared data is")
    names = sorted(path.name for path in (folder / "full").glob("*.mid"))[:12]
    found = {}
    for kind in ("melody", "full"):
        for name in names:
            (tmp_path / kind).mkdir(exist_ok=True)
            (tmp_path / kind / name).write_bytes((folder / kind / name).read_bytes())
        taken, _ = read(tmp_path / kind, clips=namespace(ALL), clips_per_file=0)
        found[kind] = {tuple((n.pitch, round(n.onset, 2)) for n in clip.notes()) for clip in taken}
    assert len(found["melody"] & found["full"]) >= 0.95 * len(found["melody"])


def test_the_offline_embedding_learns_from_these_labels(smoke, tmp_path):
    """Families and pitches are there in the form in which the judge reads them."""
    facts = plugin("gm_cnn").obtain(
        tmp_path, smoke / "prepared/index.csv", namespace(PARAMS["judge"]["gm_cnn"] | {"steps": 12})
    )
    assert facts["families"] == ["Brass", "Piano", "Strings"]
    assert facts["clips"] == {"train": 16, "valid": 6} and 0 <= facts["validation"]["family_accuracy"] <= 1
