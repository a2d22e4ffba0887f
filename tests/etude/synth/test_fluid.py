"""Rendering against what a synthesiser must be: repeatable, linear in gain, additive, in tune, on time."""

import ctypes.util
import sys
from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from etude.errors import UserError
from etude.synth import fluid
from etude.synth.fluid import render

RATE = 16000
SQUARE_LEAD, FLUTE, PIANO = 80, 73, 0


def note(pitch: int, start: float = 0.0, end: float = 0.5, velocity: int = 100) -> pretty_midi.Note:
    return pretty_midi.Note(velocity, pitch, start, end)


def test_every_run_gives_the_same_bits():
    runs = [render([note(60), note(64, 0.1)], PIANO, RATE, RATE, 1.0) for _ in range(3)]
    assert runs[0].dtype == np.float32 and runs[0].shape == (RATE,)
    assert len({run.tobytes() for run in runs}) == 1


def test_gain_is_linear():
    quiet, loud = (render([note(60)], PIANO, RATE, RATE, gain) for gain in (0.5, 1))
    assert np.abs(loud).max() > 0.05
    np.testing.assert_allclose(loud, 2 * quiet, atol=1e-5)


def test_notes_add_up():
    low, high = note(55), note(67, 0.2, 0.7)
    together = render([low, high], FLUTE, RATE, RATE, 1.0)
    apart = render([low], FLUTE, RATE, RATE, 1.0) + render([high], FLUTE, RATE, RATE, 1.0)
    np.testing.assert_allclose(together, apart, atol=1e-5)


@pytest.mark.parametrize("pitch", [48, 57, 69, 76])
def test_notes_are_in_tune(pitch: int):
    sound = render([note(pitch, 0.0, 2.0)], SQUARE_LEAD, 2 * RATE, RATE, 1.0)[RATE // 2 :]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 19))
    expected = 440 * 2 ** ((pitch - 69) / 12)
    frequencies = np.fft.rfftfreq(1 << 19, 1 / RATE)
    near = np.abs(frequencies - expected) < 0.05 * expected
    found = frequencies[near][spectrum[near].argmax()]
    assert abs(1200 * np.log2(found / expected)) < 10
    assert spectrum[near].max() > 0.2 * spectrum.max()


def test_a_note_begins_when_it_should():
    start = 0.25
    sound = render([note(72, start)], PIANO, RATE, RATE, 1.0)
    heard = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())[0] / RATE
    assert start - 0.001 <= heard <= start + 0.02
    assert np.abs(sound[: int((start - 0.01) * RATE)]).max() < 1e-4


def test_a_new_note_of_the_same_pitch_is_heard_though_the_old_one_ends_then():
    sound = render([note(60, 0.0, 0.5), note(60, 0.5, 1.0)], SQUARE_LEAD, RATE, RATE, 1.0)
    level = [np.sqrt(np.mean(sound[i * RATE // 10 : (i + 1) * RATE // 10] ** 2)) for i in range(10)]
    np.testing.assert_allclose(level[6:9], level[1:4], rtol=0.05)


def test_drums_are_another_bank():
    kick = render([note(36)], 0, RATE, RATE, 1.0, drums=True)
    piano = render([note(36)], 0, RATE, RATE, 1.0)
    assert np.abs(kick).max() > 0.05
    assert np.corrcoef(kick, piano)[0, 1] < 0.5


def test_oversampling_takes_away_aliases():
    """A high bright note: energy that is no multiple of its fundamental."""

    def inharmonic(oversampling: int) -> float:
        sound = render([note(84, 0.0, 1.9)], SQUARE_LEAD, 2 * RATE, RATE, 1.0, oversampling=oversampling)[
            RATE // 2 : -RATE // 4
        ]
        power = np.abs(np.fft.rfft(sound * np.blackman(len(sound)))) ** 2
        frequencies = np.fft.rfftfreq(len(sound), 1 / RATE)
        fundamental = 440 * 2 ** (15 / 12)
        harmonic = np.abs(frequencies / fundamental - np.rint(frequencies / fundamental)) < 0.05
        return float(power[~harmonic].sum() / power.sum())

    assert inharmonic(3) < 0.2 * inharmonic(1)


@pytest.fixture
def no_fluidsynth(monkeypatch):
    """A process in which the binding has not been imported yet."""
    monkeypatch.delitem(sys.modules, "fluidsynth", raising=False)
    fluid._library.cache_clear()
    yield monkeypatch
    fluid._library.cache_clear()


def test_missing_library_is_one_sentence(no_fluidsynth):
    no_fluidsynth.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(UserError, match=r"libfluidsynth.*is not installed; `apt-get install libfluidsynth3`"):
        render([note(60)], PIANO, 100, RATE, 1.0)


def test_missing_binding_is_one_sentence(no_fluidsynth):
    no_fluidsynth.setitem(sys.modules, "fluidsynth", None)
    with pytest.raises(UserError, match="pyfluidsynth is missing"):
        render([note(60)], PIANO, 100, RATE, 1.0)


def test_missing_soundfont_is_one_sentence(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(pretty_midi, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(UserError, match=r"TimGM6mb.sf2: the SoundFont is missing"):
        render([note(60)], PIANO, 100, RATE, 1.0)


def test_a_soundfont_that_is_none_is_one_sentence(monkeypatch, tmp_path: Path):
    (tmp_path / "TimGM6mb.sf2").write_bytes(b"not a SoundFont")
    monkeypatch.setattr(pretty_midi, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(UserError, match="cannot load program 0"):
        render([note(60)], PIANO, 100, RATE, 1.0)
