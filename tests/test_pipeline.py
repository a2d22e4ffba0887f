"""The whole pipeline, for real, at a size of its own: what runs again after which change, and what a kill costs."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.tiny import command, planned, snakemake, tiny, write

PAGE = {"page_sounds", "overview"}  # the page and the sounds on it, where sounds change


def test_the_table_is_there_and_whole(finished):
    table = (finished / "reports/fad.csv").read_text().splitlines()
    assert len(table) == 2 and table[1].startswith("pichard2024,1,gm_notes,spectral,msdae,gm_cnn,")
    assert "| gm_notes" in (finished / "reports/fad.md").read_text()


def test_the_thesiss_pages_are_made_from_the_same_run(finished, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(finished, folder)
    tables = [f"reports/pichard2024/table{number}.md" for number in (1, 2, 3)]
    snakemake(folder, *tables)
    one, two, three = ((folder / path).read_text() for path in tables)
    assert "| msdae (Ours)" in one and "| msdae (Ours)" in two and "floor: msdae untrained" in two
    assert "No data set of the grid" in three
    found = (folder / "reports/pichard2024/table2.csv").read_text()
    assert "random,gm_notes,spectral,msdae,system,instrument_probe_accuracy,4,percent,higher," in found


def test_nothing_is_left_to_do(finished):
    assert planned(finished) == {}


def test_dates_do_not_matter(finished):
    """A copied or checked-out project has other dates on all its files."""
    for k, path in enumerate(sorted(finished.rglob("*"))):
        if path.is_file() and ".snakemake" not in path.parts:
            stamp = time.time() - 1000 + (k * 7919) % 900
            os.utime(path, (stamp, stamp))
    assert planned(finished) == {}


def test_one_more_seed_starts_only_its_own_jobs(finished):
    params = tiny()
    params["grid"]["seeds"] = [0, 1]
    write(finished, params)
    try:
        assert planned(finished) == {
            "train_system": 1,
            "generate_reconstructions": 1,
            "embed_clips": 1,
            "fad_of_set": 1,
            "fad_table": 1,
            "overview": 1,
        }
    finally:
        write(finished, tiny())
    assert planned(finished) == {}


def test_one_more_data_set_starts_only_its_own_jobs(finished):
    """Its manifest and its reader lie there already: a user's last step is the word in the grid."""
    params = tiny()
    params["grid"]["datasets"].append("recorded_notes")
    write(finished, params)
    try:
        once = ["fetch_dataset", "prepare_dataset", "obtain_codec", "encode_dataset", "train_system", "train_judge"]
        once += [
            "generate_reconstructions",
            "generate_untrained",
            "generate_round_trip",
            "embed_reference",
            "fad_table",
            "page_sounds",
            "overview",
        ]
        assert planned(finished) == dict.fromkeys(once, 1) | {"embed_clips": 3, "fad_of_set": 3}
    finally:
        write(finished, tiny())
    assert planned(finished) == {}


def test_priors_asked_for_are_trained_and_become_rows(finished):
    params = tiny()
    params["grid"]["priors"] = ["msdae"]
    write(finished, params)
    try:
        once = ["levels_of_system", "train_prior", "sample_prior", "sample_gaussian", "fad_table", "overview"]
        assert planned(finished) == dict.fromkeys(once, 1) | {"embed_samples": 2, "fad_of_samples": 2}
    finally:
        write(finished, tiny())


@pytest.mark.parametrize(
    ("change", "jobs"),
    [
        (
            {"train": {"lr": 0.002}},
            {"train_system", "generate_reconstructions", "embed_clips", "fad_of_set", "fad_table"} | PAGE,
        ),
        ({"evaluate": {"seed": 3}}, {"fad_of_set", "fad_table", "overview"}),
        (
            {"judge": {"gm_cnn": {"lr": 0.01}}},
            {"train_judge", "embed_clips", "embed_reference", "fad_of_set", "fad_table", "overview"},
        ),
    ],
    ids=["train.lr", "evaluate.seed", "judge.gm_cnn.lr"],
)
def test_a_changed_number_runs_what_depends_on_it(finished, change, jobs):
    params = tiny()
    for block, values in change.items():
        for key, value in values.items():
            target = params[block]
            target[key] = target.get(key, {}) | value if isinstance(value, dict) else value
    write(finished, params)
    try:
        assert set(planned(finished)) == jobs
    finally:
        write(finished, tiny())


@pytest.mark.parametrize(
    ("file", "old", "new", "jobs"),
    [
        ("etude/metrics/frechet.py", "import numpy as np", "import numpy as np  # a comment\n\n", set()),
        (
            "etude/metrics/frechet.py",
            "import numpy as np",
            "import numpy as np\n\nCHANGED = 1",
            {"fad_of_set", "fad_table", "overview"},
        ),
        (
            "etude/systems/msdae.py",
            "import torch\n",
            "import torch\n\nCHANGED = 1\n",
            {
                "train_system",
                "generate_reconstructions",
                "generate_untrained",
                "embed_clips",
                "fad_of_set",
                "fad_table",
            }
            | PAGE,
        ),
        ("etude/systems/hdae.py", "from torch", "CHANGED = 1\nfrom torch", set()),
        ("stages/prepare/sources/slakh.py", "OMITTED =", "CHANGED = 1\nOMITTED =", set()),
    ],
    ids=["comment", "metrics", "system", "other system", "reader of another data set"],
)
def test_changed_code_runs_what_it_feeds(finished, file, old, new, jobs):
    path = finished / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    try:
        assert set(planned(finished)) == jobs
    finally:
        path.write_text(text)


def test_a_killed_training_goes_on_and_the_table_has_the_same_bytes(halfway, finished, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(halfway, folder)
    process = subprocess.Popen(
        command(), cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not list(folder.glob("scratch/train-*/checkpoint.pt")):
        assert time.monotonic() < deadline and process.poll() is None, "no checkpoint was written"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(folder.glob("models/systems/**/weights.safetensors")), "it was killed too late to mean anything"
    snakemake(folder, "--unlock")
    snakemake(folder)
    for name in ("fad.csv", "fad.md"):
        assert (folder / "reports" / name).read_bytes() == (finished / "reports" / name).read_bytes()


def test_a_misspelt_key_stops_before_anything_starts(halfway):
    params = tiny()
    params["train"]["stepz"] = 1
    write(halfway, params)
    try:
        done = subprocess.run(command("--dry-run"), cwd=halfway, capture_output=True, text=True)
    finally:
        write(halfway, tiny())
    assert done.returncode != 0
    assert "error: params.yaml: train.stepz is not a known key; did you mean steps?" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
