"""Controls as lines and in words."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.controls.tracks import FREE, PITCHES, control_features, control_names, control_tracks
from stages.report.control_lines import HEIGHT, WIDTH, lines, told

PLAYERS = ["piano", "violin", "trumpet"]
NAMES = control_names(PLAYERS)
RATE = 10.0
STRETCH = re.compile(r"M(\S+) (\S+)H(\S+?)(?=M|$)")


def tracks_of(notes, frames=20, player="violin", pitch="chroma"):
    return control_tracks(notes, player, PLAYERS, frames, RATE, pitch)


def stretches(path: str) -> list[tuple[float, ...]]:
    """(from, height, to) of each line."""
    return [tuple(map(float, found)) for found in STRETCH.findall(path)]


def test_a_note_is_a_stretch_at_its_height_and_a_rest_a_gap():
    tracks = tracks_of([[60, 0.0, 0.5, 127], [71, 1.0, 2.0, 127]])
    drawn = lines(tracks, NAMES, RATE, 0.5, 2.0)
    assert list(drawn) == ["velocity", "chroma"]
    (a0, low, a1), (b0, high, b1) = stretches(drawn["chroma"])
    assert (a0, a1, b0, b1) == (0, WIDTH / 4, WIDTH / 2, WIDTH)
    assert 0 < high < low < HEIGHT, "B stands above C, and the y of SVG points down"
    assert {height for _, height, _ in stretches(drawn["velocity"])} == {high}
    assert told(tracks, NAMES) == "violin; C B; velocity 1.00 to 1.00"


def test_what_is_free_is_not_drawn_and_is_said():
    tracks = tracks_of([[60, 0.0, 2.0, 64]])
    for feature, rows in control_features(NAMES).items():
        freed = tracks.copy()
        freed[rows] = FREE
        assert f"{feature} left free" in told(freed, NAMES)
        assert ({"pitch": "chroma"}.get(feature, feature) in lines(freed, NAMES, RATE, 0.5, 2.0)) is False


def test_an_instrument_that_gives_over_to_another():
    tracks = tracks_of([[62, 0.0, 2.0, 64]])
    tracks[-3:, 10:] = [[0], [0], [1]]
    assert told(tracks, NAMES).startswith("violin, then trumpet; D;")


def test_silence_is_nothing_to_draw():
    tracks = tracks_of([])
    assert lines(tracks, NAMES, RATE, 0.5, 2.0) == {} and told(tracks, NAMES) == "violin; silent throughout"


@pytest.mark.parametrize("pitch", [name for name in PITCHES if name != "chroma"])
def test_other_ways_to_tell_the_pitch_are_drawn_row_by_row(pitch):
    names = control_names(PLAYERS, pitch)
    drawn = lines(tracks_of([[60, 0.0, 2.0, 64]], pitch=pitch), names, RATE, 0.5, 2.0)
    assert len(stretches(drawn["pitch"])) == len(PITCHES[pitch].names)


@settings(max_examples=60, deadline=None)
@given(
    notes=st.lists(
        st.tuples(st.integers(48, 72), st.floats(0, 3), st.floats(0, 3), st.integers(1, 127)), max_size=12
    ),
    centre=st.sampled_from([0.0, 0.5]),
    seconds=st.floats(0.5, 4.0),
)  # fmt: skip
def test_no_line_leaves_the_picture(notes, centre, seconds):
    tracks = control_tracks(np.array(notes).reshape(-1, 4), "piano", PLAYERS, 30, RATE, centre=centre)
    for path in lines(tracks, NAMES, RATE, centre, seconds).values():
        for first, height, last in stretches(path):
            assert 0 <= first < last <= WIDTH and 0 <= height <= HEIGHT
