"""Small sets of clips that several tests need: notes made of sines, in the layouts of prepared and generated sets."""

import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from etude.audio.files import to_float, to_int16, write_audio
from etude.pipeline.files import sha256_bytes, sha256_file, write_csv, write_json
from tests.tiny import copy_project, snakemake

RATE = 16000
SAMPLES = 32768
FAMILIES = {"flute": [1.0, 0.1], "reed": [1.0, 0.0, 0.6, 0.0, 0.4, 0.0, 0.3], "string": [1 / k for k in range(1, 9)]}


def note(family: str, pitch: int, rate: int = RATE, samples: int = SAMPLES) -> np.ndarray:
    """A decaying note: int16 [samples] with the harmonics of its family."""
    time = np.arange(samples) / rate
    frequency = 440.0 * 2 ** ((pitch - 69) / 12)
    partials = [a * np.sin(2 * np.pi * frequency * k * time + k) for k, a in enumerate(FAMILIES[family], start=1)]
    sound = np.sum(partials, axis=0) * np.exp(-time)
    return to_int16(0.8 * sound / np.abs(sound).max())


def make_prepared(folder: Path, rate: int = RATE, samples: int = SAMPLES, pitches=range(48, 72)) -> Path:
    """A prepared data set of one note per family and pitch; a sixth of them each in splits valid and test."""
    folder.mkdir(parents=True)
    rows, notes, audio = [], [], []
    for family in FAMILIES:
        for pitch in pitches:
            clip = f"{family}-{pitch}"
            audio.append(note(family, pitch, rate, samples))
            split = {0: "valid", 1: "test"}.get(zlib.crc32(clip.encode()) % 6, "train")
            seconds = samples / rate
            rows.append(
                {
                    **{
                        "clip": clip,
                        "row": len(rows),
                        "split": split,
                        "source": "sines",
                        "start": 0,
                        "seconds": seconds,
                    },
                    **{"sha256": sha256_bytes(audio[-1].data), "instrument": family, "family": family, "pitch": pitch},
                    **{"velocity": 100, "track": ""},
                }
            )
            notes.append({"clip": clip, "pitch": pitch, "onset": 0.0, "offset": seconds, "velocity": 100})
    np.save(folder / "audio.npy", np.stack(audio))
    write_csv(folder / "index.csv", rows, list(rows[0]))
    write_csv(folder / "notes.csv", notes, list(notes[0]))
    write_json(folder / "protocol.json", {"sample_rate": rate, "loudness": {"rule": "none"}})
    return folder / "index.csv"


def make_generated(folder: Path, clips: dict[str, np.ndarray], rate: int = RATE) -> Path:
    """A generated set: float samples by clip id, written as FLAC."""
    folder.mkdir(parents=True)
    rows = []
    for clip, samples in clips.items():
        path = folder / f"{clip}.flac"
        write_audio(path, samples, rate)
        rows.append({"clip": clip, "file": path.name, "seconds": len(samples) / rate, "sha256": sha256_file(path)})
    write_csv(folder / "index.csv", rows, ["clip", "file", "seconds", "sha256"])
    write_json(folder / "protocol.json", {"sample_rate": rate})
    return folder / "index.csv"


@pytest.fixture
def prepared_set(tmp_path: Path) -> Callable[..., Path]:
    """Makes a prepared data set, returns its index.csv; arguments as :func:`make_prepared` after the folder."""
    return lambda name="prepared", **options: make_prepared(tmp_path / name, **options)


@pytest.fixture
def generated_set(tmp_path: Path) -> Callable[..., Path]:
    """Makes a generated set, returns its index.csv; arguments as :func:`make_generated` after the folder."""
    return lambda clips, name="generated", rate=RATE: make_generated(tmp_path / name, clips, rate)


@pytest.fixture
def sines() -> dict[str, np.ndarray]:
    """Float notes by clip id: 24 pitches, three families."""
    return {f"{family}-{pitch}": to_float(note(family, pitch)) for family in FAMILIES for pitch in range(48, 72)}


@pytest.fixture(scope="session")
def halfway(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real project at a tiny size: everything up to the encoded arrays is made, and nothing is trained."""
    folder = tmp_path_factory.mktemp("halfway")
    copy_project(folder)
    snakemake(folder, "encode", "judge")
    return folder


@pytest.fixture(scope="session")
def finished(halfway: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same project after an undisturbed run; who changes it puts it back."""
    folder = tmp_path_factory.mktemp("finished") / "project"
    shutil.copytree(halfway, folder)
    snakemake(folder)
    return folder
