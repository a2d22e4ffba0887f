"""Basic Pitch, the transcriber behind pitch accuracy and melody F1 (P-33), on arrays and in batches."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from etude.audio.resample import resample

OVERLAP_FRAMES = 30  # that two neighbouring windows share, as in the package's own inference


class Note(NamedTuple):
    """Onset and offset in seconds, MIDI pitch, amplitude in 0..1."""

    onset: float
    offset: float
    pitch: int
    amplitude: float


@dataclass(frozen=True)
class TranscriptionSettings:
    """Thresholds of note creation; the package's defaults. ``minimum_frames`` of 11 are 127.7 ms."""

    onset_threshold: float = 0.5
    frame_threshold: float = 0.3
    minimum_frames: int = 11


class Transcriber:
    """The ONNX network that ships inside the basic-pitch wheel, on one thread.

    The package's own function takes a path and one window at a time; its post-processing is used unchanged.
    """

    def __init__(self, settings: TranscriptionSettings = TranscriptionSettings()):
        import onnxruntime

        logging.disable(logging.WARNING)  # basic_pitch warns of every backend that is not installed
        try:
            import basic_pitch
            from basic_pitch import constants, note_creation
        finally:
            logging.disable(logging.NOTSET)
        self._settings = settings
        self._notes = note_creation
        self.rate, self._window, self._hop = constants.AUDIO_SAMPLE_RATE, constants.AUDIO_N_SAMPLES, constants.FFT_HOP
        self._frames_per_second = constants.ANNOTATIONS_FPS
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = basic_pitch.build_icassp_2022_model_path(basic_pitch.FilenameSuffix.onnx)
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def transcribe(self, clips: Iterable[np.ndarray], rate: int, batch: int = 16) -> Iterator[list[Note]]:
        """Notes of each of ``clips`` (float32 [samples] at ``rate`` Hz), in the order of their onsets."""
        waiting: list[np.ndarray] = []
        for clip in clips:
            waiting.append(resample(clip, rate, self.rate))
            if len(waiting) == batch:
                yield from self._transcribe(waiting)
                waiting = []
        if waiting:
            yield from self._transcribe(waiting)

    def _transcribe(self, clips: list[np.ndarray]) -> Iterator[list[Note]]:
        step = self._window - OVERLAP_FRAMES * self._hop
        lead = np.zeros(OVERLAP_FRAMES * self._hop // 2, np.float32)
        windows, counts = [], []
        for clip in clips:
            padded = np.concatenate([lead, clip])
            starts = range(0, len(padded), step)
            windows += [np.pad(part := padded[s : s + self._window], (0, self._window - len(part))) for s in starts]
            counts.append(len(starts))
        names = [f"StatefulPartitionedCall:{i}" for i in (1, 2)]
        stacked = np.stack(windows).astype(np.float32)[..., None]
        outputs = self._session.run(names, {"serving_default_input_2:0": stacked})
        first = 0
        for clip, count in zip(clips, counts, strict=True):
            kept = int(len(clip) * (self._frames_per_second / self.rate))
            notes, onsets = (
                out[first : first + count, OVERLAP_FRAMES // 2 : -OVERLAP_FRAMES // 2].reshape(-1, out.shape[-1])[:kept]
                for out in outputs
            )
            first += count
            yield self._to_notes(notes, onsets)

    def _to_notes(self, frames: np.ndarray, onsets: np.ndarray) -> list[Note]:
        if not np.diff(frames, axis=0).any():  # silence: nothing ever begins, and the package would divide zero by zero
            return []
        events = self._notes.output_to_notes_polyphonic(
            frames, onsets, self._settings.onset_threshold, self._settings.frame_threshold,
            self._settings.minimum_frames, True, None, None,
        )  # fmt: skip
        times = self._notes.model_frames_to_time(len(frames) + 1)
        return sorted(Note(float(times[a]), float(times[b]), int(p), float(level)) for a, b, p, level in events)


def main_pitch(notes: list[Note]) -> int | None:
    """Pitch of a single-note clip: of the note with the largest amplitude x duration (P-35); None without notes."""
    if not notes:
        return None
    return max(notes, key=lambda note: note.amplitude * (note.offset - note.onset)).pitch
