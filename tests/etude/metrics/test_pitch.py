import pytest

from etude.metrics.pitch import pitch_agrees
from etude.metrics.transcription import Note

NOTES = [Note(0, 1.0, 72, 0.4), Note(0, 0.3, 65, 0.9)]


@pytest.mark.parametrize(
    ("pitch", "exact", "folded"), [(72, True, True), (60, False, True), (84, False, True), (65, False, False)]
)
def test_the_main_note_decides_and_octaves_may_be_forgiven(pitch, exact, folded):
    assert pitch_agrees(NOTES, pitch) is exact
    assert pitch_agrees(NOTES, pitch, octaves=False) is folded


def test_a_clip_without_notes_is_wrong():
    assert not pitch_agrees([], 60) and not pitch_agrees([], 60, octaves=False)
