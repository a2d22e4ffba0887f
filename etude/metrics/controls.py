"""How well a sound follows its controls (M-48): pitch class, silence and loudness, told from the audio itself.

Pitch is that of YIN in the range of the melodies: of the transcribers at hand it is the one whose score on true
renderings is nearest to 1 (0.97 to 1.00 on piano, violin, trumpet, where Basic Pitch has 0.90 to 0.99 and hears
releases as notes), and it is two hundred times faster than pYIN. It always names a pitch, so noise has chance, 1/12.

Silence is a level far below the clip's loudest. Frames next to the edge of a note, and the release that every
instrument has after its end, belong to neither side and are left out.

A velocity is the loudness of a *beginning*: a piano tone decays at constant velocity. So each note gives one pair, the
mean level of its first 200 ms and the logarithm of its velocity (level is proportional to that in General MIDI
synthesisers), and pairs are compared within their clip, hence within one instrument and one gain. A line that moves all
the time is cut into pieces of 200 ms. Clips in which velocity hardly moves weigh little: the sums of all clips are
taken before the correlation is.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from etude.metrics.intervals import bootstrap_interval

LOWEST_HZ, HIGHEST_HZ = 123.0, 555.0  # a quarter tone and more beyond C3 and C5
YIN_SECONDS, YIN_HOP_SECONDS, TROUGH = 0.085, 0.01, 0.1
LEVEL_SECONDS = 0.04
SILENCE_DB = -35.0  # below the loudest frame of the clip
EDGE_SECONDS, RELEASE_SECONDS = 0.02, 0.2
BEGINNING_SECONDS = 0.2  # of a note: what its loudness is told from
SHORTEST_SECONDS = 0.05  # of a note that is judged; plateaus shorter than that are a line that moves
SILENT, UNKNOWN = -1, -2  # as in etude.controls.asked

COLUMNS = (
    "pitch_right", "pitch_frames", "sounding_heard", "sounding_frames", "silent_heard", "silent_frames",
    "level_velocity", "velocity_velocity", "level_level", "notes",
    "free_c_silent", "free_c_frames", "free_other_silent", "free_other_frames",
)  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """Pitch class 0..11 and level in dB below the clip's loudest, frame by frame [frames]."""

    pitch_class: np.ndarray
    level: np.ndarray

    @property
    def sounding(self) -> np.ndarray:
        return self.level > SILENCE_DB


def hear(audio: np.ndarray, rate: int, frames: int, frame_rate: float) -> Heard:
    """What is heard of mono ``audio`` [samples] at ``rate`` Hz around the centres of ``frames`` at ``frame_rate``."""
    import librosa

    centres = np.minimum((np.arange(frames) + 0.5) / frame_rate * rate, max(len(audio) - 1, 0)).astype(np.int64)
    hop = max(1, round(YIN_HOP_SECONDS * rate))
    size = 2 * round(YIN_SECONDS * rate / 2)
    audio = np.asarray(audio, np.float64)
    padded = np.pad(audio, (0, max(0, size - len(audio))))
    pitches = librosa.yin(
        padded, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, sr=rate, frame_length=size, hop_length=hop, trough_threshold=TROUGH
    )
    at = np.minimum(np.rint(centres / hop).astype(np.int64), len(pitches) - 1)
    classes = np.rint(69 + 12 * np.log2(pitches[at] / 440.0)).astype(np.int64) % 12
    return Heard(classes, _level(audio, rate, centres))


def _level(audio: np.ndarray, rate: int, centres: np.ndarray) -> np.ndarray:
    """Level [frames] in dB below the loudest, of the power around ``centres`` (samples)."""
    half = max(1, round(LEVEL_SECONDS * rate / 2))
    power = np.concatenate([[0.0], np.cumsum(np.square(audio))])
    first, last = np.clip(centres - half, 0, len(audio)), np.clip(centres + half, 0, len(audio))
    mean = np.maximum((power[last] - power[first]) / np.maximum(last - first, 1), 0.0)
    decibels = 10 * np.log10(mean + 1e-12)
    return decibels - decibels.max(initial=-120.0)


def counts(velocity: np.ndarray, pitch_class: np.ndarray, frame_rate: float, heard: Heard) -> np.ndarray:
    """What one clip adds to the scores, float64 in the order of :data:`COLUMNS`; clips may be added up.

    ``velocity`` and ``pitch_class`` [frames] as in :class:`etude.controls.asked.Asked`.
    """
    silent = pitch_class == SILENT
    known = np.where(np.isnan(velocity), pitch_class >= 0, velocity > 0)
    inside = ~_edges(silent, pitch_class, frame_rate)
    told = known & (pitch_class >= 0) & inside
    sounding, silence = known & inside, silent & inside
    notes = _pairs(velocity, pitch_class, frame_rate, heard.level)
    centred = notes - notes.mean(axis=0) if len(notes) > 1 else np.zeros((0, 2))
    covariance = centred.T @ centred
    # What chroma 0 says alone, while velocity does not tell whether it is a C or a rest.
    c, other = (pitch_class == 0) | silent, pitch_class > 0
    quiet = ~heard.sounding
    return np.array(
        [
            np.sum(told & (heard.pitch_class == pitch_class)), np.sum(told),
            np.sum(sounding & heard.sounding), np.sum(sounding), np.sum(silence & quiet), np.sum(silence),
            covariance[0, 1], covariance[0, 0], covariance[1, 1], len(centred),
            np.sum(c & quiet), np.sum(c), np.sum(other & quiet), np.sum(other),
        ],
        dtype=np.float64,
    )  # fmt: skip


def _edges(silent: np.ndarray, pitch_class: np.ndarray, frame_rate: float) -> np.ndarray:
    """Frames [frames] that lie too near to a change of pitch, or in the release after a note."""
    edge, release = (round(seconds * frame_rate) for seconds in (EDGE_SECONDS, RELEASE_SECONDS))
    near = np.zeros(len(silent), dtype=bool)
    for change in np.flatnonzero(np.diff(pitch_class) != 0) + 1:
        near[max(change - edge, 0) : change + (release if silent[change] else edge)] = True
    return near


def _pairs(velocity: np.ndarray, pitch_class: np.ndarray, frame_rate: float, level: np.ndarray) -> np.ndarray:
    """(20 log10 of velocity, level of the beginning in dB) of each note [notes, 2]."""
    beginning = max(1, round(BEGINNING_SECONDS * frame_rate))
    pairs = []
    for first, last in note_spans(velocity, pitch_class, frame_rate):
        part = slice(first, min(last, first + beginning))
        pairs.append((20 * np.log10(velocity[part].mean()), level[part].mean()))
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def note_spans(velocity: np.ndarray, pitch_class: np.ndarray, frame_rate: float) -> list[tuple[int, int]]:
    """First frame and end of each note that the controls ask for: stretches of one pitch class and one velocity, or,
    where velocity keeps moving, pieces of 200 ms. Only those of a known velocity and of 50 ms or more."""
    shortest, piece = (max(1, round(seconds * frame_rate)) for seconds in (SHORTEST_SECONDS, BEGINNING_SECONDS))
    sounding = np.nan_to_num(velocity, nan=0.0) > 0
    spans = []
    for first, last in _runs(np.where(sounding, pitch_class, SILENT)):
        if not sounding[first]:
            continue
        plateaus = [(first + a, first + b) for a, b in _runs(velocity[first:last])]
        if np.median([b - a for a, b in plateaus]) < shortest:
            plateaus = [(a, min(a + piece, last)) for a in range(first, last, piece)]
        spans += [(a, b) for a, b in plateaus if b - a >= shortest]
    return spans


def _runs(values: np.ndarray) -> list[tuple[int, int]]:
    """First position and end of each run of equal ``values``."""
    if not len(values):
        return []
    edges = [0, *(np.flatnonzero(np.diff(values) != 0) + 1).tolist(), len(values)]
    return list(pairwise(edges))


# --- scores: functions of counts [..., clips, columns], over the clips


def _sum(cases: np.ndarray, name: str) -> np.ndarray:
    return cases[..., COLUMNS.index(name)].sum(axis=-1)


def _share(cases: np.ndarray, part: str, whole: str) -> np.ndarray:
    total = _sum(cases, whole)
    return np.where(total > 0, _sum(cases, part) / np.maximum(total, 1), np.nan)


def pitch_accuracy(cases: np.ndarray) -> np.ndarray:
    """Share of sounding frames whose pitch class is heard; by chance 1/12."""
    return _share(cases, "pitch_right", "pitch_frames")


def voicing_accuracy(cases: np.ndarray) -> np.ndarray:
    """Mean of two shares: of sounding frames that sound, and of silent ones that are silent; by chance 1/2."""
    sides = (
        _share(cases, "sounding_heard", "sounding_frames"),
        _share(cases, "silent_heard", "silent_frames"),
    )
    return (sides[0] + sides[1]) / 2


def velocity_correlation(cases: np.ndarray) -> np.ndarray:
    """Correlation of log velocity and level over notes, within clips; by chance 0."""
    power = _sum(cases, "velocity_velocity") * _sum(cases, "level_level")
    return np.where(power > 1e-9, _sum(cases, "level_velocity") / np.sqrt(np.maximum(power, 1e-9)), np.nan)


def silence_at_c(cases: np.ndarray) -> np.ndarray:
    """Share of frames of chroma 0 (a C or a rest) that are silent: claim 10 of the memoir is about it."""
    return _share(cases, "free_c_silent", "free_c_frames")


def silence_elsewhere(cases: np.ndarray) -> np.ndarray:
    """Share of frames of any other chroma that are silent."""
    return _share(cases, "free_other_silent", "free_other_frames")


SCORES = {
    "chroma_accuracy": pitch_accuracy,
    "voicing_accuracy": voicing_accuracy,
    "velocity_correlation": velocity_correlation,
    "silence_at_c": silence_at_c,
    "silence_elsewhere": silence_elsewhere,
}


def score(name: str, cases: np.ndarray, resamples: int, seed: int) -> tuple[float, float, float] | None:
    """Score ``name`` of clips ``cases`` [clips, columns] and its 95 % interval over clips (bootstrap of ratios of
    sums); None where there is nothing to tell it from."""
    value = float(SCORES[name](cases))
    if np.isnan(value):
        return None

    def statistic(drawn: np.ndarray) -> np.ndarray:
        found = SCORES[name](drawn)
        return np.where(np.isnan(found), value, found)  # a draw that happens to hold no case says nothing

    return value, *bootstrap_interval(statistic, cases, resamples, seed)
