"""One run per directory: a lock that dies with its holder, and a note of who holds it.

The lock is the kernel's (flock), so a killed run never leaves it behind. The note in the same file does stay behind,
and that is its use: a note without a lock tells the next run that the last one was killed, and by which token to know
its remaining processes.
"""

import fcntl
import json
import os
import platform
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from etude.errors import UserError
from etude.pipeline.processes import SLURM_JOB

LOCK = Path(".snakemake/etude.lock")
PATIENCE = 1.0  # seconds: a run whose `make` was killed needs a moment to let go


@dataclass(frozen=True)
class Note:
    """Who runs: enough to name the run to a user, and to recognise its processes."""

    pid: int
    host: str
    began: float  # seconds since the epoch
    token: str
    slurm_job: str | None

    @classmethod
    def of_this_process(cls) -> "Note":
        """A note for a run that begins now, with a token nobody had before."""
        return cls(os.getpid(), platform.node(), time.time(), uuid.uuid4().hex, os.environ.get(SLURM_JOB))

    def __str__(self) -> str:
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.began))
        return f"PID {self.pid} on {self.host}, started {began}"


class RunLock:
    """The lock of the run in ``directory``, from construction until :meth:`release` or the end of the process.

    ``dead`` is the note of a run that was killed here and not yet tidied up after, or None. Raises ``UserError`` when
    a live run holds the lock.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / LOCK
        path.parent.mkdir(exist_ok=True)
        self._file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - held open for as long as the lock is held
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    holder = self._read() or "just starting"
                    self._file.close()
                    raise UserError(
                        f"another run ({holder}) is at work in {directory}; wait for it or stop it"
                    ) from None
                time.sleep(0.1)
        self.dead = self._read()

    def sign(self, note: Note) -> None:
        """Write down who runs; from here on a death is noticed by the next run."""
        self._write(json.dumps(asdict(note)) + "\n")

    def clear(self) -> None:
        """Strike the note: nothing is left to tidy up."""
        self._write("")
        self.dead = None

    def release(self) -> None:
        """Let go of the lock."""
        self._file.close()

    def _read(self) -> Note | None:
        self._file.seek(0)
        try:
            return Note(**json.loads(self._file.read()))
        except (ValueError, TypeError):  # empty, or caught while being written
            return None

    def _write(self, text: str) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text)
        self._file.flush()
