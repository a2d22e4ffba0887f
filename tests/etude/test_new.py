"""`etude new`: what it writes works and is tested as it lies there; what it refuses is one sentence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from etude.audio.files import write_audio
from etude.cli import main
from etude.config import resolve
from etude.errors import UserError
from etude.new.skeleton import KINDS, TEMPLATES, Skeleton, with_block
from stages.fetch.manifest import read_source
from tests.tiny import ROOT, copy_project, write

RATE = 16000


def recordings(folder: Path, count: int = 12, seconds: float = 5.0) -> Path:
    """Sound files of noise that rises and falls, each its own, without any label."""
    folder.mkdir(parents=True)
    for k in range(count):
        noise = np.random.default_rng(k).standard_normal(int(seconds * RATE))
        write_audio(folder / f"take {k}.wav", 0.2 * noise * np.hanning(len(noise)), RATE)
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    """What `etude new` looks at: params.yaml, and the folders that its files go to."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "data/sources", folder / "data/sources")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> Path:
    """The project with one of each kind, as a user adds them."""
    folder = tmp_path_factory.mktemp("everything")
    copy_project(folder)
    sounds = recordings(tmp_path_factory.mktemp("sounds") / "takes")
    commands = [[kind, f"my_{kind}"] for kind in KINDS] + [["dataset", "mine", "--from", str(sounds)]]
    for words in commands:
        done = subprocess.run(
            [sys.executable, "-m", "etude", "new", *words], cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert f"\n    {words[1]}\n" in done.stdout, "the one word"
    return folder


def test_every_skeleton_passes_its_own_test_and_the_linter(everything):
    shutil.copy(ROOT / "pyproject.toml", everything)
    tests = sorted(str(path.relative_to(everything)) for path in (everything / "tests").rglob("test_*.py"))
    assert len(tests) == len(KINDS) + 1
    for program in (
        ["pytest", *tests],
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "tests", "etude", "stages"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *program],
            cwd=everything,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "skeleton" not in (everything / "etude/systems/my_system.py").read_text().lower()


def test_the_words_are_all_that_the_dag_needs(everything):
    params = yaml.safe_load((everything / "params.yaml").read_text())
    words = {
        "datasets": ["mine", "my_dataset"],
        "codecs": ["my_codec"],
        "systems": ["my_system"],
        "metrics": ["my_metric"],
    }
    for key, more in words.items():
        params["grid"][key] += more
    write(everything, params)
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", "--cores", "1"]
    done = subprocess.run(command, cwd=everything, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = dict(line.split() for line in done.stdout.splitlines() if line[:1].isalpha() and len(line.split()) == 2)
    assert (jobs["fetch_dataset"], jobs["obtain_codec"], jobs["train_system"]) == ("3", "6", "12")
    assert jobs["train_judge"] == "2", "mine has no labels: it is judged by those of gm_notes"
    assert jobs["metric_of_set"] == str(3 * 2 * (2 * 2 + 1)) and jobs["metrics_table"] == "1"


def test_a_folder_becomes_a_manifest_that_says_what_is_there(project, tmp_path, capsys):
    sounds = recordings(tmp_path / "takes", 6)
    write_audio(sounds / "short.wav", np.zeros(100), RATE)
    assert main(["new", "dataset", "mine", "--from", str(sounds)]) == 0
    said = capsys.readouterr().out
    assert "7 sound files, 0.5 minutes, about 12 clips of 2.05 s" in said and "labels: none" in said
    assert "1 files are shorter than 1.02 s" in said and "add to grid.datasets\n\n    mine\n" in said
    source = read_source(project / "data/sources/mine.yaml")
    assert (source.place, source.reader, source.expect) == (str(sounds), "folder", {"*.wav": 7})
    assert source.judged_by == "gm_notes" and source.size.clips == 12
    resolved = resolve(yaml.safe_load((project / "params.yaml").read_text()) | {"scale": "smoke"}, project)
    assert "mine" not in resolved["grid"]["datasets"], "the word is the user's"


def test_labels_that_are_there_teach_the_judges(project, tmp_path, capsys):
    for family in ("low", "high"):
        recordings(tmp_path / "sounds" / family, 2, seconds=600.0)
    assert main(["new", "dataset", "mine", "--from", str(tmp_path / "sounds")]) == 0
    assert "2 families (high 2, low 2)" in capsys.readouterr().out
    source = read_source(project / "data/sources/mine.yaml")
    assert source.judged_by is None and source.expect == {"*/*.wav": 4}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["dataset", "gm_notes"], "data/sources/gm_notes.yaml is there already"),
        (["dataset", "Mine"], "'Mine' cannot be the name of a dataset"),
        (["dataset", "../x"], "cannot be the name"),
        (["system", "lambda"], "no word of Python"),
        (["system", "untrained_x"], "sets of clips are called so"),
        (["system", "idea", "--from", "."], "--from is for a dataset"),
        (["dataset", "mine", "--from", "nowhere"], "nowhere: no such folder"),
        (["dataset", "mine", "--from", "empty"], "empty: no sound file found"),
        (
            ["dataset", "mine", "--from", "few"],
            "2 of 2 sound files last 1.02 s or more, and train, valid and test need one",
        ),
        (["dataset", "mine", "--from", "broken"], "x.wav: not readable as audio"),
    ],
)
def test_what_is_refused_is_one_sentence_and_leaves_nothing(project, capsys, words, sentence):
    (project / "empty").mkdir()
    (project / "broken").mkdir()
    (project / "broken/x.wav").write_text("no sound")
    recordings(project / "few", 2)
    before = sorted(str(path) for path in project.rglob("*"))
    assert main(["new", *words]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("error: ") and sentence in error and "\n" not in error
    assert sorted(str(path) for path in project.rglob("*")) == before


def test_outside_a_project_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "system", "idea"]) == 2
    assert "no params.yaml" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_a_block_goes_to_the_end_of_its_family_and_nothing_else_changes():
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    for family in ("systems", "codec"):
        new = with_block(text, family, "idea:\n  size: 3   # of it\n")
        assert new.replace("  idea:\n    size: 3   # of it\n", "") == text
        before, after = yaml.safe_load(text), yaml.safe_load(new)
        assert after[family].pop("idea") == {"size": 3} and after == before
    with pytest.raises(UserError, match="no block `colours:`"):
        with_block(text, "colours", "red: 1\n")


def test_a_block_that_params_refuse_takes_everything_back(project, monkeypatch):
    before = (project / "params.yaml").read_text()
    skeleton = Skeleton("system", "idea", {"etude/systems/idea.py": "x = 1\n"}, block="idea: {size: 3}\nother: {}\n")
    with pytest.raises(UserError, match=r"systems\.idea is not known"):
        skeleton.write(project)  # the library has no such file: this project's folder is not the one imported
    assert (project / "params.yaml").read_text() == before and not (project / "etude/systems/idea.py").exists()


def test_templates_are_real_files():
    for folder in TEMPLATES.iterdir():
        kinds = [path.suffix for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert ".py" in kinds and set(kinds) <= {".py", ".yaml"}, folder
