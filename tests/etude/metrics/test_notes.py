"""Agreement of transcriptions: mir_eval's own golden files, and cases with known answers (P-34)."""

import json
import os
from pathlib import Path

import mir_eval
import numpy as np
import pytest

from etude.metrics.notes import Matched, Score, hertz, match
from etude.metrics.transcription import Note

GOLDEN = Path(os.environ.get("ETUDE_SHARED", "../shared/data")) / "mir_eval-golden"
golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"{GOLDEN} is not there; set ETUDE_SHARED")
MELODY = [(0.0, 0.4, 60), (0.5, 0.9, 64), (1.0, 1.9, 67), (1.0, 1.9, 72)]
NAMES = {"note_offset": "{}", "note": "{}_no_offset", "onset": "Onset_{}"}


def score(notes, shift=0.0, semitones=0, longer=0.0) -> Score:
    return Score.of(Note(on + shift, off + shift + longer, pitch + semitones, 0.5) for on, off, pitch in notes)


@golden
@pytest.mark.parametrize("number", range(10))
def test_mir_evals_golden_transcriptions_pass_exactly(number):
    folder = GOLDEN / "transcription"
    sides = [
        Score(*mir_eval.io.load_valued_intervals(str(folder / f"{side}{number:02d}.txt"))) for side in ("ref", "est")
    ]
    expected = json.loads((folder / f"output{number:02d}.json").read_text())
    found = match(*sides)
    for criterion, name in NAMES.items():
        ours = found[criterion]
        for key, value in {"Precision": ours.precision, "Recall": ours.recall, "F-measure": ours.f1}.items():
            assert value == expected[name.format(key)], (criterion, key)


@golden
@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("kind", ["melody", "multipitch", "transcription_velocity"])
def test_the_installed_mir_eval_is_the_one_that_made_the_golden_files(kind, number):
    digits = f"{number}" if kind == "transcription_velocity" else f"{number:02d}"
    load = {
        "melody": mir_eval.io.load_time_series,
        "multipitch": mir_eval.io.load_ragged_time_series,
    }.get(kind)
    if kind == "transcription_velocity":
        sides = []
        for side in ("ref", "est"):
            columns = np.loadtxt(GOLDEN / kind / f"{side}{digits}.txt")
            sides += [columns[:, :2], columns[:, 2], columns[:, 3]]  # MIDI numbers for Hz: so the files were made
    else:
        sides = [array for side in ("ref", "est") for array in load(str(GOLDEN / kind / f"{side}{digits}.txt"))]
    found = getattr(mir_eval, kind).evaluate(*sides)
    expected = json.loads((GOLDEN / kind / f"output{digits}.json").read_text())
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-12), key


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {"note": 1, "note_offset": 1, "onset": 1, "chroma": 1}),
        ({"semitones": 1}, {"note": 0, "note_offset": 0, "onset": 1, "chroma": 0}),
        ({"shift": 0.04}, {"note": 1, "note_offset": 1, "onset": 1, "chroma": 1}),
        ({"shift": 0.06}, {"note": 0, "note_offset": 0, "onset": 0, "chroma": 0}),
        ({"longer": 0.3}, {"note": 1, "note_offset": 0, "onset": 1, "chroma": 1}),
    ],
)
def test_known_answers(change, expected):
    found = match(score(MELODY), score(MELODY, **change))
    assert {criterion: value.f1 for criterion, value in found.items()} == pytest.approx(expected)


def test_octave_errors_are_forgiven_by_chroma_alone():
    other = [(a, b, pitch + 12) for a, b, pitch in MELODY[:3]] + MELODY[3:]
    found = match(score(MELODY), score(other))
    assert (found["note"].f1, found["note_offset"].f1, found["chroma"].f1) == (0.25, 0.25, 1)


def test_pitch_classes_are_the_same_across_the_edge_of_the_octave():
    low, high = score([(0, 1, 59)]), score([(0, 1, 71)])
    assert match(low, high)["chroma"].f1 == 1
    assert match(low, score([(0, 1, 72)]))["chroma"].f1 == 0


@pytest.mark.parametrize(("left", "right"), [(MELODY, []), ([], MELODY), ([], [])])
def test_nothing_heard_is_zero_and_not_an_error(left, right):
    found = match(score(left), score(right))
    assert all(value == Matched(0, len(left), len(right)) and value.f1 == 0 for value in found.values())


def test_a_note_without_duration_is_left_out():
    assert len(score([(0, 1, 60), (1, 1, 62)]).pitches) == 1


def test_sums_of_matches_are_micro_scores():
    total = Matched(1, 2, 4) + Matched(3, 4, 4)
    assert (total.precision, total.recall) == (4 / 8, 4 / 6)
    assert total.f1 == pytest.approx(2 * 4 / (6 + 8))


def test_neighbouring_semitones_do_not_match_although_their_numbers_are_close():
    """mir_eval wants Hz: 69 and 70 as Hz are 25 cents apart and would match."""
    assert match(score([(0, 1, 69)]), score([(0, 1, 70)]))["note"].f1 == 0
    assert hertz(np.array([69.0, 81.0])).tolist() == [440.0, 880.0]
