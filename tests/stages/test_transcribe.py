"""Transcriptions as files: all notes of all clips, and those in which nothing is heard."""

import json
from types import SimpleNamespace

import numpy as np

from etude.audio.clips import read_clips
from etude.metrics.transcription import Transcriber, main_pitch
from stages.judge.transcribe import read_notes, transcribe

SETTINGS = {"onset_threshold": 0.5, "frame_threshold": 0.3, "minimum_frames": 11, "batch": 4}


def test_the_file_holds_what_the_transcriber_hears(generated_set, sines, tmp_path):
    clips = {clip: sines[clip] for clip in ("flute-60", "reed-50", "string-70")} | {"silent": np.zeros(16000)}
    index = generated_set(clips)
    transcribe(SimpleNamespace(**SETTINGS), index, tmp_path / "out/notes.csv")
    found = read_notes(tmp_path / "out/notes.csv")
    heard = Transcriber().transcribe((sound for _, sound in read_clips(index)), 16000)
    for clip, notes in zip(clips, heard, strict=True):
        assert [note.pitch for note in found.get(clip, [])] == [note.pitch for note in notes]
        np.testing.assert_allclose(np.array(found.get(clip, [])), np.array(notes), atol=1e-6)
    assert [main_pitch(found[clip]) for clip in ("flute-60", "reed-50", "string-70")] == [60, 50, 70]
    facts = json.loads((tmp_path / "out/transcription.json").read_text())
    assert (facts["clips"], facts["without_notes"]) == (4, ["silent"])
    assert facts["weights_sha256"].startswith("2c3c1d144bfa61ad")


def test_a_split_and_a_number_of_clips_can_be_chosen(prepared_set, tmp_path):
    transcribe(SimpleNamespace(**SETTINGS, split="test", clips=2), prepared_set(), tmp_path / "notes.csv")
    facts = json.loads((tmp_path / "transcription.json").read_text())
    assert facts["clips"] == 2 and set(read_notes(tmp_path / "notes.csv")) <= {
        clip for clip, _ in read_clips(tmp_path / "prepared/index.csv", "test")
    }
