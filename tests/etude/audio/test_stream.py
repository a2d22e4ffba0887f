"""Streams equal whole files; what is not a sound is one sentence; a file exists whole or not at all."""

import numpy as np
import pytest
import soundfile

from etude.audio import stream
from etude.audio.files import read_audio
from etude.audio.resample import resample
from etude.audio.stream import StreamWriter, measure, mono_blocks
from etude.errors import UserError


def write(path, samples, rate, **kind):
    soundfile.write(path, samples, rate, **kind)
    return path


def sines(rate: int, seconds: float, channels: int = 1) -> np.ndarray:
    time = np.arange(int(rate * seconds)) / rate
    return np.stack([0.4 * np.sin(2 * np.pi * (220 + 55 * c) * time) for c in range(channels)], axis=1)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 96000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_blocks_are_the_whole_file_resampled(tmp_path, monkeypatch, rate, channels):
    monkeypatch.setattr(stream, "BLOCK_SECONDS", 0.1)
    path = write(tmp_path / "a.wav", sines(rate, 1.03, channels), rate, subtype="FLOAT")
    blocks = list(mono_blocks(path, 16000))
    samples, _ = read_audio(path)
    whole = resample(samples.mean(axis=1), rate, 16000)
    assert len(blocks) > 9 and max(map(len, blocks)) < 4000, "the file was read in one"
    joined = np.concatenate(blocks)
    assert abs(len(joined) - len(whole)) <= 1
    n = min(len(joined), len(whole))
    np.testing.assert_allclose(joined[:n], whole[:n], atol=2e-3)
    assert measure(path, 16000) == (len(joined), pytest.approx(np.abs(joined).max()))


def test_eight_bits_are_read_as_what_they_mean(tmp_path):
    path = write(tmp_path / "a.wav", sines(16000, 0.5), 16000, subtype="PCM_U8")
    np.testing.assert_allclose(np.concatenate(list(mono_blocks(path, 16000))), sines(16000, 0.5)[:, 0], atol=0.01)


def spoil(path, kind):
    if kind == "nan":
        samples = sines(16000, 1)
        samples[12000] = np.nan
        write(path, samples, 16000, subtype="FLOAT")
    elif kind == "empty":
        write(path, np.zeros((0, 1)), 16000)
    elif kind == "text":
        path.write_text("la la la")
    elif kind == "folder":
        path.mkdir()
    elif kind == "truncated":
        write(path, sines(16000, 1), 16000)
        path.write_bytes(path.read_bytes()[:20000])
    return path


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("missing", "no such audio file"),
        ("nan", r"NaN or infinite at 0\.750 s"),
        ("empty", "holds no samples"),
        ("text", "not readable as audio"),
        ("folder", "a folder, not an audio file"),
        ("truncated", "truncated, 9978 frames found, 16000 in its header"),
    ],
)
def test_what_is_not_a_sound_is_one_sentence(tmp_path, kind, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        measure(spoil(tmp_path / "a.wav", kind), 16000)
    assert "\n" not in str(caught.value) and "a.wav" in str(caught.value)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "A.WAV"])
def test_what_is_too_loud_is_turned_down_as_a_whole(tmp_path, name):
    sound = (2 * np.sin(np.arange(40000) / 30)).astype(np.float32)
    with StreamWriter(tmp_path / "new" / name, 16000) as writer:
        for block in np.array_split(sound, 7):
            writer.write(block)
        done = writer.finish()
    samples, rate = read_audio(tmp_path / "new" / name)
    np.testing.assert_allclose(samples[:, 0], sound / 2, atol=1e-3)
    assert done.gain_db == pytest.approx(-6.02, abs=0.01) and done.limited_seconds < 0.01
    assert rate == 16000 and [path.name for path in (tmp_path / "new").iterdir()] == [name]


def test_one_loud_moment_does_not_make_the_rest_quiet(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "WRITE_BLOCK", 7000)  # so that the moment lies across two
    sound = (0.4 * np.sin(np.arange(16 * 16000) / 30)).astype(np.float32)
    sound[34900:35100] *= 10
    with StreamWriter(tmp_path / "a.wav", 16000) as writer:
        writer.write(sound)
        done = writer.finish()
    samples, _ = read_audio(tmp_path / "a.wav")
    assert done.gain_db == 0 and 0.01 < done.limited_seconds < 0.1
    np.testing.assert_allclose(samples[:34000, 0], sound[:34000], atol=1e-4)
    np.testing.assert_allclose(samples[36000:, 0], sound[36000:], atol=1e-4)
    assert 0.9 < np.abs(samples[34900:35100]).max() <= 1


def test_nothing_half_written_is_left(tmp_path):
    with pytest.raises(KeyboardInterrupt), StreamWriter(tmp_path / "a.wav", 16000) as writer:
        writer.write(np.zeros(100, np.float32))
        raise KeyboardInterrupt
    with pytest.raises(UserError, match="not finite"), StreamWriter(tmp_path / "a.wav", 16000) as writer:
        writer.write(np.array([0.0, np.nan]))
    with pytest.raises(UserError, match=r"\.wav or \.flac"):
        StreamWriter(tmp_path / "a.mp3", 16000)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        StreamWriter(tmp_path / "file" / "a.wav", 16000)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_one_sentence(tmp_path):
    with StreamWriter(tmp_path / "a.wav", 16000) as writer:
        writer._file.close()
        writer._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115
        with pytest.raises(UserError, match="No space left"):
            writer.write(np.zeros(100, np.float32))
