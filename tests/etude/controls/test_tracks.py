"""Control tracks against the notes they were made from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.controls.tracks import PITCHES, control_features, control_names, control_tracks
from etude.errors import UserError

INSTRUMENTS = ["piano", "violin", "trumpet"]
SECONDS = 8.0
RATES = [
    (75, 600, 0.5),
    (240, 1921, 0.0),
]  # of EnCodec and of the CQT, whose frames are centred on multiples of the hop


@st.composite
def melodies(draw, shortest: float = 0.03):
    """Notes [n, 4], one after another, with or without rests."""
    time, notes = 0.0, []
    for _ in range(draw(st.integers(0, 12))):
        time += draw(st.floats(0, 1.0))
        length = draw(st.floats(shortest, 1.5))
        if time + length > SECONDS:
            break
        notes.append((draw(st.integers(48, 72)), time, time + length, draw(st.integers(1, 127))))
        time += length
    return np.array(notes, dtype=float).reshape(-1, 4)


@pytest.mark.parametrize(("rate", "frames", "centre"), RATES)
@given(notes=melodies())
@settings(max_examples=20, deadline=None)
def test_a_frame_is_on_where_its_centre_lies_in_a_note(rate, frames, centre, notes):
    tracks = control_tracks(notes, "violin", INSTRUMENTS, frames, rate, centre=centre)
    assert tracks.shape == (5, frames) and tracks.dtype == np.float32
    for frame in range(frames):
        time = (frame + centre) / rate
        sounding = [note for note in notes if note[1] <= time < note[2]]
        near = min((abs(edge - time) for note in notes for edge in note[1:3]), default=1.0)
        if near < 1e-9:
            continue  # the edge itself, up to rounding
        expected = (sounding[0][3] / 127, sounding[0][0] % 12 / 11) if sounding else (0, 0)
        np.testing.assert_allclose(tracks[:2, frame], expected, rtol=1e-6)


@pytest.mark.parametrize(("rate", "frames", "centre"), RATES)
@given(notes=melodies(shortest=0.2))
@settings(max_examples=25, deadline=None)
def test_onsets_and_offsets_are_recovered_within_a_frame(rate, frames, centre, notes):
    for pitch, onset, offset, velocity in notes:
        alone = control_tracks([(pitch, onset, offset, velocity)], "piano", INSTRUMENTS, frames, rate, centre=centre)
        on = np.flatnonzero(alone[0])
        assert abs((on[0] + centre) / rate - onset) <= 1 / rate + 1e-9
        assert abs((on[-1] + 1 + centre) / rate - offset) <= 1 / rate + 1e-9


@given(notes=melodies(), instrument=st.sampled_from(INSTRUMENTS), pitch=st.sampled_from(sorted(PITCHES)))
@settings(max_examples=30, deadline=None)
def test_values_lie_in_range_and_instruments_sum_to_one(notes, instrument, pitch):
    tracks = control_tracks(notes, instrument, INSTRUMENTS, 600, 75, pitch)
    names = control_names(INSTRUMENTS, pitch)
    features = control_features(names)
    assert len(names) == len(set(names)) == len(tracks)
    assert [i for rows in features.values() for i in range(*rows.indices(len(names)))] == list(range(len(names)))
    assert tracks.min() >= 0 and tracks.max() <= 1, "-1 is kept for what is free"
    matrix = tracks[features["instrument"]]
    np.testing.assert_array_equal(matrix.sum(axis=0), 1)
    np.testing.assert_array_equal(tracks[names.index(instrument)], 1)


@given(notes=melodies())
@settings(max_examples=30, deadline=None)
def test_an_octave_leaves_chroma_as_it_is_and_changes_the_other_kinds(notes):
    low = notes[notes[:, 0] <= 60]
    high = low + [12, 0, 0, 0]
    both = {kind: [control_tracks(n, "piano", INSTRUMENTS, 600, 75, kind) for n in (low, high)] for kind in PITCHES}
    np.testing.assert_array_equal(*both["chroma"])
    if both["chroma"][0][0].any():
        assert (both["circle"][0] != both["circle"][1]).any() and (both["notes"][0] != both["notes"][1]).any()


@given(notes=melodies())
@settings(max_examples=30, deadline=None)
def test_octave_aware_kinds_give_back_the_pitch_and_the_rests(notes):
    expected = np.zeros(600)
    for pitch, onset, offset, _ in notes:
        centres = (np.arange(600) + 0.5) / 75
        expected[(centres >= onset) & (centres < offset)] = pitch
    rows = control_features(control_names(INSTRUMENTS, "notes"))["pitch"]
    voiced, *hot = control_tracks(notes, "piano", INSTRUMENTS, 600, 75, "notes")[rows]
    np.testing.assert_array_equal(np.where(voiced, 48 + np.argmax(hot, axis=0), 0), expected)
    voiced, cos, sin, octave = control_tracks(notes, "piano", INSTRUMENTS, 600, 75, "circle")[1:5]
    pitch_class = np.rint(np.arctan2(2 * sin - 1, 2 * cos - 1) * 12 / (2 * np.pi)) % 12
    np.testing.assert_array_equal(np.where(voiced, 48 + 24 * octave + pitch_class, 0), expected)


def test_with_chroma_a_c_and_a_rest_differ_in_velocity_alone():
    c, rest = (control_tracks(notes, "piano", INSTRUMENTS, 75, 75) for notes in ([(60, 0, 1, 64)], []))
    np.testing.assert_array_equal(c[1:], rest[1:])
    assert (c[0] != rest[0]).all()


def test_of_notes_together_the_highest_counts():
    tracks = control_tracks([(64, 0, 1, 90), (60, 0.5, 1, 30)], "piano", INSTRUMENTS, 4, 4)
    np.testing.assert_allclose(tracks[1] * 11, 4, rtol=1e-6)


def test_the_memoirs_rows():
    assert control_names(INSTRUMENTS) == ["velocity", "chroma", "piano", "violin", "trumpet"]
    assert control_features(control_names(INSTRUMENTS)) == {
        "velocity": slice(0, 1),
        "pitch": slice(1, 2),
        "instrument": slice(2, 5),
    }


@pytest.mark.parametrize(
    ("notes", "instrument", "pitch", "words"),
    [
        ([], "sitar", "chroma", "'sitar', and the controls know piano, violin, trumpet"),
        ([], "piano", "hertz", "no pitch control 'hertz'; there are chroma, circle, notes"),
        ([(47, 0, 1, 64)], "piano", "notes", "pitch 47 was found, pitch control 'notes' tells 48..72"),
    ],
)
def test_what_is_not_known_is_one_sentence(notes, instrument, pitch, words):
    with pytest.raises(UserError, match=words.replace(".", r"\.")):
        control_tracks(notes, instrument, INSTRUMENTS, 75, 75, pitch)
