"""skeleton, from a copy small enough to write here to the clips of the prepare step."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from etude.audio.files import write_audio
from etude.errors import UserError
from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import namespace
from stages.fetch.fetch import fetch
from stages.prepare.prepare import prepare

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "data/sources/skeleton.yaml"
PREPARE = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["prepare"]
RATE = 16000
INSTRUMENTS = {"violin": "train", "cello": "valid", "viola": "test"}


def small(folder: Path) -> Path:
    """One note of each instrument, as the data set lies on disk."""
    (folder / "audio").mkdir(parents=True)
    rows = []
    for number, (instrument, split) in enumerate(INSTRUMENTS.items()):
        sound = 0.5 * np.sin(2 * np.pi * 220 * (number + 1) * np.arange(2 * RATE) / RATE)
        write_audio(folder / "audio" / f"{instrument}.wav", sound, RATE)
        labels = {"file": f"{instrument}.wav", "split": split, "instrument": instrument, "family": "string"}
        rows.append(labels | {"pitch": 57 + 12 * number, "seconds": 2.0})
    write_csv(folder / "index.csv", rows, list(rows[0]))
    return folder


def prepared(folder: Path, place: Path) -> list[dict[str, str]]:
    """Fetch and prepare the copy at ``place`` as the rules do."""
    manifest = yaml.safe_load(SOURCE.read_text(encoding="utf-8")) | {"place": str(place)}
    source = folder / "sources/skeleton.yaml"
    source.parent.mkdir(parents=True)
    source.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    raw = folder / "raw/skeleton/manifest.csv"
    fetch(namespace({}), source, "1", raw)
    prepare(namespace(PREPARE), source, raw, folder / "prepared")
    return read_csv(folder / "prepared/index.csv")


def test_a_small_copy_becomes_clips(tmp_path):
    rows = prepared(tmp_path, small(tmp_path / "copy"))
    found = [(row["clip"], row["split"], row["family"], row["pitch"]) for row in rows]
    assert found == [
        ("violin", "train", "string", "57"), ("cello", "valid", "string", "69"), ("viola", "test", "string", "81")
    ]  # fmt: skip


def test_a_copy_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"put the folder with index\.csv and audio/ there"):
        prepared(tmp_path, tmp_path / "nowhere")


def test_another_index_is_one_sentence(tmp_path):
    place = small(tmp_path / "copy")
    (place / "index.csv").write_text("file,label\nviolin.wav,3\n")
    with pytest.raises(UserError, match=r"index\.csv: not the index of skeleton"):
        prepared(tmp_path, place)
