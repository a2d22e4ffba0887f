"""The processes of a run: knowing them by a token, stopping what a killed run left behind.

Linux only: it reads /proc, and asks the kernel to signal a process when its parent dies.
"""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from etude.errors import UserError

TOKEN = "ETUDE_RUN"  # environment variable that every process of a run inherits
SLURM_JOB = "SLURM_JOB_ID"
PATIENCE = 10.0  # seconds until a process that outlives SIGKILL (waiting for a dead disk, say) is given up
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


def die_with_parent(number: signal.Signals, parent: int) -> Callable[[], None]:
    """A function that makes the calling process receive signal ``number`` when its parent, process ``parent``, ends.

    It is safe between fork and exec (``preexec_fn``). A parent that is gone already counts as ending now.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork

    def ask_kernel() -> None:
        prctl(_SET_PARENT_DEATH_SIGNAL, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), number)

    return ask_kernel


def stop_run(token: str, slurm_job: str | None) -> int:
    """Kill every live process of run ``token`` on this machine, wait until they are gone, return how many there were.

    ``slurm_job`` is the Slurm job that the run itself ran in, if any. Processes in other Slurm jobs are the queue's,
    not ours. A process is known by its environment and held by a pidfd, so a recycled PID is never hit. Raises
    ``UserError`` for a process that does not end.
    """
    stopped: set[int] = set()
    deadline = time.monotonic() + PATIENCE
    while left := list(_processes_of(token, slurm_job)):
        if time.monotonic() > deadline:
            raise UserError(
                f"processes {', '.join(map(str, sorted(left)))} of the earlier run do not end, even killed: "
                "they wait for a disk or a device; see to that first, then run again"
            )
        for pid in left:
            with contextlib.suppress(OSError):
                handle = os.pidfd_open(pid)
                try:
                    if _belongs(pid, token, slurm_job):
                        signal.pidfd_send_signal(handle, signal.SIGKILL)
                        stopped.add(pid)
                finally:
                    os.close(handle)
        time.sleep(0.02)
    return len(stopped)


def snakemakes_in(directory: Path) -> list[int]:
    """PIDs of the live Snakemake processes of this machine whose working directory is ``directory``.

    Not those inside Slurm jobs: they hold no lock, and the queue knows about them.
    """
    return [pid for pid in _pids() if _is_snakemake_in(pid, directory)]


def _processes_of(token: str, slurm_job: str | None) -> Iterator[int]:
    return (pid for pid in _pids() if _belongs(pid, token, slurm_job))


def _belongs(pid: int, token: str, slurm_job: str | None) -> bool:
    try:
        environment = _environment(pid)
    except OSError:  # gone, or another user's
        return False
    return environment.get(TOKEN) == token and environment.get(SLURM_JOB) == slurm_job


def _is_snakemake_in(pid: int, directory: Path) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        # `python .../bin/snakemake ...` or `python -m snakemake ...`
        if not any(os.path.basename(word) == b"snakemake" for word in words[:3]):
            return False
        elsewhere = _environment(pid).get(SLURM_JOB) != os.environ.get(SLURM_JOB)
        return not elsewhere and Path(f"/proc/{pid}/cwd").resolve() == directory.resolve()
    except OSError:
        return False


def _environment(pid: int) -> dict[str, str]:
    """What process ``pid`` was started with; empty for a zombie, so that what only waits to be reaped is not alive."""
    entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(os.fsdecode(entry).partition("=")[::2] for entry in entries)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
