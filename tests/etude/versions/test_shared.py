"""Stages that papers share are sealed with the part that was made, and a rebuild makes that part: both locks agree.

A small project with a paper of its own, under git and DVC: `numbers` 1 and 2 are for everybody, 3 only for the paper.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from etude.versions.hashes import Hashes
from etude.versions.inside import Preparation
from etude.versions.lockfile import Lockfile
from etude.versions.records import load

ROOT = Path(__file__).parents[3]
PAPER = """# paper: its one table.
rule paper:
    input: "reports/paper.txt"
rule paper_table:
    input: expand("data/numbers/{k}.txt", k=[1, 2, 3])
    output: "reports/paper.txt"
    log: "logs/paper.log"
    shell: "cat {input} > {output}; echo added 2>&1 | tee {log}"
"""
MORE = """rule paper_more:
    input: "data/numbers/1.txt"
    output: "reports/more.txt"
    shell: "cp {input} {output}"
"""
DVC = ("-m", "dvc")
ETUDE = ("-m", "etude")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": programs, "PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "1"}
    command = words if words[0] == "git" else (sys.executable, *words)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=540)


def with_paper(folder: Path) -> Path:
    (folder / "stages/paper").mkdir()
    (folder / "stages/paper/paper.smk").write_text(PAPER)
    (folder / "data/sources/3.yaml").write_text("three\n")
    with open(folder / "Snakefile", "a") as snakefile:
        snakefile.write('include: "stages/paper/paper.smk"\n')
    return folder


def well(folder: Path, *words: str) -> str:
    done = run(folder, *words)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def sealed_stages(folder: Path) -> list[str]:
    return list(yaml.safe_load((folder / "dvc.lock").read_text())["stages"])


def seal(folder: Path) -> str:
    said = well(folder, *ETUDE, "seal")
    well(folder, "git", "add", ".")
    well(folder, "git", "commit", "--quiet", "--message", "sealed")
    return said


@pytest.fixture(scope="module")
def project(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the default target, sealed."""
    folder = Path(shutil.copytree(small_run, tmp_path_factory.mktemp("shared") / "project"))
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    with_paper(folder)
    with open(folder / "params.yaml", "a") as params:
        params.write("scale: laptop\n")
    for words in (["init", "--quiet"], ["config", "user.name", "A."], ["config", "user.email", "a@example.org"]):
        well(folder, "git", *words)
    well(folder, *ETUDE, "sync")
    assert "paper is left out" in seal(folder)
    return folder


def rebuild(project: Path, folder: Path) -> Path:
    """What `dvc repro` of the sealed stages makes of a clone without data; its locks have to be the sealed ones."""
    well(project, "git", "clone", "--quiet", str(project), str(folder))
    stages = sealed_stages(folder)
    well(folder, *DVC, "repro", "--quiet", *stages)
    assert well(folder, "git", "status", "--porcelain", "dvc.lock") == ""
    assert well(folder, *DVC, "status", *stages).strip() == "Data and pipelines are up to date."
    return folder


@pytest.mark.parametrize(
    ("collectors", "sealed", "wanted"),
    [
        (None, [], ["2", "3"]),  # before the first seal: whatever anybody asks for
        (["all", "make"], [], ["2"]),
        (["all", "make", "paper"], [], ["2", "3"]),
        (["all", "make"], ["3"], ["2", "3"]),  # a part that was sealed by itself
    ],
)
def test_what_a_stage_makes(small, collectors, sealed, wanted):
    with_paper(small)
    lockfile = Lockfile(small)
    with load(small) as workflow:
        for job in workflow.jobs:
            lockfile.note(job, workflow, Hashes(small, "sha256"))
    lockfile.collectors = collectors
    for name in sealed:
        entry = lockfile.jobs["data/numbers/2.txt"]
        lockfile.jobs[f"data/numbers/{name}.txt"] = entry | {"outputs": {f"data/numbers/{name}.txt": "0"}}
    lockfile.write()
    assert Lockfile(small).collectors == collectors
    (small / "data/numbers/2.txt").unlink()
    with Preparation(small, "make") as preparation:
        assert preparation.targets == [f"data/numbers/{name}.txt" for name in wanted]


def test_a_stage_that_was_never_sealed_is_made_as_a_whole(small):
    with_paper(small)
    path = small / "stages/paper/paper.smk"
    path.write_text(PAPER.replace('"reports/paper.txt"', '"reports/paper.txt", "reports/more.txt"', 1) + MORE)
    lockfile = Lockfile(small)
    lockfile.collectors = ["all"]
    lockfile.write()
    for name in ("data/numbers/3.txt", "reports/more.txt"):
        (small / name).write_text("begun\n")
    with Preparation(small, "paper") as preparation:
        assert preparation.targets == ["reports/more.txt", "reports/paper.txt"]


def test_a_rebuild_agrees_with_what_was_sealed(project, tmp_path):
    assert sealed_stages(project) == ["make", "add"]
    clone = rebuild(project, tmp_path / "default")
    assert sorted(os.listdir(clone / "data/numbers")) == ["1.txt", "2.txt"]
    # What nobody has sealed cannot be made of what is there, and the way to it is named.
    done = run(clone, *DVC, "repro", "paper")
    assert done.returncode and "`etude run paper` makes them, and `etude seal` keeps them" in done.stdout + done.stderr
    assert not (clone / "data/numbers/3.txt").exists()
    well(clone, *ETUDE, "run", "paper")
    well(clone, "git", "config", "user.name", "A.")
    well(clone, "git", "config", "user.email", "a@example.org")
    assert "left out" not in seal(clone)
    assert sealed_stages(clone) == ["make", "add", "paper"]
    again = rebuild(clone, tmp_path / "both")
    assert sorted(os.listdir(again / "data/numbers")) == ["1.txt", "2.txt", "3.txt"]
    assert (again / "reports/paper.txt").read_bytes() == (clone / "reports/paper.txt").read_bytes()


def test_an_old_part_of_another_paper_is_not_sealed(project, tmp_path):
    """The part of the paper that was made, and that something has changed for since, is in no version's rebuild."""
    folder = Path(shutil.copytree(project, tmp_path / "project", symlinks=True))
    well(folder, *ETUDE, "run", "data/numbers/3.txt")
    seal(folder)  # half of a paper is a part like any other
    (folder / "data/sources/3.yaml").write_text("drei\n")
    done = run(folder, *ETUDE, "seal")
    assert done.returncode == 2
    assert (
        "data/numbers/3.txt is of an earlier version" in done.stderr and "`etude run data/numbers/3.txt`" in done.stderr
    )
    (folder / "data/numbers/3.txt").unlink()
    seal(folder)
    rebuild(folder, tmp_path / "clone")
