"""Tidying up after a run that was killed: its processes, its Snakemake's lock, its jobs in the Slurm queue."""

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from etude.errors import UserError
from etude.pipeline.lock import Note, RunLock
from etude.pipeline.processes import snakemakes_in, stop_run

LOGS = Path(".snakemake/log")
LOCKS = Path(".snakemake/locks")  # Snakemake's own, without a PID: they outlive their holder


def tidy_up(directory: Path, lock: RunLock, sure: bool = False) -> None:
    """Leave ``directory`` as a run that ended by itself would have, given that ``lock`` is held.

    ``sure``: the user says that nothing of an earlier run is alive, here or on another machine. Raises ``UserError``
    when a Snakemake, or a job in the Slurm queue, is or may be still at work in ``directory``.
    """
    dead = lock.dead
    if dead:
        if dead.host != platform.node() and not sure:
            raise UserError(
                f"the last run in {directory} ({dead}) was killed; make sure that nothing of it is alive on "
                f"{dead.host}, then `etude unlock`"
            )
        stopped = stop_run(dead.token, dead.slurm_job) if dead.host == platform.node() else 0
        left = f"; stopped {stopped} processes that it left" if stopped else ""
        print(f"etude: the last run ({dead}) was killed{left}", file=sys.stderr)
    if not sure:
        _refuse_beside_slurm_jobs(directory, dead)
    if _is_locked(directory):
        if alive := snakemakes_in(directory):
            raise UserError(f"another Snakemake (PID {alive[0]}) is at work in {directory}; wait for it or stop it")
        if not (dead or sure or _last_host(directory) == platform.node()):
            raise UserError(
                f"a Snakemake on {_last_host(directory) or 'an unknown machine'} holds or left a lock in {directory}; "
                "if it is not running any more, `etude unlock`"
            )
        # Emptying the folder is all that `snakemake --unlock` does, after evaluating a Snakefile that may be broken.
        shutil.rmtree(directory / LOCKS)
        print("etude: removed the lock that a killed Snakemake left", file=sys.stderr)
    lock.clear()


def newest_log(directory: Path) -> str:
    """Text of the latest log that Snakemake wrote in ``directory`` ("" if there is none)."""
    logs = sorted((directory / LOGS).glob("*.snakemake.log"))  # their names begin with date and time
    return logs[-1].read_text(encoding="utf-8", errors="replace") if logs else ""


def _is_locked(directory: Path) -> bool:
    folder = directory / LOCKS
    return folder.is_dir() and any(folder.iterdir())


def _last_host(directory: Path) -> str | None:
    found = re.search(r"^ *Host: (.*)$", newest_log(directory), re.MULTILINE)
    return found.group(1).strip() if found else None


def _refuse_beside_slurm_jobs(directory: Path, dead: Note | None) -> None:
    """A killed run's jobs go on in the queue, and would write the files that a new run writes."""
    found = re.search(r"SLURM run ID: (\S+)", newest_log(directory))
    if not (found and (dead or _is_locked(directory))):
        return
    try:
        queue = subprocess.run(
            ["squeue", "--noheader", "--format=%i", "--name", found[1]], capture_output=True, text=True
        )
    except FileNotFoundError:  # no Slurm on this machine
        return
    if jobs := queue.stdout.split():
        raise UserError(
            f"{len(jobs)} Slurm jobs of the killed run are still queued or running; "
            f"wait for them, or `scancel --name {found[1]}`, then run again"
        )
