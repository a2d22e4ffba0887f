"""Controls made from notes and read back say what the notes said."""

import numpy as np
import pytest

from etude.controls.asked import SILENT, UNKNOWN, asked
from etude.controls.tracks import FREE, PITCHES, control_names, control_tracks

NOTES = [(48, 0.0, 1.0, 100), (59, 1.5, 2.0, 30), (72, 2.0, 3.0, 127)]
PLAYERS = ["piano", "violin", "trumpet"]


def read_back(pitch, **changes):
    names = control_names(PLAYERS, pitch)
    controls = control_tracks(NOTES, "violin", PLAYERS, 300, 75.0, pitch)
    for row, value in changes.items():
        controls[names.index(row)] = value
    return asked(controls, names, 75.0)


@pytest.mark.parametrize("pitch", sorted(PITCHES))
def test_every_kind_of_pitch_control_is_read_back(pitch):
    wish = read_back(pitch)
    centres = (np.arange(300) + 0.5) / 75
    expected = np.full(300, SILENT)
    velocity = np.zeros(300)
    for number, onset, offset, loud in NOTES:
        on = (centres >= onset) & (centres < offset)
        expected[on], velocity[on] = number % 12, loud / 127
    np.testing.assert_array_equal(wish.pitch_class, expected)
    np.testing.assert_allclose(wish.velocity, velocity, atol=1e-6)
    assert (wish.instrument == 1).all() and len(wish) == 300


def test_c_and_silence_coincide_once_velocity_is_free_and_not_before():
    assert set(read_back("chroma").pitch_class) == {SILENT, 0, 11}
    free = read_back("chroma", velocity=FREE)
    assert set(free.pitch_class) == {UNKNOWN, 11}
    assert set(read_back("circle", velocity=FREE).pitch_class) == {SILENT, 0, 11}


def test_where_pitch_is_free_silence_is_still_known():
    wish = read_back("chroma", chroma=FREE)
    assert set(wish.pitch_class) == {SILENT, UNKNOWN}


def test_a_free_instrument_is_unknown_and_the_largest_activation_wins():
    assert (read_back("chroma", piano=FREE, violin=FREE, trumpet=FREE).instrument == UNKNOWN).all()
    assert (read_back("chroma", piano=0.6, violin=0.2).instrument == 0).all()
