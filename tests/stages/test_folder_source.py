"""The reader of any folder: no recording on both sides of a split, whatever the files are called."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.audio.files import write_audio
from etude.errors import UserError
from stages.prepare.sources.folder import by_hash, clips

RATE = 16000


def sound(path: Path, frequency: float, seconds: float = 2.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE), RATE)


@given(st.sets(st.text("0123456789abcdef", min_size=8, max_size=8), min_size=3, max_size=200))
def test_every_split_has_some_and_about_its_share(hashes):
    counts = Counter(by_hash(hashes).values())
    assert sum(counts.values()) == len(hashes) and all(counts[split] for split in ("train", "valid", "test"))
    assert abs(counts["test"] - 0.2 * len(hashes)) <= 1 and abs(counts["valid"] - 0.1 * len(hashes)) <= 1


def test_too_few_recordings_are_one_sentence():
    with pytest.raises(UserError, match="2 different recordings found, and train, valid and test need one each"):
        by_hash(["a", "b", "b"])


def test_copies_stay_together_and_names_do_not_matter(tmp_path):
    for k in range(10):
        sound(tmp_path / "one" / f"{k}.wav", 100 + 20 * k)
        (tmp_path / f"copy of {k}.wav").write_bytes((tmp_path / "one" / f"{k}.wav").read_bytes())
    found = list(clips(tmp_path, None))
    assert Counter(clip.split for clip in found) == {"train": 14, "valid": 2, "test": 4}
    groups = {split: {clip.group for clip in found if clip.split == split} for split in ("train", "valid", "test")}
    assert not groups["train"] & groups["test"] and not groups["valid"] & groups["test"]
    assert [clip.split for clip in found] == sorted((clip.split for clip in found), key="train valid test".index)


def test_files_without_labels_are_recordings_and_notes_are_notes(tmp_path):
    for k in range(6):
        sound(tmp_path / "a" / f"take {k}.wav", 100 + 20 * k)
        sound(tmp_path / "b" / f"piano_{'CDEFGA'[k]}4.wav", 300 + 20 * k)
    for clip in clips(tmp_path / "a", None):
        assert clip.kind == "stem" and clip.pitch is None and clip.notes() == [] and clip.family == ""
    for clip in clips(tmp_path / "b", None):
        [note] = clip.notes()
        assert clip.kind == "note" and note.pitch == clip.pitch and note.offset == pytest.approx(2.5)


def test_folders_called_train_and_test_are_the_splits_and_twins_have_names_of_their_own(tmp_path):
    for k, path in enumerate(["train/x.wav", "train/x.flac", "valid/y.wav", "test/z.wav"]):
        sound(tmp_path / path, 100 + 20 * k)
    found = {clip.id: clip.split for clip in clips(tmp_path, None)}
    assert found == {"train__x_wav": "train", "train__x_flac": "train", "valid__y": "valid", "test__z": "test"}
