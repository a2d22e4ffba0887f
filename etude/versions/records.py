"""Snakemake's view of the project and its records of finished jobs: the one file that touches its private interfaces.

Snakemake keeps a record per output: rule, parameters, checksums of the inputs. Without it, a changed parameter goes
unseen. Records live in .snakemake/, which neither git nor DVC carries, so a clone has none until they are put back
here. Should a new Snakemake have moved what this file uses, :meth:`Workflow.vouch` falls back on the public
`snakemake --touch`, and tests/etude/versions/test_records.py says so loudly.
"""

import contextlib
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etude.errors import UserError
from etude.pipeline.workflow import read_yaml
from etude.versions import quick

PROFILE = Path("profiles/default/config.yaml")
CLOCK = 0.01  # seconds, what a date may lose in a float
UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "tb": 1000**4}


@dataclass(frozen=True)
class Rule:
    """A rule with the file it stands in (relative to the project) and its patterns, as far as they are plain text."""

    name: str
    file: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(eq=False)
class Job:
    """A rule with its wildcards filled in. ``stale``: Snakemake would run it; ``recorded``: it knows that it ran."""

    rule: Rule
    wildcards: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    stale: bool
    recorded: bool
    _of: Any = field(repr=False)

    def params(self) -> list[str]:
        """The values of the job's parameters, as text."""
        return [str(value) for value in self._of.params]


class Workflow:
    """The Snakefile with its whole DAG: everything that any rule without wildcards and outputs asks for."""

    def __init__(self, workflow: Any, directory: Path) -> None:
        self._workflow, self.directory = workflow, directory
        self.rules = {rule.name: self._rule(rule) for rule in workflow.rules}
        self.jobs: list[Job] = []

    @property
    def collectors(self) -> dict[str, tuple[str, ...]]:
        """Rules that make nothing and only ask for files: `all`, one per step, one per paper."""
        return {job.rule.name: job.inputs for job in self._everything if not job.outputs}

    def look(self) -> None:
        """Build the DAG, and ask Snakemake anew which of its jobs would run and which are on record."""
        workflow = self._workflow
        targets = {rule.name for rule in workflow.rules if not rule.output and not rule.has_wildcards()}
        workflow.dag_settings.targets = targets
        workflow._prepare_dag(forceall=False, ignore_incomplete=True, lock_warn_only=True)
        workflow._build_dag()
        dag, persistence = workflow.dag, workflow.persistence
        stale = set(dag.needrun_jobs())
        self._everything = [
            Job(
                self.rules[job.rule.name],
                dict(job.wildcards_dict),
                tuple(map(str, job.input)),
                tuple(map(str, job.output)),
                job in stale,
                bool(persistence.has_metadata(job)),
                job,
            )
            for level in dag.toposorted()
            for job in sorted(level, key=lambda job: (job.rule.name, list(map(str, job.output))))
        ]
        self.jobs = [job for job in self._everything if job.outputs]
        self.maker = {path: job for job in self.jobs for path in job.outputs}

    def wanted_by(self, rule: str) -> set[Job]:
        """The jobs that collector ``rule`` needs, directly or not."""
        waiting, wanted = list(self.collectors.get(rule, ())), set()
        while waiting:
            job = self.maker.get(waiting.pop())
            if job and job not in wanted:
                wanted.add(job)
                waiting += job.inputs
        return wanted

    def done(self) -> list[str]:
        """The collectors that have nothing left to ask for, sorted."""
        wanted = {name: self.wanted_by(name) for name in self.collectors}
        return sorted(name for name, jobs in wanted.items() if jobs and not any(job.stale for job in jobs))

    def producible(self, path: str) -> bool:
        """Whether some rule would make ``path``, for some values of its wildcards."""
        return any(pattern.match(path) for rule in self._workflow.rules for pattern in rule.output)

    def records(self, job: Job) -> dict[str, Any] | None:
        """What Snakemake has on record about ``job`` (its first output), or None."""
        record = self._workflow.persistence.metadata(job._of.output[0])
        return dict(record.items()) if record else None

    def put(self, job: Job, record: dict[str, Any]) -> None:
        """Make ``record`` (as :meth:`records` gives it) Snakemake's record of every output of ``job``."""
        from snakemake.persistence import MetadataRecord

        persistence = self._workflow.persistence
        persistence._clear_cache()
        for path in job._of.output:
            persistence._write_record(persistence._get_key(path), MetadataRecord(**record))
            persistence._unmark_incomplete(persistence._get_key(path))

    def forget(self, job: Job) -> None:
        """Take the records of ``job`` away."""
        for path in job._of.output:
            self._workflow.persistence.cleanup_metadata(path)

    def untouched(self, job: Job) -> bool:
        """Whether every output of ``job`` has the date that Snakemake wrote down when the job ended.

        Other bytes under the same name, from another branch say, have another; so have the same bytes, copied.
        """
        for path in job._of.output:
            record = self._workflow.persistence.metadata(path)
            if record is None or not os.path.exists(path) or abs(os.stat(path).st_mtime - record.endtime) > CLOCK:
                return False
        return True

    def vouch(self, jobs: Iterable[Job]) -> None:
        """Record ``jobs`` as finished with today's parameters and inputs, without running them or touching a file."""
        jobs = list(jobs)
        try:
            for job in jobs:
                self._workflow.async_run(self._workflow.persistence.finished(job._of))
        except (AttributeError, TypeError) as moved:
            print(f"etude: Snakemake's records have moved ({moved}); falling back on --touch", file=sys.stderr)
            touch(self.directory, jobs)

    def _rule(self, rule: Any) -> Rule:
        file = rule.snakefile
        file = file if isinstance(file, str) else file.get_path_or_uri(secret_free=True)
        return Rule(
            rule.name,
            os.path.relpath(file, self.directory),
            tuple(str(path) for path in rule.input if isinstance(path, str)),
            tuple(str(path) for path in rule.output if isinstance(path, str)),
        )


@contextlib.contextmanager
def load(directory: Path = Path("."), parsing: Callable[[], Any] = contextlib.nullcontext) -> Iterator[Workflow]:
    """The workflow of ``directory``, with its DAG built. Nothing is run, nothing is written outside .snakemake/.

    ``parsing`` gives a context that is held while the Snakefile is parsed and the DAG is built. Raises ``UserError``
    when there is no Snakefile or Snakemake cannot make sense of it.
    """
    with quick.reading():
        from snakemake.api import SnakemakeApi
        from snakemake.exceptions import WorkflowError
        from snakemake.settings.types import (
            DAGSettings,
            ExecutionSettings,
            OutputSettings,
            ResourceSettings,
        )

    directory = directory.resolve()
    if not (directory / "Snakefile").exists():
        raise UserError(f"no Snakefile in {directory}; run this in the root of the project")
    quiet = OutputSettings(enable_file_logging=False, log_level_override=logging.ERROR)
    path = os.environ["PATH"]
    with SnakemakeApi(quiet) as api, _on_path(directory):
        try:
            with quick.reading(), parsing():
                opened = api.workflow(ResourceSettings(cores=1), snakefile=directory / "Snakefile", workdir=directory)
                opened.dag(DAGSettings(max_checksum_file_size=checksum_limit(directory)))
                opened._workflow.execution_settings = ExecutionSettings()
                workflow = Workflow(opened._workflow, directory)
                workflow.look()
        except SystemExit as end:  # the Snakefile's own complaint about params.yaml
            raise UserError(str(end.code).removeprefix("error: ")) from None
        except (WorkflowError, SyntaxError, NameError, LookupError) as error:
            try:
                api.print_exception(error)
            except LookupError:  # it looks for a line that it has not come to yet
                print(error, file=sys.stderr)
            raise UserError(
                "Snakemake cannot make sense of the Snakefile, see above; `snakemake -n` says the same"
            ) from None
        try:
            yield workflow
        finally:
            os.environ["PATH"] = path


def recorded(directory: Path = Path(".")) -> Callable[[str], dict[str, Any] | None]:
    """A function that gives Snakemake's record of an output in ``directory``, or None; no Snakefile is needed."""
    from snakemake.persistence.file import FilePersistence

    persistence = FilePersistence(path=directory.resolve() / ".snakemake")

    def of(path: str) -> dict[str, Any] | None:
        record = persistence._read_record(path)
        return dict(record.items()) if record else None

    return of


def touch(directory: Path, jobs: Iterable[Job]) -> None:
    """The public way to record ``jobs`` as finished; it needs the right to touch their files, and a second per ten."""
    outputs = [job.outputs[0] for job in jobs]
    if not outputs:
        return
    command = [sys.executable, "-m", "snakemake", *outputs, "--touch", "--forceall", "--cores", "1", "--quiet", "all"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"`snakemake --touch` failed: {(done.stdout + done.stderr).strip().splitlines()[-1]}")


def format_version() -> int:
    """The version of Snakemake's records: those of another version cannot be put back."""
    from snakemake.persistence import RECORD_FORMAT_VERSION

    return RECORD_FORMAT_VERSION


def checksum_limit(directory: Path) -> int:
    """Size in bytes up to which Snakemake compares files by their bytes, from the profile that every run here reads."""
    settings = read_yaml(directory / PROFILE) if (directory / PROFILE).exists() else {}
    found = re.fullmatch(r"(\d+)\s*([a-z]*)", str(settings.get("max-checksum-file-size", "1MB")).lower())
    return int(found[1]) * UNITS[found[2]] if found else UNITS["mb"]


@contextlib.contextmanager
def _on_path(directory: Path) -> Iterator[None]:
    """``etude`` and ``stages`` of ``directory`` come first, as they do for `python -m snakemake` there."""
    before = list(sys.path)
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path[:] = before
