"""A prepared data set so small that every step takes a second: decaying harmonic notes of three instruments."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

RATE, SAMPLES = 16000, 8192
SPLITS = {"train": 24, "valid": 6, "test": 8}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


def make_prepared(folder: Path) -> Path:
    """Write the files of a prepared data set into ``folder``; return its index."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    time = np.arange(SAMPLES) / RATE
    rows, notes, sounds = [], [], []
    for split, clips in SPLITS.items():
        for k in range(clips):
            pitch, family = int(rng.integers(48, 73)), ("bass", "organ", "reed")[k % 3]
            frequency = 440 * 2 ** ((pitch - 69) / 12)
            partials = (
                [1, 1 / 2, 1 / 4] if family == "bass" else [1, 0, 1 / 2, 0, 1 / 3] if family == "reed" else [1, 1, 1, 1]
            )
            sound = sum(a * np.sin(2 * np.pi * frequency * (n + 1) * time) for n, a in enumerate(partials))
            sound = (12000 / len(partials) * sound * np.exp(-3 * time)).astype(np.int16)
            clip = f"{family}_{split}_{k:03d}"
            digest = hashlib.sha256(sound.tobytes()).hexdigest()
            labels = {"instrument": f"{family}_000", "family": family, "pitch": pitch, "velocity": 100, "track": ""}
            place = {"clip": clip, "row": len(rows), "split": split, "source": f"{clip}.wav", "start": 0}
            rows.append(place | {"seconds": SAMPLES / RATE, "sha256": digest} | labels)
            notes.append({"clip": clip, "pitch": pitch, "onset": 0.0, "offset": SAMPLES / RATE, "velocity": 100})
            sounds.append(sound)
    np.save(folder / "audio.npy", np.stack(sounds))
    for name, table in {"index": rows, "notes": notes}.items():
        with open(folder / f"{name}.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
    protocol = {"sample_rate": RATE, "chunk_samples": SAMPLES, "resampler": "none", "loudness": {"rule": "none"}}
    (folder / "protocol.json").write_text(json.dumps(protocol))
    return folder / "index.csv"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """The index of a prepared data set."""
    return make_prepared(tmp_path_factory.mktemp("data") / "prepared" / "toy")
