"""From notes to one melody in a range with swelling velocities: rules against brute force and closed forms."""

import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from etude.controls.tracks import control_tracks
from etude.midi.monophony import MONOPHONY, latest, only, skyline
from etude.midi.note import Note, inside
from etude.midi.swell import Swell, draw_swell
from etude.midi.tracks import TRACKS
from etude.midi.transposition import TRANSPOSITIONS, together, whole

LOW, HIGH = 48, 72
GRID = 1 / 16  # times on a grid make ties and touching notes likely


@st.composite
def scores(draw, grid: bool = True):
    """Any notes at all, some of no or negative length."""
    time = st.integers(0, 64).map(lambda n: n * GRID) if grid else st.floats(0, 4)
    length = st.integers(-1, 24).map(lambda n: n * GRID) if grid else st.floats(-0.1, 2)
    notes = draw(st.lists(st.tuples(st.integers(0, 127), time, length, st.integers(0, 127)), max_size=25))
    return [Note(pitch, onset, onset + length, velocity) for pitch, onset, length, velocity in notes]


def monophonic(notes: list[Note]) -> bool:
    return all(a.offset <= b.onset for a, b in pairwise(notes)) and all(n.offset > n.onset for n in notes)


@given(notes=scores(), rule=st.sampled_from(sorted(MONOPHONY)))
def test_at_most_one_note_sounds_whatever_is_given(notes, rule):
    line = MONOPHONY[rule](notes)
    if line is None:
        assert rule == "only"
        return
    assert monophonic(line)
    whole_notes = {(n.pitch, n.onset, n.velocity): n.offset for n in sorted(notes, key=lambda n: n.offset)}
    for note in line:  # nothing is made up: every note is one that was there, perhaps shortened
        assert note.offset <= whole_notes[note.pitch, note.onset, note.velocity]
    assert MONOPHONY[rule](line) == line, "a melody stays as it is"


@given(notes=scores())
def test_latest_against_every_instant(notes):
    line = latest(notes)
    lasting = [n for n in notes if n.offset > n.onset]
    for instant in np.arange(0.5, 100) * GRID:
        begun = [n for n in lasting if n.onset <= instant]
        expected = max(begun, key=lambda n: (n.onset, n.pitch), default=None)
        found = [n.pitch for n in line if n.onset <= instant < n.offset]
        if expected is None:
            assert not found
        elif len({n.offset for n in begun if (n.onset, n.pitch) == expected[1::-1]}) == 1:
            assert found == ([expected.pitch] if instant < expected.offset else [])


@given(notes=scores())
def test_skyline_never_lies_below_what_begins_and_stays(notes):
    """No note begins together with a lower one of the line; one is skipped only under a higher one."""
    line, lasting = skyline(notes), [n for n in notes if n.offset > n.onset]
    for note in line:
        assert note.pitch == max(n.pitch for n in lasting if n.onset == note.onset)
    kept = {(n.pitch, n.onset) for n in line}
    for note in lasting:
        if (note.pitch, note.onset) not in kept:
            assert any(n.pitch >= note.pitch and n.onset <= note.onset < n.offset for n in lasting if n != note)


def test_skyline_finds_the_tune_over_its_chords():
    tune = [Note(72 + i, i * 1.0, i + 1.1, 80) for i in range(4)]  # played legato: each is held into the next
    down = [Note(84 - i, i * 1.0, i + 1.1, 80) for i in range(4)]
    chords = [Note(p, t, t + 2.0, 60) for t in (0.02, 2.02) for p in (48, 52, 55)]  # a little late, as played
    for melody in (tune, down):
        assert [(n.pitch, n.onset) for n in skyline(melody + chords)] == [(n.pitch, n.onset) for n in melody]
        assert monophonic(skyline(melody + chords))


def test_only_refuses_what_is_polyphonic():
    melody = [Note(60, 0, 1, 80), Note(62, 1, 2, 80)]
    assert only(melody) == melody and only([*melody, Note(40, 0.5, 0.7, 80)]) is None


def test_the_melody_is_the_highest_the_busiest_or_the_first_track():
    bass, tune, chords = ([Note(p, i, i + 1, 80) for i in range(n)] for p, n in ((40, 5), (80, 4), (60, 9)))
    tracks = [bass, tune, chords]
    assert [TRACKS[name](tracks) for name in ("highest", "busiest", "first")] == [tune, chords, bass]


@given(notes=scores(), rule=st.sampled_from(sorted(TRANSPOSITIONS)))
def test_octaves_bring_every_note_into_range_and_keep_its_pitch_class(notes, rule):
    moved = TRANSPOSITIONS[rule](notes, LOW, HIGH)
    if moved is None:
        assert rule == "whole"
        return
    assert all(LOW <= n.pitch <= HIGH for n in moved)
    assert [n.pitch % 12 for n in moved] == [n.pitch % 12 for n in notes]
    assert [n[1:] for n in moved] == [n[1:] for n in notes]


@given(notes=scores())
def test_a_melody_that_fits_keeps_its_intervals(notes):
    lasting = [n for n in notes if n.offset > n.onset]
    fits = [k for k in range(-6, 7) if all(LOW <= n.pitch + 12 * k <= HIGH for n in lasting)]
    moved = whole(lasting, LOW, HIGH)
    assert (moved is None) == (not fits)
    if lasting and fits:
        shift = min(fits, key=abs) * 12
        assert moved == together(lasting, LOW, HIGH)
        assert abs(moved[0].pitch - lasting[0].pitch) == abs(shift), "by as few octaves as possible"


@given(notes=scores(grid=False), start=st.floats(0, 4), seconds=st.floats(0.1, 4))
def test_a_window_holds_what_sounds_in_it(notes, start, seconds):
    for note in inside(notes, start, start + seconds):
        assert 0 <= note.onset < note.offset <= seconds * (1 + 1e-12) + 1e-9
    total = sum(max(0.0, min(n.offset, start + seconds) - max(n.onset, start)) for n in notes)
    assert sum(n.offset - n.onset for n in inside(notes, start, start + seconds)) == pytest.approx(total, abs=1e-6)


@given(
    base=st.one_of(st.none(), st.integers(1, 127)), depth=st.floats(0, 1), hertz=st.floats(0.01, 2),
    phase=st.floats(0, 7), notes=scores(grid=False),
)  # fmt: skip
def test_velocity_is_the_formula_within_midi(base, depth, hertz, phase, notes):
    for played, note in zip(Swell(depth, hertz, phase).play(notes, base), notes, strict=True):
        v0 = note.velocity if base is None else base
        formula = v0 * (1 + depth * math.sin(2 * math.pi * hertz * note.onset + phase))
        assert 1 <= played.velocity <= 127 and abs(played.velocity - min(max(formula, 1), 127)) <= 0.5


def test_frequencies_are_log_uniform_between_an_eighth_and_eight_cycles_a_clip():
    rng = np.random.default_rng(0)
    drawn = [draw_swell(rng, SimpleNamespace(depth=0.5, draw="log_uniform"), 8.0) for _ in range(2000)]
    logs = np.log([swell.hertz for swell in drawn])
    low, high = math.log(1 / 64), math.log(1.0)
    assert kstest(logs, "uniform", (low, high - low)).pvalue > 0.01
    assert kstest([swell.phase for swell in drawn], "uniform", (0, 2 * math.pi)).pvalue > 0.01
    even = [draw_swell(rng, SimpleNamespace(depth=0.5, draw="uniform"), 8.0).hertz for _ in range(2000)]
    assert kstest(even, "uniform", (1 / 64, 1 - 1 / 64)).pvalue > 0.01


@given(hertz=st.floats(0.25, 1.0), phase=st.floats(0, 6.28))
@settings(max_examples=40, deadline=None)
def test_the_fourier_transform_of_the_control_finds_the_swell(hertz, phase):
    """Notes of a tenth of a second without rests: the velocity control is the sine, sampled."""
    seconds, rate = 8.0, 75.0
    notes = [Note(60, i / 10, (i + 1) / 10, 64) for i in range(80)]
    played = Swell(0.5, hertz, phase).play(notes, 84)
    track = control_tracks(played, "piano", ["piano"], 600, rate)[0]
    spectrum = np.abs(np.fft.rfft((track - track.mean()) * np.hanning(600), 1 << 14))
    assert abs(np.argmax(spectrum) * rate / (1 << 14) - hertz) < 0.5 / seconds
