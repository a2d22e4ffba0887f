import tempfile

import numpy as np
import pytest
import soundfile

from etude.metrics.transcription import Note, Transcriber, main_pitch

RATE = 22050


@pytest.fixture(scope="module")
def transcriber():
    return Transcriber()


def tone(pitch: int, seconds: float, rate: int = RATE) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    sound = sum(np.sin(2 * np.pi * frequency * n * time) / n for n in range(1, 6)) * np.exp(-time)
    return (0.2 * sound).astype(np.float32)


def test_notes_of_a_scale_are_found(transcriber):
    pitches = [60, 62, 64, 65, 67, 69, 71, 72]
    clips = [tone(pitch, 1.5) for pitch in pitches]
    assert [main_pitch(notes) for notes in transcriber.transcribe(clips, RATE)] == pitches


@pytest.mark.parametrize("seconds", [0.5, 2.0, 7.3])
def test_batches_agree_with_the_packages_own_inference(transcriber, seconds):
    """The package's predict, file by file, is the reference."""
    import basic_pitch
    from basic_pitch.inference import Model, predict

    model = Model(basic_pitch.build_icassp_2022_model_path(basic_pitch.FilenameSuffix.onnx))
    clips = [tone(pitch, seconds) + tone(pitch + 7, seconds) for pitch in (50, 61)]
    ours = list(transcriber.transcribe(clips, RATE))
    for clip, notes in zip(clips, ours, strict=True):
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            soundfile.write(file.name, clip, RATE, subtype="FLOAT")
            _, _, events = predict(file.name, model)
        theirs = sorted((onset, offset, pitch) for onset, offset, pitch, *_ in events)
        assert len(theirs) == len(notes)
        for note, event in zip(notes, theirs, strict=True):
            assert (note.onset, note.offset, note.pitch) == pytest.approx(event, abs=1e-6)


def test_silence_has_no_notes(transcriber):
    assert list(transcriber.transcribe([np.zeros(RATE, np.float32)], RATE)) == [[]]
    assert main_pitch([]) is None


def test_the_main_pitch_is_the_largest_amplitude_times_duration():
    assert main_pitch([Note(0, 1, 60, 0.5), Note(0, 0.2, 72, 0.9), Note(0, 2, 48, 0.3)]) == 48
