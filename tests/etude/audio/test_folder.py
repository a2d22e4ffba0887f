"""What names tell: conventions that everybody knows, and names that tell nothing."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.audio.folder import SUFFIXES, labelled, note_number, sounds
from etude.errors import UserError


def told(*paths: str) -> list[tuple]:
    return [(s.split, s.family, s.instrument, s.pitch, s.velocity) for s in labelled([PurePosixPath(p) for p in paths])]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("A4", 69), ("piano_C4", 60), ("Fs3 soft", 54), ("cello-Bb2-long", 46), ("a#3", 58), ("C-1", 0), ("G9", 127),
        ("take 17", None), ("808", None), ("MP3", None), ("B", None), ("A9", None), ("x_Cb-1", None), ("", None),
    ],
)  # fmt: skip
def test_names_of_notes(name, number):
    assert note_number(name) == number


def test_folders_are_families_and_instruments():
    assert told("strings/cello/1.wav", "strings/viola/1.wav", "brass/2.wav") == [
        ("", "strings", "cello", None, None),
        ("", "strings", "viola", None, None),
        ("", "brass", "brass", None, None),
    ]


def test_one_folder_for_all_tells_nothing():
    assert told("audio/1.wav", "audio/2.wav", "audio/3.wav") == [("", "", "", None, None)] * 3


def test_folders_called_train_and_test_are_splits_and_no_families():
    found = told("train/drum/a.wav", "Train/bass/b.wav", "test/drum/c.wav", "val/bass/d.wav")
    assert [row[:2] for row in found] == [("train", "drum"), ("train", "bass"), ("test", "drum"), ("valid", "bass")]
    assert told("train/a.wav", "live/b.wav")[0][0] == "", "a folder of recordings of trains"


def test_leading_words_are_families_when_most_files_have_one():
    drums = [f"bd_{k}.wav" for k in range(4)] + [f"sn_{k}.wav" for k in range(4)]
    assert [row[1] for row in told(*drums, "zz.wav")] == ["bd"] * 4 + ["sn"] * 4 + ["other"]
    assert [row[1] for row in told(*drums, "p.wav", "q.wav", "r.wav")] == [""] * 11
    assert [row[1] for row in told(*(f"take {k}.wav" for k in range(9)))] == [""] * 9


def test_pitches_are_believed_when_every_file_names_one():
    scale = [f"{letter}{octave}.wav" for octave in (3, 4) for letter in "CEG"]
    assert [row[3] for row in told(*scale)] == [48, 52, 55, 60, 64, 67]
    assert [row[3] for row in told(*scale, "room.wav")] == [None] * 7
    assert [row[3] for row in told("a1.wav", "a2.wav", "a3.wav")] == [None] * 3, "three versions of one thing"


def test_nsynths_names():
    assert told("keyboard_acoustic_004-060-025.wav", "bass_synthetic_033-022-100.wav") == [
        ("", "", "", 60, 25),
        ("", "", "", 22, 100),
    ]


@given(
    st.lists(st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1), min_size=1)
)
def test_no_name_is_too_odd(names):
    found = labelled([PurePosixPath(f"{name}.wav") for name in names])
    assert len(found) == len(names)
    assert all(sound.pitch is None or 0 <= sound.pitch <= 127 for sound in found)


def test_only_sound_files_that_are_not_hidden(tmp_path):
    for name in ("a.WAV", "b/c.flac", ".d.wav", ".e/f.wav", "__MACOSX/g.wav", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [str(sound.path) for sound in sounds(tmp_path)] == ["a.WAV", "b/c.flac"]


def test_a_folder_that_is_not_there_or_empty_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        sounds(tmp_path / "nowhere")
    with pytest.raises(UserError, match=f"no sound file found.*{SUFFIXES[0]}"):
        sounds(tmp_path)
