"""Basic Pitch on a batch of clips, on one core: seconds of audio per second of processor time.

    python benchmarks/transcription.py [index.csv of a set of clips]

Without a set: 240 clips of 2.048 s of three chords, as many as a small job has. The package's own way, one file at a
time, runs on some of the same clips for comparison. Promised: 40 times real time. Exits with 1 when it is broken.
"""

import contextlib
import io
import os
import platform
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import soundfile

from etude.audio.clips import read_clips, sample_rate
from etude.metrics.transcription import Transcriber

RATE, SECONDS, CLIPS, RIVAL_CLIPS, BATCH = 16000, 2.048, 240, 12, 16
PROMISED = 40.0


def chords() -> list[np.ndarray]:
    """Three chords of three decaying harmonic notes per clip."""
    generator = np.random.default_rng(0)
    time_ = np.arange(int(SECONDS * RATE)) / RATE
    clips = []
    for _ in range(CLIPS):
        sound = np.zeros_like(time_)
        for start in (0.0, 0.7, 1.4):
            for pitch in generator.integers(40, 84, 3):
                after = np.maximum(time_ - start, 0)
                frequency = 440 * 2 ** ((pitch - 69) / 12)
                sound += sum(np.sin(2 * np.pi * frequency * k * after) / k for k in range(1, 6)) * np.exp(-3 * after)
        clips.append((0.5 * sound / np.abs(sound).max()).astype(np.float32))
    return clips


def main() -> int:
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    clips = [audio for _, audio in islice(read_clips(given), CLIPS)] if given else chords()
    rate = sample_rate(given) if given else RATE
    seconds = sum(map(len, clips)) / rate
    transcriber = Transcriber()
    list(transcriber.transcribe(clips[:BATCH], rate, BATCH))  # what happens once: loading, tables
    began = time.process_time()
    notes = sum(len(found) for found in transcriber.transcribe(clips, rate, BATCH))
    ours = seconds / (time.process_time() - began)
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, one thread")
    print(f"here: {len(clips)} clips, {seconds:.0f} s, {notes} notes: {ours:.0f} x real time (promised {PROMISED:g} x)")
    print(f"package, file by file: {package(clips[:RIVAL_CLIPS], rate):.0f} x real time")
    return 0 if ours >= PROMISED else 1


def package(clips: list[np.ndarray], rate: int) -> float:
    import basic_pitch
    from basic_pitch.inference import Model, predict

    model = Model(basic_pitch.build_icassp_2022_model_path(basic_pitch.FilenameSuffix.onnx))
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, clip in enumerate(clips):
            paths.append(f"{folder}/{number}.wav")
            soundfile.write(paths[-1], clip, rate)
        with contextlib.redirect_stdout(io.StringIO()):  # it says what it does
            predict(paths[0], model)
            began = time.process_time()
            for path in paths:
                predict(path, model)
            taken = time.process_time() - began
    return sum(map(len, clips)) / rate / taken


if __name__ == "__main__":
    sys.exit(main())
