import json
import os
import platform
import subprocess
import sys

import pytest

from etude.pipeline import ran


@pytest.mark.parametrize(
    ("command", "log"),
    [
        ("python -m stages.x.y --out a 2>&1 | tee logs/x/y.log", "logs/x/y.log"),
        ("a | tee one.log && b | tee logs/two.log", "logs/two.log"),
        ("python -m stages.x.y", None),
    ],
)
def test_log_of_a_command(command, log):
    assert ran.log_of(command) == log


def test_note_says_where_and_with_what(tmp_path):
    command = [sys.executable, "-m", "etude.pipeline.ran", "true | tee logs/a/b.log"]
    environment = os.environ | {"SLURM_JOB_ID": "42", "PYTHONPATH": os.getcwd()}
    subprocess.run(command, cwd=tmp_path, check=True, env=environment)
    note = ran.read("logs/a/b.log", tmp_path)
    assert note["host"] == platform.node() and note["slurm_job"] == "42"
    assert note["packages"]["numpy"] and note["python"] == platform.python_version()
    assert ran.read("logs/none.log", tmp_path) is None


def test_bash_tells_the_note_which_job_it_is(tmp_path):
    """The prefix of the Snakefile, also where a command is so long that Snakemake puts it into a file."""
    prefix = "set -euo pipefail; " + sys.executable + ' -m etude.pipeline.ran "${BASH_EXECUTION_STRING:-$(cat $0)}"; '
    (tmp_path / "script.sh").write_text(prefix + "true 2>&1 | tee long.log\n")
    for words in (["-c", prefix + "true 2>&1 | tee short.log"], ["-c", '"bash" "script.sh"']):
        subprocess.run(["bash", *words], cwd=tmp_path, check=True, env=os.environ | {"PYTHONPATH": os.getcwd()})
    assert ran.read("short.log", tmp_path) and ran.read("long.log", tmp_path)


def test_job_does_not_fail_for_want_of_a_note(tmp_path):
    (tmp_path / ".snakemake").write_text("in the way")
    command = [sys.executable, "-m", "etude.pipeline.ran", "true | tee a.log"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": os.getcwd()}, capture_output=True, text=True
    )
    assert done.returncode == 0 and "no note of where this job runs" in done.stderr


def test_half_a_note_is_none(tmp_path):
    path = ran.path_of("a.log", tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"host": "x"})[:-3])
    assert ran.read("a.log", tmp_path) is None
