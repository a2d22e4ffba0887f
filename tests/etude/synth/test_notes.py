"""The table of programs and the qualities of notes."""

from collections import Counter

import numpy as np
import pytest

from etude.synth.programs import FAMILIES, PROGRAMS, SOURCES, Program
from etude.synth.qualities import QUALITIES, qualities

RATE, SAMPLES, HELD = 16000, 64000, 3.0
TIME = np.arange(SAMPLES) / RATE
PLAIN = Program(73, "flute", "acoustic")


def flags(sound: np.ndarray, program: Program = PLAIN) -> set[str]:
    return {name for name, flag in zip(QUALITIES, qualities(sound, RATE, HELD, program), strict=True) if flag}


def test_table_is_four_programs_a_family_one_held_out():
    assert Counter(p.family for p in PROGRAMS) == dict.fromkeys(FAMILIES, 4)
    assert Counter(p.family for p in PROGRAMS if p.held_out) == dict.fromkeys(FAMILIES, 1)
    assert len({p.number for p in PROGRAMS}) == len({p.label for p in PROGRAMS}) == 44
    assert {p.source for p in PROGRAMS} == set(SOURCES)
    assert all(p.highest == 127 for p in PROGRAMS if p.held_out)


def test_families_are_nsynths_in_its_order():
    assert tuple(sorted(FAMILIES)) == FAMILIES and len(FAMILIES) == 11


def held(hertz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * TIME) * (TIME < HELD)


def test_low_and_high_sounds():
    assert "dark" in flags(held(200.0)) and "bright" not in flags(held(200.0))
    assert "bright" in flags(held(200.0) + held(3000.0)) and "dark" not in flags(held(200.0) + held(3000.0))
    assert not {"bright", "dark"} & flags(held(200.0) + 0.3 * held(1500.0))


@pytest.mark.parametrize(("decay", "expected"), [(5.0, "fast_decay"), (0.3, None)])
def test_decay_before_the_release(decay: float, expected: str | None):
    sound = held(440.0) * np.exp(-decay * TIME)
    assert ("fast_decay" in flags(sound)) == (expected is not None)


def test_long_release_is_sound_that_stays_after_the_note_is_let_go():
    assert "long_release" not in flags(held(440.0))
    assert "long_release" in flags(np.sin(2 * np.pi * 440 * TIME))
    decayed = np.sin(2 * np.pi * 440 * TIME) * np.exp(-5 * TIME)
    assert flags(decayed) & {"fast_decay", "long_release"} == {"fast_decay"}


def test_distortion_belongs_to_the_program():
    assert "distortion" in flags(held(440.0), Program(30, "guitar", "electronic"))
    assert "distortion" not in flags(held(440.0))
