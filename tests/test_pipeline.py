"""The whole pipeline, for real, at a size of its own: what runs again after which change, and what a kill costs."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
CODE = ("Snakefile", "etude", "stages", "papers", "profiles", "data/sources")


def tiny() -> dict:
    """params.yaml with everything cut down until a run takes half a minute."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["scale"] = "smoke"
    smoke = params["scales"]["smoke"]
    smoke["grid"] = {"datasets": ["gm_notes"], "systems": ["msdae"], "seeds": [0]}
    smoke["fetch"]["gm_notes"] = {"programs": 2, "pitch_step": 12}
    smoke["train"] |= {"steps": 90, "log_every": 5, "checkpoint_every": 5}
    smoke["generate"]["clips"] = 12
    return params


def write(folder: Path, params: dict) -> None:
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]


def snakemake(folder: Path, *arguments: str) -> str:
    done = subprocess.run(command(*arguments), cwd=folder, capture_output=True, text=True, timeout=540)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def planned(folder: Path) -> dict[str, int]:
    """Jobs that a run would start, by rule."""
    output = snakemake(folder, "--dry-run", "--quiet", "rules")
    table = re.search(r"^job +count\n-+ +-+\n(.*?)\n\n", output + "\n\n", re.S | re.M)
    rows = (line.split() for line in table.group(1).splitlines()) if table else ()
    return {rule: int(count) for rule, count in rows if rule not in ("total", "all")}


@pytest.fixture(scope="module")
def halfway(tmp_path_factory) -> Path:
    """A project in which everything up to the encoded arrays is made, and nothing is trained."""
    folder = tmp_path_factory.mktemp("halfway")
    for name in CODE:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    write(folder, tiny())
    snakemake(folder, "encode", "judge")
    return folder


@pytest.fixture(scope="module")
def finished(halfway, tmp_path_factory) -> Path:
    """The same project after an undisturbed run."""
    folder = tmp_path_factory.mktemp("finished") / "project"
    shutil.copytree(halfway, folder)
    snakemake(folder)
    return folder


def test_the_table_is_there_and_whole(finished):
    table = (finished / "runs/smoke/reports/fad.csv").read_text().splitlines()
    assert len(table) == 2 and table[1].startswith("pichard2024,1,gm_notes,spectral,msdae,gm_cnn,")
    assert "| gm_notes" in (finished / "runs/smoke/reports/fad.md").read_text()


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
    params["scales"]["smoke"]["grid"]["seeds"] = [0, 1]
    write(finished, params)
    try:
        assert planned(finished) == {
            "train_system": 1,
            "generate_reconstructions": 1,
            "embed_clips": 1,
            "fad_of_set": 1,
            "fad_table": 1,
            "table_metrics": 1,
        }
    finally:
        write(finished, tiny())
    assert planned(finished) == {}


@pytest.mark.parametrize(
    ("change", "jobs"),
    [
        (
            {"train": {"lr": 0.002}},
            {"train_system", "generate_reconstructions", "embed_clips", "fad_of_set", "fad_table", "table_metrics"},
        ),
        ({"evaluate": {"seed": 3}}, {"fad_of_set", "fad_table", "table_metrics"}),
        (
            {"judge": {"gm_cnn": {"lr": 0.01}}},
            {"train_judge", "embed_clips", "embed_reference", "fad_of_set", "fad_table", "table_metrics"},
        ),
    ],
    ids=["train.lr", "evaluate.seed", "judge.gm_cnn.lr"],
)
def test_a_changed_number_runs_what_depends_on_it(finished, change, jobs):
    params = tiny()
    for block, values in change.items():
        for key, value in values.items():
            target = params["scales"]["smoke"].setdefault(block, {})
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
            {"fad_of_set", "fad_table", "table_metrics"},
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
                "table_metrics",
            },
        ),
        ("etude/systems/hdae.py", "from torch", "CHANGED = 1\nfrom torch", set()),
    ],
    ids=["comment", "metrics", "system", "other system"],
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
    while not list(folder.glob("runs/smoke/scratch/train-*/checkpoint.pt")):
        assert time.monotonic() < deadline and process.poll() is None, "no checkpoint was written"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(folder.glob("runs/smoke/models/systems/**/weights.safetensors")), (
        "it was killed too late to mean anything"
    )
    snakemake(folder, "--unlock")
    snakemake(folder)
    for name in ("fad.csv", "fad.md"):
        assert (folder / "runs/smoke/reports" / name).read_bytes() == (
            finished / "runs/smoke/reports" / name
        ).read_bytes()


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
