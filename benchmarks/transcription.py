"""Basic Pitch on a batch of clips, on one core: seconds of audio per second of processor time.

    python benchmarks/transcription.py [index.csv of a set of clips]

Without a set: clips of chords, 3.007 s long as at the scale of the thesis and 2.048 s as on a laptop. Both fill two of
the network's windows of 2 s, so that the shorter ones come out a third slower. The package's own way, one file at a
time, runs on some of the same clips for comparison. Promised, for the former: 40 times real time. Exits with 1 when
that is broken.
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

RATE, CLIPS, RIVAL_CLIPS, BATCH = 16000, 160, 12, 16
PROMISED = {3.007: 40.0, 2.048: None}


def chords(seconds: float) -> list[np.ndarray]:
    """Three chords of three decaying harmonic notes per clip."""
    generator = np.random.default_rng(0)
    time_ = np.arange(int(seconds * RATE)) / RATE
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
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, one thread")
    transcriber = Transcriber()
    list(transcriber.transcribe(chords(2.0)[:BATCH], RATE, BATCH))  # what happens once: loading, tables
    if len(sys.argv) > 1:
        index = Path(sys.argv[1])
        measure(transcriber, [audio for _, audio in islice(read_clips(index), CLIPS)], sample_rate(index))
        return 0
    return max(measure(transcriber, chords(seconds), RATE, promised) for seconds, promised in PROMISED.items())


def measure(transcriber: Transcriber, clips: list[np.ndarray], rate: int, promised: float | None = None) -> int:
    """1 when what was ``promised`` is not kept."""
    seconds = sum(map(len, clips)) / rate
    began = time.process_time()
    notes = sum(len(found) for found in transcriber.transcribe(clips, rate, BATCH))
    ours = seconds / (time.process_time() - began)
    words = f" (promised {promised:g} x)" if promised else ""
    print(
        f"{len(clips)} clips of {seconds / len(clips):.3f} s, {notes} notes: here {ours:.0f} x real time{words}, ",
        end="",
    )
    print(f"the package, file by file, {package(clips[:RIVAL_CLIPS], rate):.0f} x")
    return int(bool(promised) and ours < promised)


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
