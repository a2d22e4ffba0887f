"""What more can be said of a codec that keeps the phase: its round trip sample by sample, its codes, its melodies."""

from pathlib import Path

import numpy as np
import torch

from etude.codecs.codes import CodesCodec
from etude.metrics.notes import Matched, Score, match
from etude.metrics.spectral import log_spectral_distance
from etude.metrics.transcription import Note, Transcriber
from etude.metrics.waveform import si_sdr, snr
from etude.pipeline.files import read_csv

BATCH = 8
TRANSCRIBED = 40  # clips


def faithfulness(codec, rows: list[dict], originals: np.ndarray, trips: np.ndarray, notes: Path, rate: int) -> dict:
    """Facts about ``trips`` of ``originals`` [clips, samples]: of ``rows``, whose notes are in the file ``notes``.

    ``si_sdr_db`` is the mean over clips; ``second_trip_snr_db`` compares a second round trip with the first, so that
    what a codec leaves out by design does not count: where it is high, decoding inverts encoding. Codes have the same
    facts of their own. ``notes_f1``: of what Basic Pitch finds against the true notes, where clips are no single notes.
    """
    again = in_batches(lambda x: codec.decode(codec.encode(x), x.shape[1], seed=0), trips)
    facts = {"si_sdr_db": _mean(si_sdr(originals, trips)), "second_trip_snr_db": _mean(snr(trips, again))}
    versions = {"original": originals, "round_trip": trips}
    if isinstance(codec, CodesCodec):
        coded = in_batches(lambda x: codec.decode_codes(codec.encode_codes(x), x.shape[1], seed=0), originals)
        facts |= {
            "si_sdr_db_codes": _mean(si_sdr(originals, coded)),
            "log_spectral_distance_codes": log_spectral_distance(originals, coded),
        }
        versions["codes"] = coded
    if not all(row["pitch"] for row in rows):
        true = _notes(notes, {row["clip"] for row in rows[:: _step(rows)]})
        facts |= {f"notes_f1_{name}": _f1(clips, rows, true, rate) for name, clips in versions.items()}
    return facts


@torch.inference_mode()
def in_batches(function, clips: np.ndarray) -> np.ndarray:
    """``function`` of ``clips`` [clips, samples], a few at a time, kept within -1..1."""
    parts = torch.from_numpy(clips).split(BATCH)
    return torch.cat([function(part).clamp(-1, 1) for part in parts]).numpy()


def _f1(clips: np.ndarray, rows: list[dict], true: dict[str, list[Note]], rate: int) -> float:
    step = _step(rows)
    found = Transcriber().transcribe(clips[::step], rate)
    pairs = zip((true[row["clip"]] for row in rows[::step]), found, strict=True)
    matches = [match(Score.of(reference), Score.of(estimate))["note"] for reference, estimate in pairs]
    return sum(matches, Matched(0, 0, 0)).f1


def _notes(path: Path, clips: set[str]) -> dict[str, list[Note]]:
    notes: dict[str, list[Note]] = {clip: [] for clip in clips}
    for row in read_csv(path):
        if row["clip"] in clips:
            times = float(row["onset"]), float(row["offset"])
            notes[row["clip"]].append(Note(*times, int(float(row["pitch"])), float(row["velocity"]) / 127))
    return notes


def _step(rows: list[dict]) -> int:
    return max(1, len(rows) // TRANSCRIBED)


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
