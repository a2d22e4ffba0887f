"""`etude run`: Snakemake, minus what a user should not have to know about it.

    etude run [--scale SCALE] [target ...] [-- snakemake arguments]

One run per directory. A run that was killed, however hard, is tidied up after and continued by the next. Whoever
stops the run (Ctrl-C, `kill`, a `make` that dies) stops its jobs as well, never the jobs of a Slurm queue.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

from etude.errors import UserError
from etude.pipeline.lock import Note, RunLock
from etude.pipeline.processes import TOKEN, die_with_parent, stop_run
from etude.pipeline.progress import duration
from etude.pipeline.recovery import newest_log, tidy_up

PARENT_DIED = signal.SIGUSR1
# Snakemake options that say how many jobs run, or where: with any of them `--cores all` is not ours to add.
_PLACE = re.compile(r"(--cores|--jobs|--profile|--executor)(=|$)|-[cje]")

_DRY = re.compile(r"-n|--dry-?run$")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `etude run`."""
    parser.usage = "etude run [--scale SCALE] [target ...] [-- snakemake arguments]"
    targets = parser.add_argument("targets", nargs="*", metavar="target", help="rules or files to make (default: all)")
    targets.complete = {"bash": "_etude_targets", "zsh": "_files", "tcsh": "f"}  # for `etude completion`
    parser.add_argument("--scale", help="smoke, laptop, large or paper (default: the one in params.yaml)")
    # For the Makefile: the PID of a parent whose death ends the run. A shell that exits should not end it.
    parser.add_argument("--stop-with", type=int, metavar="PID", help=argparse.SUPPRESS)


def execute(arguments: argparse.Namespace) -> int:
    """Run Snakemake to the end and say what it did; returns its exit status (128 + n when signal n ended it).

    Raises ``UserError`` when there is no Snakefile here or another run is at work.
    """
    directory = Path.cwd()
    if not (directory / "Snakefile").exists():
        raise UserError(f"no Snakefile in {directory}; run this in the root of the project")
    command = snakemake_command(arguments)
    if any(_DRY.match(word) for word in arguments.passed_on):  # changes nothing, so it may run beside a run
        return subprocess.call(command, env=_environment())
    lock = RunLock(directory)
    tidy_up(directory, lock)
    if "DVC_STAGE" in os.environ:
        return _run_stage(directory, lock, arguments)
    began = time.time()
    status, took = _run(command, lock, arguments.stop_with)
    lock.release()
    if status == 0:
        _say_done(directory, began, took)
        if not arguments.targets:
            _show_table(directory, scale_of(command, directory))
    else:
        _say_stopped(directory, took, status)
    return status if status >= 0 else 128 - status


def _run(command: list[str], lock: RunLock, parent: int | None) -> tuple[int, float]:
    """Run ``command`` while ``lock`` is held; its return code, as ``Popen`` gives it, and the seconds it took."""
    note = Note.of_this_process()
    lock.sign(note)
    began = time.monotonic()
    status = _supervise(command, note, parent)
    took = time.monotonic() - began
    if status >= 0:
        lock.clear()
    return status, took


def _run_stage(directory: Path, lock: RunLock, arguments: argparse.Namespace) -> int:
    """The same as the command of a DVC stage, which is not to be believed without a look."""
    from etude.versions.inside import Preparation, stage_here  # only here: it takes Snakemake into this process

    with Preparation(directory, stage_here()) as wanted:
        status, took = 0, 0.0
        if wanted.targets:
            arguments.targets = wanted.targets + (["--forcerun", *wanted.forced] if wanted.forced else [])
            status, took = _run(snakemake_command(arguments), lock, arguments.stop_with)
        else:
            print("etude: nothing to do, every file is there and up to date")
        if status == 0:
            wanted.conclude()
    lock.release()
    if status:
        _say_stopped(directory, took, status)
    return status if status >= 0 else 128 - status


def snakemake_command(arguments: argparse.Namespace) -> list[str]:
    """The command line of Snakemake for ``arguments``."""
    # Targets come first: options such as --config swallow whatever follows them.
    command = [sys.executable, "-m", "snakemake", *arguments.targets, "--rerun-incomplete"]
    if arguments.scale:
        if any(word in ("--config", "-C") for word in arguments.passed_on):
            raise UserError("--scale beside --config: write `--config scale=...` with the others after `--`")
        command += ["--config", f"scale={arguments.scale}"]
    if not any(_PLACE.match(word) for word in arguments.passed_on):
        command += ["--cores", "all"]
    return command + arguments.passed_on


def scale_of(command: list[str], directory: Path) -> str:
    """The scale that ``command`` runs at: the last ``scale=`` on it, or the one in params.yaml, or ""."""
    for word in reversed(command):
        if word.startswith("scale="):
            return word.removeprefix("scale=")
    try:
        return (yaml.safe_load((directory / "params.yaml").read_text(encoding="utf-8")) or {}).get("scale", "")
    except FileNotFoundError:
        return ""


def table_path(scale: str) -> Path:
    """Where the table of a run at ``scale`` lies."""
    return Path("runs/smoke/reports/fad.md") if scale == "smoke" else Path("reports/fad.md")


def _environment() -> dict[str, str]:
    """This process's environment, with the programs of its own Python first: jobs say `python`."""
    programs = os.path.dirname(sys.executable)
    return os.environ | {"PATH": programs + os.pathsep + os.environ.get("PATH", os.defpath)}


def _supervise(command: list[str], note: Note, parent: int | None) -> int:
    """Run ``command`` in a session of its own, pass signals on; its return code, as ``Popen`` gives it."""
    die_with_us = die_with_parent(signal.SIGKILL, os.getpid())

    def prepare() -> None:
        # A shell starts what it sends to the background with SIGINT ignored, and that is inherited.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        die_with_us()

    # A session of its own, so that Ctrl-C reaches it once, through us, and not a second time through the terminal.
    snakemake = subprocess.Popen(
        command,
        env=_environment() | {TOKEN: note.token},
        start_new_session=True,
        preexec_fn=prepare,
    )
    asked = False

    def stop_now() -> None:
        stop_run(note.token, note.slurm_job)

    def on_interrupt(*_: object) -> None:
        nonlocal asked
        if asked:
            stop_now()
        else:  # as a terminal does it: to Snakemake and its jobs
            asked = True
            print("etude: stopping; once more stops without any care", file=sys.stderr)
            if snakemake.returncode is None:
                os.killpg(snakemake.pid, signal.SIGINT)

    def on_terminate(*_: object) -> None:
        nonlocal asked
        if asked:
            stop_now()
        else:
            asked = True
            print("etude: the running jobs are finished, no other is started; once more stops at once", file=sys.stderr)
            snakemake.terminate()

    signal.signal(signal.SIGINT, on_interrupt)
    signal.signal(signal.SIGTERM, on_terminate)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # not under nohup
        signal.signal(signal.SIGHUP, on_interrupt)
    signal.signal(PARENT_DIED, lambda *_: stop_now())
    if parent is not None:
        die_with_parent(PARENT_DIED, parent)()
    status = snakemake.wait()
    stop_now()  # a Snakemake that was killed leaves its jobs
    return status


def _say_done(directory: Path, began: float, took: float) -> None:
    log = newest_log(directory)
    if "Nothing to be done" in log:
        print("\netude: nothing to do, every file is there and up to date")
        return
    from etude.pipeline.summary import summary  # only here: it takes Snakemake into this process

    print(f"\netude: {_jobs(log)} done in {duration(took)}")
    if text := summary(directory, log, began):
        print(text)


def _say_stopped(directory: Path, took: float, status: int) -> None:
    how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    print(
        f"\netude: not finished: {_jobs(newest_log(directory))} done after {duration(took)} (Snakemake: {how}); "
        "what is done is kept, the same command goes on from there",
        file=sys.stderr,
    )


def _jobs(log: str) -> str:
    steps = re.findall(r"^(\d+) of (\d+) steps", log, re.MULTILINE)
    done, total = steps[-1] if steps else ("0", "0")
    return f"{done} jobs" if done == total else f"{done} of {total} jobs"


def _show_table(directory: Path, scale: str) -> None:
    table = table_path(scale)
    if (directory / table).exists():
        print(f"\n{(directory / table).read_text(encoding='utf-8').rstrip()}\n\netude: the table is {table}")
        if (page := (directory / table).with_name("index.html")).exists():
            print(f"etude: to look at and to listen to: {page.resolve().as_uri()}")
