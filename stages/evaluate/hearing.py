"""What the judges say of clips, and how far two clips agree: pitch, melody, timbre, envelope (P-32 to P-36).

Every comparison is of a clip that was made with an original one, never with another made one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from etude.audio import clips as sets
from etude.errors import UserError
from etude.metrics.envelope import attack_seconds, contour_correlation, loudness_contour
from etude.metrics.intervals import bootstrap_interval, mean_interval, share_interval
from etude.metrics.notes import CRITERIA, Matched, Score, match
from etude.metrics.pitch import pitch_agrees
from etude.metrics.timbre import TimbreMetric, mfcc
from etude.metrics.transcription import Note, main_pitch
from etude.pipeline.files import read_csv, sha256_file
from etude.pipeline.progress import progress
from stages.judge.transcribe import read_notes

NETWORKS = {"timbre_similarity": "weights", "timbre_similarity_untrained": "untrained"}
SHARES = ("pitch_accuracy", "pitch_accuracy_folded", "pitch_accuracy_transcribed", "without_notes")
MATCHES = tuple(f"{criterion}_f1{reference}" for reference in ("", "_midi") for criterion in CRITERIA)
MEANS = (*NETWORKS, "contour_correlation", "attack_difference")


@dataclass(frozen=True)
class Heard:
    """A clip as the judges hear it. ``timbre``: one vector of length 1 per network of :data:`NETWORKS`."""

    notes: list[Note]
    score: Score
    timbre: dict[str, np.ndarray]
    contour: np.ndarray
    attack: float | None


@dataclass(frozen=True)
class Labels:
    """What is known of an original: its one ``pitch`` (None: it has no such label) and its true notes."""

    pitch: int | None
    score: Score


class Judges:
    """The timbre metric of ``facts`` (timbre.json) and everything that needs no network."""

    def __init__(self, facts: Path):
        said = json.loads(facts.read_text(encoding="utf-8"))
        for key in ("weights", "untrained"):
            path = facts.with_name(said[key])
            if not path.is_file() or sha256_file(path) != said[f"{key}_sha256"]:
                raise UserError(f"{path}: not the weights that {facts.name} describes; run the timbre judge again")
        self._networks = {name: TimbreMetric.load(facts.with_name(said[key])) for name, key in NETWORKS.items()}

    def hear(self, index: Path, notes: Path, split: str | None = None, limit: int | None = None) -> dict[str, Heard]:
        """All clips of the set of ``index``, whose transcription is ``notes``, by their ids."""
        found = read_notes(notes)
        ids, rate = sets.clip_ids(index, split, limit), sets.sample_rate(index)
        _same_clips(index, notes, ids, found)
        features, envelopes = [], []
        stream = sets.read_clips(index, split, limit)
        for _, audio in progress(stream, f"timbre and envelope of {index.parent}", total=len(ids)):
            features.append(mfcc(audio, rate))
            envelopes.append((loudness_contour(audio, rate), attack_seconds(audio, rate)))
        vectors = {name: network.vectors(np.stack(features)) for name, network in self._networks.items()}
        return {
            clip: Heard(
                found.get(clip, []),
                Score.of(found.get(clip, [])),
                {name: rows[k] for name, rows in vectors.items()},
                *envelopes[k],
            )
            for k, clip in enumerate(ids)
        }


def _same_clips(index: Path, notes: Path, ids: Sequence[str], found: dict[str, list[Note]]) -> None:
    said = json.loads(notes.with_name("transcription.json").read_text(encoding="utf-8"))
    unknown = found.keys() - set(ids)
    if said["clips"] != len(ids) or unknown:
        raise UserError(
            f"{notes}: transcription of {said['clips']} clips, {len(unknown)} of them not in {index}, which has "
            f"{len(ids)}; transcribe that set again"
        )


def read_labels(index: Path) -> dict[str, Labels]:
    """Labels of all clips of a prepared data set. A clip with no notes in notes.csv has an empty score."""
    notes: dict[str, list[Note]] = {}
    for row in read_csv(index.with_name("notes.csv")):
        note = Note(float(row["onset"]), float(row["offset"]), int(row["pitch"]), float(row["velocity"]) / 127)
        notes.setdefault(row["clip"], []).append(note)
    return {
        row["clip"]: Labels(int(row["pitch"]) if row["pitch"] else None, Score.of(notes.get(row["clip"], [])))
        for row in read_csv(index)
    }


def compare(made: Heard, original: Heard, labels: Labels) -> dict[str, Any]:
    """Agreement of ``made`` with ``original``, by metric; None where it means nothing: no label, a reference without
    any note, an envelope that does not move.

    pitch_accuracy: main note equal to the label; _folded: octaves forgiven; _transcribed: equal to the main note of the
    original's own transcription. note_f1 (onset and pitch), note_offset_f1, onset_f1, chroma_f1: against the original's
    transcription, or, with _midi, its true notes. attack_difference: seconds, absolute.
    """
    attacks = made.attack, original.attack
    found = {
        "pitch_accuracy": _agrees(made, labels.pitch),
        "pitch_accuracy_folded": _agrees(made, labels.pitch, octaves=False),
        "pitch_accuracy_transcribed": _agrees(made, main_pitch(original.notes)),
        "without_notes": not made.notes,
        "contour_correlation": contour_correlation(made.contour, original.contour),
        "attack_difference": None if None in attacks else abs(attacks[0] - attacks[1]),
    }
    found |= {name: float(made.timbre[name] @ original.timbre[name]) for name in NETWORKS}
    for suffix, score in (("", original.score), ("_midi", labels.score)):
        matched = match(score, made.score) if len(score.pitches) else dict.fromkeys(CRITERIA)
        found |= {f"{criterion}_f1{suffix}": value for criterion, value in matched.items()}
    return found


def _agrees(made: Heard, pitch: int | None, octaves: bool = True) -> bool | None:
    return None if pitch is None else pitch_agrees(made.notes, pitch, octaves)


def summarise(comparisons: Sequence[dict[str, Any]], resamples: int, seed: int) -> list[dict[str, Any]]:
    """Rows metric, statistic, value, ci_low, ci_high, n of many comparisons.

    Shares have exact binomial intervals, means ("mean": over clips; "micro": F1 of all notes together) bootstrap
    intervals over the pairs. A metric that no comparison has a value for is a row with n = 0 and no value.
    """
    rows = []

    def add(metric: str, statistic: str, n: int, value: float | None = None, interval=(None, None)) -> None:
        rows.append(
            {
                **{"metric": metric, "statistic": statistic, "value": value},
                **{"ci_low": interval[0], "ci_high": interval[1], "n": n},
            }
        )

    for metric in (*SHARES, *MATCHES, *MEANS):
        values = [found[metric] for found in comparisons if found[metric] is not None]
        if not values:
            add(metric, "mean", 0)
        elif metric in SHARES:
            add(metric, "mean", len(values), float(np.mean(values)), share_interval(sum(values), len(values)))
        elif metric in MEANS:
            cases = np.array(values, dtype=np.float64)
            add(metric, "mean", len(values), float(cases.mean()), mean_interval(cases, resamples, seed))
        else:
            cases = np.array([matched.f1 for matched in values])
            add(metric, "mean", len(values), float(cases.mean()), mean_interval(cases, resamples, seed))
            counts = np.array(values, dtype=np.float64)
            micro = sum(values, Matched(0, 0, 0)).f1
            add(metric, "micro", len(values), micro, bootstrap_interval(_micro, counts, resamples, seed))
    return rows


def _micro(counts: np.ndarray) -> np.ndarray:
    """F1 of the sums of (matched, reference, estimate) [resamples, cases, 3]."""
    matched, reference, estimate = np.moveaxis(counts.sum(axis=1), 1, 0)
    return 2 * matched / np.maximum(reference + estimate, 1)
