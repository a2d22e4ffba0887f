"""The ceiling of a codec: what a round trip through it costs on clips that were not used to fit it."""

import json
from pathlib import Path

import numpy as np
import torch

from etude.audio.files import to_float
from etude.metrics.spectral import log_spectral_distance
from etude.metrics.transcription import Transcriber, main_pitch
from etude.pipeline.files import read_csv
from stages.codec.faithful import faithfulness

CLIPS = 200  # enough for +-2 % on an accuracy of 97 %, few enough for half a minute
SECONDS = 640  # of audio at most: clips of eight seconds are fewer
BATCH = 20


def ceiling(codec, index: Path) -> dict[str, float]:
    """Facts about round trips of held-out clips (valid and test), spread evenly over them.

    ``log_spectral_distance`` in dB, and, where clips are single notes, ``pitch_original`` and ``pitch_round_trip``:
    the share on which Basic Pitch finds the labelled pitch. Of a codec that says it ``keeps_phase``, more: see
    :mod:`stages.codec.faithful`.
    """
    rate = json.loads(index.with_name("protocol.json").read_text(encoding="utf-8"))["sample_rate"]
    audio = np.load(index.with_name("audio.npy"), mmap_mode="r")
    rows = [row for row in read_csv(index) if row["split"] != "train"]
    wanted = min(CLIPS, len(rows), SECONDS * rate // audio.shape[1])
    rows = [rows[i] for i in np.linspace(0, len(rows) - 1, wanted).round().astype(int)]
    originals = to_float(audio[[int(row["row"]) for row in rows]])
    trips = np.concatenate([_round_trip(codec, originals[i : i + BATCH]) for i in range(0, len(rows), BATCH)])
    facts = {"clips": len(rows), "log_spectral_distance": log_spectral_distance(originals, trips)}
    if all(row["pitch"] for row in rows):
        pitches = [int(row["pitch"]) for row in rows]
        transcriber = Transcriber()
        for name, clips in {"pitch_original": originals, "pitch_round_trip": trips}.items():
            found = [main_pitch(notes) for notes in transcriber.transcribe(clips, rate)]
            facts[name] = float(np.mean([a == b for a, b in zip(found, pitches, strict=True)]))
    if getattr(codec, "keeps_phase", False):
        facts |= faithfulness(codec, rows, originals, trips, index.with_name("notes.csv"), rate)
    return facts


@torch.inference_mode()
def _round_trip(codec, clips: np.ndarray) -> np.ndarray:
    audio = torch.from_numpy(clips)
    return codec.decode(codec.encode(audio), audio.shape[1], seed=0).clamp(-1, 1).numpy()
