"""Clips come as their index says, or not at all."""

import json

import numpy as np
import pytest
import soundfile

from etude.audio.clips import clip_ids, protocol, read_clips, sample, sample_rate, set_hash
from etude.audio.files import to_float
from etude.errors import UserError
from etude.pipeline.files import read_csv, write_csv


def rewrite(index, change):
    """Rewrite an index with ``change`` applied to its rows."""
    rows = change(read_csv(index))
    write_csv(index, rows, list(rows[0]) if rows else ["clip", "file", "seconds", "sha256"])


def test_a_prepared_set_gives_its_rows(prepared_set):
    index = prepared_set()
    audio = np.load(index.parent / "audio.npy")
    found = list(read_clips(index, "test"))
    rows = [row for row in read_csv(index) if row["split"] == "test"]
    assert [clip for clip, _ in found] == [row["clip"] for row in rows] == clip_ids(index, "test")
    for (_, samples), row in zip(found, rows, strict=True):
        assert samples.dtype == np.float32
        np.testing.assert_array_equal(samples, to_float(audio[int(row["row"])]))
    assert len(clip_ids(index)) == len(audio)


def test_a_generated_set_gives_its_files(generated_set, sines):
    index = generated_set(sines)
    for clip, samples in read_clips(index):
        np.testing.assert_allclose(samples, sines[clip], atol=0.51 / 32768)
    assert sample_rate(index) == 16000


def test_stereo_is_averaged(generated_set):
    left, right = np.full(2000, 0.5, np.float32), np.full(2000, -0.25, np.float32)
    index = generated_set({"stereo": np.stack([left, right], axis=1)})
    ((_, samples),) = read_clips(index)
    np.testing.assert_allclose(samples, 0.125)


def test_a_limit_takes_the_same_clips_whatever_the_order(prepared_set):
    index = prepared_set()
    ten = clip_ids(index, limit=10)
    assert set(ten) == sample(clip_ids(index), 10)
    assert ten != clip_ids(index)[:10]
    rewrite(index, lambda rows: rows[::-1])
    assert clip_ids(index, limit=10) == ten[::-1]
    assert clip_ids(index, limit=10**6) == clip_ids(index)


def test_hash_of_a_set_is_of_its_content_only(prepared_set, generated_set, sines):
    index = prepared_set()
    before = set_hash(index, "test")
    assert before != set_hash(index, "train")
    rewrite(index, lambda rows: [row | {"clip": row["clip"] + " renamed"} for row in rows[::-1]])
    assert set_hash(index, "test") == before
    quieter = generated_set({clip: samples * 0.99 for clip, samples in sines.items()}, "quieter")
    assert set_hash(generated_set(sines)) != set_hash(quieter)


def test_changed_audio_is_refused(prepared_set, generated_set, sines):
    index = prepared_set()
    audio = np.load(index.parent / "audio.npy")
    audio[3, 100] += 1
    np.save(index.parent / "audio.npy", audio)
    with pytest.raises(UserError, match=r"row 3: sha256 .* found, .* in the index"):
        list(read_clips(index))
    index = generated_set(sines)
    path = index.parent / read_csv(index)[5]["file"]
    soundfile.write(path, np.zeros(100), 16000)
    with pytest.raises(UserError, match=f"{path.name}: sha256"):
        list(read_clips(index))


def test_a_wrong_rate_is_refused(generated_set, sines):
    index = generated_set(sines)
    (index.parent / "protocol.json").write_text(json.dumps({"sample_rate": 44100}))
    with pytest.raises(UserError, match="16000 Hz found, 44100 Hz stated"):
        next(read_clips(index))


def test_missing_parts_are_named(prepared_set, generated_set, sines, tmp_path):
    with pytest.raises(UserError, match="no such index"):
        clip_ids(tmp_path / "index.csv")
    index = generated_set(sines)
    (index.parent / read_csv(index)[0]["file"]).unlink()
    with pytest.raises(UserError, match="no such audio file"):
        next(read_clips(index))
    (index.parent / "protocol.json").unlink()
    with pytest.raises(UserError, match=r"protocol.json: not found"):
        sample_rate(index)
    index = prepared_set()
    (index.parent / "audio.npy").unlink()
    with pytest.raises(UserError, match=r"audio.npy: not found"):
        next(read_clips(index))


@pytest.mark.parametrize(
    "text, match", [("{", "not valid JSON"), ("{}", "no sample_rate"), ('{"sample_rate": "x"}', "no sample_rate")]
)
def test_a_broken_protocol_is_refused(generated_set, sines, text, match):
    index = generated_set(sines)
    (index.parent / "protocol.json").write_text(text)
    with pytest.raises(UserError, match=match):
        sample_rate(index)


def test_a_broken_array_is_refused(prepared_set):
    index = prepared_set()
    (index.parent / "audio.npy").write_bytes(b"not an array")
    with pytest.raises(UserError, match="not a readable array"):
        next(read_clips(index))
    np.save(index.parent / "audio.npy", np.zeros((100, 32768)))
    with pytest.raises(UserError, match="float64"):
        next(read_clips(index))
    np.save(index.parent / "audio.npy", np.zeros((0, 32768), np.int16))
    with pytest.raises(UserError, match="which has 0"):
        next(read_clips(index))


@pytest.mark.parametrize(
    "change, match",
    [
        (lambda rows: [], "lists no clips"),
        (lambda rows: rows + rows[:1], "twice"),
        (lambda rows: [{"clip": row["clip"]} for row in rows], "has the columns clip;"),
    ],
)
def test_a_broken_index_is_refused(generated_set, sines, change, match):
    index = generated_set(sines)
    rewrite(index, change)
    with pytest.raises(UserError, match=match):
        clip_ids(index)


def test_an_unknown_split_is_refused(prepared_set, generated_set, sines):
    with pytest.raises(UserError, match="'tset', only in test, train, valid"):
        clip_ids(prepared_set(), "tset")
    with pytest.raises(UserError, match="no splits"):
        clip_ids(generated_set(sines), "test")


def test_the_protocol_is_passed_on(prepared_set):
    assert protocol(prepared_set())["loudness"] == {"rule": "none"}
