"""What the judges hear: the pitch of a sound, and how near it is to its sources in notes, timbre and loudness."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
from tabulate import tabulate

from etude.audio.stream import mono_blocks
from etude.metrics.envelope import contour_correlation, loudness_contour
from etude.metrics.notes import Score, match
from etude.metrics.timbre import SECONDS, TimbreMetric, mfcc
from etude.metrics.transcription import Transcriber, main_pitch
from etude.play.session import Session

JUDGED = 60  # seconds of each sound: nobody needs the memory of two hours for it
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
HEADERS = ["sound", "pitch", "beside", "its pitch", "note F1", "timbre", "loudness"]


class Judges:
    """Transcriber and timbre metric (None: not trained) for sounds at ``rate`` Hz."""

    def __init__(self, rate: int, timbre: TimbreMetric | None):
        self.rate, self.timbre, self.transcriber = rate, timbre, Transcriber()


class Heard:
    """One sound as the judges know it: its notes, the contour of its loudness, its timbre."""

    def __init__(self, file: Path, judges: Judges):
        audio = beginning(file, judges.rate)
        self.notes = next(judges.transcriber.transcribe([audio], judges.rate))
        self.contour = loudness_contour(audio, judges.rate)
        self.timbre = None if judges.timbre is None else _timbre(audio, judges.rate, judges.timbre)

    @property
    def pitch(self) -> str:
        """The main note (longest times loudest, P-35) as a musician writes it, with its MIDI number."""
        found = main_pitch(self.notes)
        return "none found" if found is None else f"{NAMES[found % 12]}{found // 12 - 1} ({found})"

    def nearness(self, other: "Heard") -> list[float | None]:
        """F1 of notes (onset and pitch), cosine of timbres, correlation of loudness; None: not defined."""
        notes = match(Score.of(other.notes), Score.of(self.notes))["note"]
        return [
            notes.f1 if notes.reference and notes.estimate else None,
            None if self.timbre is None else float(self.timbre @ other.timbre),
            contour_correlation(self.contour, other.contour),
        ]


def judge(made: dict[str, Path], sources: dict[str, Path], session: Session) -> str:
    """A table: each of ``made`` beside each of ``sources``, and for a floor the sources beside one another."""
    facts = session.trained.timbre_facts
    judges = Judges(session.player.rate, _timbre_metric(facts))
    given = {name: Heard(file, judges) for name, file in sources.items()}
    lines = []
    for name, file in made.items():
        sound = Heard(file, judges)
        lines += [[name, sound.pitch, k, source.pitch, *sound.nearness(source)] for k, source in given.items()]
    pairs = [a.nearness(b) for a, b in combinations(given.values(), 2)]
    lines.append(["sources", "", "one another", "", *map(_mean, zip(*pairs, strict=True))])
    table = tabulate(lines, HEADERS, floatfmt=".2f", missingval="–", disable_numparse=[0, 1, 2, 3])
    without = "" if judges.timbre else f" No timbre metric is trained yet: `etude run {facts}` makes it."
    return (
        f"\n{table}\n\nnote F1: same pitch, onset within 50 ms, by Basic Pitch. timbre: cosine of the triplet metric. "
        "loudness: correlation of the contours. 1 is the same; the last line is what sources have in common before any "
        f"system comes into play. Judged: the first {JUDGED} s.{without}"
    )


def beginning(file: Path, rate: int) -> np.ndarray:
    """The first :data:`JUDGED` seconds of ``file`` as mono at ``rate`` Hz."""
    samples, parts = 0, []
    for block in mono_blocks(file, rate):
        parts.append(block)
        if (samples := samples + len(block)) >= JUDGED * rate:
            break
    return np.concatenate(parts)[: JUDGED * rate]


def _timbre_metric(facts: Path) -> TimbreMetric | None:
    if not facts.exists():
        return None
    return TimbreMetric.load(facts.with_name(json.loads(facts.read_text(encoding="utf-8"))["weights"]))


def _timbre(audio: np.ndarray, rate: int, metric: TimbreMetric) -> np.ndarray:
    """Mean direction of the vectors of consecutive stretches as long as the metric looks at; a rest is left out."""
    size = SECONDS * rate
    starts = range(0, max(len(audio) - size, 0) + 1, size)
    mean = metric.vectors(np.stack([mfcc(audio[start : start + size], rate) for start in starts])).mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)


def _mean(values: tuple[float | None, ...]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
