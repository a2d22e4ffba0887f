"""A folder of sound files, for real: `etude new`, the one word, new rows; nothing that was there is made again."""

import csv
import shutil
import subprocess
import sys

import numpy as np

from etude.audio.files import write_audio
from tests.tiny import planned, snakemake, tiny, write

RATE = 22050
ONCE = (
    "fetch_dataset", "prepare_dataset", "obtain_codec", "encode_dataset", "train_system", "generate_reconstructions",
    "generate_untrained", "generate_round_trip", "embed_reference", "fad_table", "page_sounds", "overview",
)  # fmt: skip


def test_a_folder_one_word_and_new_rows(finished, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(finished, project)
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    for k in range(20):
        walk = np.cumsum(np.random.default_rng(k).standard_normal((5 * RATE, 2)), axis=0)
        write_audio(sounds / (f"take {k}.wav" if k % 2 else f"{k}.flac"), 0.3 * walk / np.abs(walk).max(), RATE)
    done = subprocess.run(
        [sys.executable, "-m", "etude", "new", "dataset", "mine", "--from", str(sounds)],
        cwd=project, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [word] = [line.strip() for line in done.stdout.splitlines() if line.startswith("    ")]
    assert planned(project) == {}, "a manifest alone starts nothing"

    params = tiny()
    params["grid"]["datasets"].append(word)
    write(project, params)
    assert planned(project) == dict.fromkeys(ONCE, 1) | {"embed_clips": 3, "fad_of_set": 3}, (
        "and no judge: its judge is that of gm_notes"
    )
    with open(project / "reports/fad.csv", newline="") as file:
        [before] = csv.DictReader(file)
    snakemake(project)
    with open(project / "reports/fad.csv", newline="") as file:
        kept, new = csv.DictReader(file)
    assert kept == before
    assert new["dataset"] == "mine" and float(new["fad"]) > 0 and new["weights_sha256"] == kept["weights_sha256"]
    assert new["paper_value"] == "" and "| mine " in (project / "reports/fad.md").read_text()
