"""`etude run` around a real Snakemake: one run per directory, and no way of dying that the next run does not mend."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from etude.pipeline.lock import LOCK, Note
from etude.pipeline.processes import TOKEN

REPOSITORY = Path(__file__).resolve().parents[2]
ETUDE = [sys.executable, "-m", "etude.cli"]
# A chain of two jobs and a table. While a file `slow` is there, a job says who it is and then takes its time.
SNAKEFILE = """
ROOT = "runs/smoke/" if config.get("scale") == "smoke" else ""

rule all:
    input: ROOT + "reports/fad.md"

rule train:
    output: ROOT + "model"
    shell: "if [ -e slow ]; then echo $$ > job.pid; sleep 60; echo late >> {output}; else echo trained > {output}; fi"

rule table:
    input: ROOT + "model"
    output: ROOT + "reports/fad.md"
    shell: "(echo '| system | fad |'; cat {input}) > {output}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "params.yaml").write_text("scale: laptop\n")
    return tmp_path


@pytest.fixture
def start(project: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start a command in ``project``, in a process group of its own; whatever is left of it dies with the test."""
    started: list[subprocess.Popen] = []

    def start_one(*command: str, **more: str) -> subprocess.Popen:
        process = subprocess.Popen(
            command,
            cwd=project,
            env=_environment() | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(REPOSITORY), "MAKEFLAGS": "", "ARGS": ""}


def etude(project: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*ETUDE, *arguments], cwd=project, env=_environment() | more, capture_output=True, text=True, timeout=60
    )


def start_slow(project: Path, start: Callable[..., subprocess.Popen], *command: str) -> tuple[subprocess.Popen, int]:
    """Start a run and wait for its slow job; the process of the run and the PID of the job."""
    (project / "slow").touch()
    process = start(*command)
    pid_file = project / "job.pid"
    until(lambda: pid_file.exists() and pid_file.read_text().strip(), process)
    (project / "slow").unlink()
    return process, int(pid_file.read_text())


def until(condition: Callable[[], object], process: subprocess.Popen | None = None, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline or (process and process.poll() is not None):
            raise AssertionError(f"waited in vain; output: {process.stdout.read() if process else ''}")
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def sentence(result: subprocess.CompletedProcess) -> str:
    """What a refused command said: one line, no traceback, exit status 2."""
    assert result.returncode == 2, result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), result.stderr
    return lines[0]


def test_runs_shows_the_table_and_then_has_nothing_to_do(project: Path) -> None:
    first = etude(project, "run")
    assert first.returncode == 0, first.stderr
    assert "| system | fad |\ntrained" in first.stdout
    assert "etude: the table is reports/fad.md" in first.stdout
    assert "etude: 3 jobs done in " in first.stdout
    made = [line.split() for line in first.stdout.splitlines() if line.startswith("  t")]
    assert [(words[0], words[1], words[-1]) for words in made] == [("train", "1", "./"), ("table", "1", "reports/")]
    assert "reused: nothing" in first.stdout

    (project / "reports/fad.md").unlink()
    (project / "reports/index.html").write_text("a page")
    third = etude(project, "run")
    assert "  table " in third.stdout and "  train " not in third.stdout
    assert "reused: what 1 jobs of earlier runs had made" in third.stdout
    assert third.stdout.splitlines()[-1].endswith(f"file://{project}/reports/index.html")

    second = etude(project, "run")
    assert second.returncode == 0
    assert "etude: nothing to do" in second.stdout and "jobs done" not in second.stdout
    assert "| system | fad |" in second.stdout


@pytest.mark.parametrize("words", [["--scale", "smoke"], ["--", "--config", "scale=smoke"]])
def test_smoke_scale_has_its_own_table(project: Path, words: list[str]) -> None:
    result = etude(project, "run", *words)
    assert result.returncode == 0, result.stderr
    assert "etude: the table is runs/smoke/reports/fad.md" in result.stdout
    assert not (project / "reports").exists()


def test_target_and_snakemake_arguments_are_passed_on(project: Path) -> None:
    assert etude(project, "run", "model", "--", "--cores", "1", "--forceall").returncode == 0
    assert (project / "model").exists() and not (project / "reports").exists()


def test_failing_job_keeps_snakemakes_status_and_says_how_far_it_came(project: Path) -> None:
    (project / "Snakefile").write_text(SNAKEFILE.replace("cat {input}", "false"))
    result = etude(project, "run")
    assert result.returncode == 1
    assert "etude: not finished: 1 of 3 jobs done" in result.stderr
    assert (project / LOCK).read_text() == ""


def test_outside_a_project_is_one_sentence(tmp_path: Path) -> None:
    assert f"no Snakefile in {tmp_path}" in sentence(etude(tmp_path, "run"))
    assert list(tmp_path.iterdir()) == []


def test_second_run_is_refused_and_the_first_goes_on(project: Path, start: Callable) -> None:
    first, job = start_slow(project, start, *ETUDE, "run")
    refusal = sentence(etude(project, "run"))
    assert f"another run (PID {first.pid} on " in refusal and "wait for it or stop it" in refusal
    assert "another run (PID" in sentence(etude(project, "unlock"))
    assert etude(project, "run", "--", "-n").returncode == 0  # a dry run disturbs nobody
    assert first.poll() is None and is_alive(job)


# Whom kill -9 hits; the run is started by the real Makefile's recipe, only the set-up is left out.
@pytest.mark.parametrize("victim", ["make", "make and its group", "the wrapper", "snakemake"])
def test_killed_run_is_continued(project: Path, start: Callable, victim: str) -> None:
    make = ["make", "-f", str(REPOSITORY / "Makefile"), "-o", "setup", f"etude={' '.join(ETUDE)}", "run"]
    run, job = start_slow(project, start, *make)
    [wrapper] = children(run.pid)
    [snakemake] = children(wrapper)
    if victim == "make and its group":
        os.killpg(run.pid, signal.SIGKILL)
    else:
        os.kill({"make": run.pid, "the wrapper": wrapper, "snakemake": snakemake}[victim], signal.SIGKILL)
    run.wait(timeout=20)

    result = etude(project, "run")  # at once, as a user would
    assert result.returncode == 0, result.stderr
    assert "was killed" in result.stderr
    assert not any(map(is_alive, (wrapper, snakemake, job)))
    assert (project / "model").read_text() == "trained\n"
    assert "| system | fad |" in result.stdout
    assert (project / LOCK).read_text() == ""  # nothing left to tidy up


def test_interrupt_stops_the_jobs_and_keeps_the_status(project: Path, start: Callable) -> None:
    run, job = start_slow(project, start, *ETUDE, "run")
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=20) == 1
    assert not is_alive(job)
    again = etude(project, "run")
    assert again.returncode == 0 and "was killed" not in again.stderr


def test_terminate_lets_the_running_job_finish(project: Path, start: Callable) -> None:
    snakefile = SNAKEFILE.replace("sleep 60; echo late >> {output}", "sleep 2; echo trained > {output}")
    (project / "Snakefile").write_text(snakefile)
    run, _ = start_slow(project, start, *ETUDE, "run")
    run.terminate()
    assert run.wait(timeout=20) == 1
    assert (project / "model").exists() and not (project / "reports/fad.md").exists()
    assert "3 jobs" not in etude(project, "run").stdout  # the finished one is not done again


def test_second_signal_stops_without_waiting(project: Path, start: Callable) -> None:
    run, job = start_slow(project, start, *ETUDE, "run")
    run.terminate()
    time.sleep(0.5)
    assert run.poll() is None
    run.terminate()
    assert run.wait(timeout=10) == 128 + signal.SIGKILL
    assert not is_alive(job)
    assert etude(project, "run").returncode == 0


def test_only_processes_of_the_dead_run_are_stopped(project: Path, start: Callable) -> None:
    """Neither a stranger with the PID of the dead run nor a job of the Slurm queue is touched."""
    note = Note.of_this_process()
    leftover = start("sleep", "60", **{TOKEN: note.token})
    slurm_job = start("sleep", "60", **{TOKEN: note.token, "SLURM_JOB_ID": "7"})
    stranger = start("sleep", "60")
    (project / LOCK).parent.mkdir()
    (project / LOCK).write_text(json.dumps(vars(note) | {"pid": stranger.pid}))
    result = etude(project, "run")
    assert result.returncode == 0, result.stderr
    assert "stopped 1 processes that it left" in result.stderr
    assert leftover.wait(timeout=5) == -signal.SIGKILL
    assert slurm_job.poll() is None and stranger.poll() is None


def test_live_snakemake_keeps_its_lock_and_a_dead_one_loses_it(project: Path, start: Callable) -> None:
    plain, job = start_slow(project, start, sys.executable, "-m", "snakemake", "--cores", "1")
    for command in ("run", "unlock"):
        assert f"another Snakemake (PID {plain.pid}) is at work" in sentence(etude(project, command))
    assert plain.poll() is None and is_alive(job)
    os.killpg(plain.pid, signal.SIGKILL)
    plain.wait()
    result = etude(project, "run")
    assert result.returncode == 0, result.stderr
    assert "removed the lock" in result.stderr


def test_lock_of_another_machine_is_left_to_the_user(project: Path) -> None:
    assert etude(project, "run", "model").returncode == 0
    [log] = (project / ".snakemake/log").iterdir()
    log.write_text(log.read_text().replace("  Host: ", "  Host: far-"))
    locks = project / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text("reports/fad.md\n")
    refusal = sentence(etude(project, "run"))
    assert "a Snakemake on far-" in refusal and "`etude unlock`" in refusal
    assert etude(project, "unlock").returncode == 0
    assert etude(project, "run").returncode == 0


def test_run_killed_on_another_machine_is_left_to_the_user(project: Path) -> None:
    (project / LOCK).parent.mkdir()
    (project / LOCK).write_text(json.dumps(vars(Note.of_this_process()) | {"host": "far"}))
    assert "nothing of it is alive on far" in sentence(etude(project, "run"))
    assert etude(project, "unlock").returncode == 0
    assert etude(project, "run").returncode == 0


def test_killed_run_with_jobs_in_the_slurm_queue_is_refused(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Slurm's own answer is played here; `make slurm` has the real queue."""
    programs = tmp_path_factory.mktemp("programs")
    squeue = programs / "squeue"
    squeue.write_text('#!/bin/sh\n[ "$4" = 1b2c ] && cat queue\n')
    squeue.chmod(0o755)
    path = {"PATH": f"{programs}:{os.environ['PATH']}"}
    (project / "queue").write_text("41\n42\n")
    (project / ".snakemake/log").mkdir(parents=True)
    (project / ".snakemake/log/2026-11-20T120000.000000.snakemake.log").write_text("SLURM run ID: 1b2c\n")
    (project / LOCK).write_text(json.dumps(vars(Note.of_this_process())))
    refused = etude(project, "run", **path)
    assert refused.returncode == 2
    assert "2 Slurm jobs of the killed run" in refused.stderr and "`scancel --name 1b2c`" in refused.stderr
    (project / "queue").write_text("")
    assert etude(project, "run", **path).returncode == 0
