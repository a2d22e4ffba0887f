import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from etude.audio.files import read_audio, to_float, to_int16, write_audio
from etude.errors import UserError


@given(hnp.arrays(np.int16, st.integers(1, 50)))
def test_int16_to_float_and_back_is_exact(samples):
    assert np.array_equal(to_int16(to_float(samples)), samples)


@given(hnp.arrays(np.float64, st.integers(1, 50), elements=st.floats(-10, 10)))
def test_overload_is_clipped_not_wrapped(samples):
    assert np.array_equal(np.sign(to_int16(samples)), np.sign(np.rint(samples * 32768)))


@settings(max_examples=20, deadline=None)
@given(
    samples=hnp.arrays(np.int16, st.tuples(st.integers(1, 200), st.integers(1, 2))),
    suffix=st.sampled_from(["wav", "flac"]),
)
def test_writing_and_reading_gives_the_samples_back(tmp_path_factory, samples, suffix):
    path = tmp_path_factory.mktemp("audio") / f"Gitarre – ü 音.{suffix}"
    write_audio(path, to_float(samples), 16000)
    back, rate = read_audio(path)
    assert rate == 16000 and np.array_equal(to_int16(back), samples)


def test_mistakes_are_one_sentence_that_names_the_file(tmp_path):
    good = tmp_path / "good.wav"
    write_audio(good, np.zeros(1000), 16000)
    bad = {
        "missing": (None, "no such audio file"),
        "empty file": (b"", "not readable as audio"),
        "text": (b"not audio at all", "not readable as audio"),
        "truncated": (good.read_bytes()[:-1000], "truncated, 500 frames found, 1000 in its header"),
        "no samples": (good.read_bytes()[:40] + struct.pack("<I", 0), "holds no samples"),
    }
    for name, (content, sentence) in bad.items():
        path = tmp_path / f"{name}.wav"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(UserError, match=sentence) as caught:
            read_audio(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_neither_read_nor_written(tmp_path, value):
    samples = np.zeros(100, np.float32)
    samples[[3, 7]] = value
    soundfile.write(tmp_path / "nan.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(UserError, match="2 samples are NaN or infinite"):
        read_audio(tmp_path / "nan.wav")
    with pytest.raises(UserError, match="refusing to write"):
        write_audio(tmp_path / "out.wav", samples, 16000)
    assert not (tmp_path / "out.wav").exists()
