"""Control files: what is written comes back, what a user may draw, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from etude.controls.file import read_controls, write_controls
from etude.controls.tracks import control_features, control_names
from etude.errors import UserError

INSTRUMENTS = ["piano", "violin", "trumpet"]
NAMES = control_names(INSTRUMENTS)
FEATURES = control_features(NAMES)


def drawn(folder, text: str, frames: int | None = 8, rate: float = 4.0, **options) -> np.ndarray:
    path = folder / "drawn.csv"
    path.write_text(text, encoding="utf-8")
    return read_controls(path, NAMES, rate, frames, **options)


@given(
    controls=arrays(np.float32, (5, 33), elements=st.floats(0, 1, width=32)),
    free=st.sets(st.sampled_from(sorted(FEATURES))),
    rate=st.sampled_from([75.0, 240.0, 11025 / 256]),
)
@settings(max_examples=40, deadline=None)
def test_what_is_written_comes_back(tmp_path_factory, controls, free, rate):
    for name in free:
        controls[FEATURES[name]] = -1
    path = tmp_path_factory.mktemp("controls") / "track.csv"
    write_controls(path, controls, NAMES, rate)
    np.testing.assert_array_equal(read_controls(path, NAMES, rate, 33), controls)


def test_a_row_holds_until_the_next(tmp_path):
    found = drawn(tmp_path, "time,velocity,chroma\n0,0.5,0\n1.0,-1,1\n")
    np.testing.assert_array_equal(found[0], [0.5] * 4 + [-1] * 4)
    np.testing.assert_array_equal(found[1], [0] * 4 + [1] * 4)
    assert (found[2:] == -1).all(), "what has no column is free"


def test_without_times_a_rate_places_the_rows(tmp_path):
    for options, first in (({}, "# frames_per_second: 1\n"), ({"rows_per_second": 1.0}, "")):
        found = drawn(tmp_path, f"{first}velocity\n0.25\n0.75\n", **options)
        np.testing.assert_array_equal(found[0], [0.25] * 4 + [0.75] * 4)


def test_a_frame_is_what_holds_at_its_centre(tmp_path):
    found = drawn(tmp_path, "time,velocity\n0,0\n0.2,1\n", frames=2, rate=2)
    np.testing.assert_array_equal(found[0], [1, 1])
    found = drawn(tmp_path, "time,velocity\n0,0\n0.2,1\n", frames=2, rate=2, centre=0.0)
    np.testing.assert_array_equal(found[0], [0, 1])


def test_other_instruments_are_off_where_one_is_given(tmp_path):
    found = drawn(tmp_path, "time,violin\n0,1\n")
    np.testing.assert_array_equal(found[:, 0], [-1, -1, 0, 1, 0])


def test_the_file_may_say_how_long_the_clip_is(tmp_path):
    assert drawn(tmp_path, "# frames_per_second: 2\nvelocity\n" + "0\n" * 5, None, 75).shape == (5, round(2.5 * 75))
    assert drawn(tmp_path, "time,velocity\n0,0\n1,1\n3,1\n", None, 75).shape == (5, 225)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 lines found, a line of names and at least one of values expected"),
        ("time,velocity\n", "1 lines found"),
        ("time,velocty\n0,1\n", "'velocty' is not a control; did you mean velocity"),
        ("time,gain\n0,1\n", "'gain' is not a control; the names are velocity, chroma, piano, violin, trumpet"),
        ("time,velocity,velocity\n0,1,1\n", "has 2 columns 'velocity'"),
        ("time,velocity\n0,1.5\n", "row 1 has 1.5 for velocity; 0..1, or -1 where it is free, is expected"),
        ("time,velocity\n0,0\n1,-0.5\n", "row 2 has -0.5 for velocity"),
        ("time,velocity\n0,nan\n", "row 1 has nan for velocity"),
        ("time,velocity\n0,loud\n", "row 1 has 'loud' for velocity; a number is expected"),
        ("time,velocity\n0,1,1\n", "row 1 has 3 values, and there are 2 names"),
        ("time,velocity\n0.5,1\n", "begins at 0.5 s; the first row must be at 0"),
        ("time,velocity\n0,1\n1,1\n1,0\n", "row 3 is at 1 s, no later than the row before it"),
        ("time,velocity\n0,1\n9,1\n", "has a row at 9 s, and the clip ends at 2 s"),
        ("velocity\n1\n", "says nothing of time; add a column time"),
        ("# frames_per_second: 4\nvelocity\n1\n", "1 rows last 0.25 s, 2 s are expected"),
        ("# frames_per_second: fast\nvelocity\n1\n", "its first line is '# frames_per_second: fast'"),
        ("# frames_per_second: 0\nvelocity\n1\n", "a number above 0"),
        ("# frames_per_second: 4\ntime,velocity\n0,1\n1,1\n", "is not that of 4 rows a second"),
        ("time,violin,piano\n0,1,-1\n", "violin, trumpet is given while piano is free"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path, text, words):
    with pytest.raises(UserError) as error:
        drawn(tmp_path, text)
    assert words in str(error.value) and "\n" not in str(error.value) and "drawn.csv: " in str(error.value)


@pytest.mark.parametrize(
    ("rate", "words"), [(0.0, "it must be above 0"), (5.0, "states 4 rows a second, and 5 was asked for")]
)
def test_a_wrong_rate_is_one_sentence(tmp_path, rate, words):
    with pytest.raises(UserError, match=words):
        drawn(tmp_path, "# frames_per_second: 4\nvelocity\n1\n", rows_per_second=rate)


def test_a_file_that_is_not_there_or_not_text_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="no such control file"):
        read_controls(tmp_path / "none.csv", NAMES, 75, 8)
    (tmp_path / "noise.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UserError, match="not readable as a CSV file"):
        read_controls(tmp_path / "noise.csv", NAMES, 75, 8)


@given(text=st.text(alphabet='time,velocitychroma#:-1.059\n" ', max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_is_controls_or_one_sentence(tmp_path_factory, text):
    try:
        found = drawn(tmp_path_factory.mktemp("wild"), text)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert found.shape == (5, 8) and ((found == -1) | ((found >= 0) & (found <= 1))).all()
