"""`etude run <stage>` as the command of a DVC stage: what DVC vouches for, what it does not, and what may run.

DVC knows what the outs of the stages before this one are worth: it has just run them, or compared them with dvc.lock.
It does not know how our own outs came about, and Snakemake, in a clone or in the copy that `dvc exp run --temp` works
in, has no memory of any. Left to themselves the two agree on old numbers. So, before Snakemake is asked:

1. Records in snakemake.lock whose outputs are still those bytes are given back: Snakemake sees what has changed since.
2. Outputs of earlier stages that are still without a record are vouched for, as DVC does.
3. Our own outputs without a record are made again.
4. Nothing but this stage's jobs may run; anything else would change files that DVC believes it knows.
"""

import contextlib
import os
from pathlib import Path

from etude.errors import UserError
from etude.versions import dvc
from etude.versions.hashes import Hashes
from etude.versions.lockfile import Lockfile
from etude.versions.project import opened
from etude.versions.projection import Stage, stage_name
from etude.versions.provenance import write_beside_reports
from etude.versions.prune import orphans, remove
from etude.versions.records import Job, Workflow


def stage_here() -> str:
    """The name of the DVC stage whose command this process is."""
    return os.environ[dvc.INSIDE].rpartition(":")[2]


class Preparation(contextlib.ExitStack):
    """What stage ``name`` of the project in ``directory`` has to have made. Raises ``UserError`` as said above.

    ``targets``: the files to ask Snakemake for; ``forced``: those to make again in any case. Both empty: nothing to do.
    """

    def __init__(self, directory: Path, name: str) -> None:
        super().__init__()
        project = self.enter_context(opened(directory))
        self.workflow, self.stage = project.workflow, project.stage(name)
        self.lockfile, self.sha256 = Lockfile(directory), Hashes(directory, "sha256")
        self.directory = directory
        own = set(self.stage.jobs)
        before = _before(self.workflow, own)
        names = {job.outputs[0]: job for job in own | before}
        given = self.lockfile.give_back(self.workflow, self.sha256, lambda job: job.outputs[0] in names, forget=True)
        own, before = self._anew(own), self._anew(before)
        trusted = [job for job in before if not job.recorded and _exists(job, directory)]
        if trusted:
            self.workflow.vouch(trusted)
            self.workflow.look()
            own, before = self._anew(own), self._anew(before)
        for word, jobs in (("remembered", given), ("taken over from DVC", trusted)):
            if jobs:
                print(f"etude: {word}: {_by_stage(jobs)}", flush=True)
        self._refuse_others(before)
        self.forced = sorted(job.outputs[0] for job in own if not job.recorded and _exists(job, directory))
        # A job that is forced makes its followers stale only once it has run, so all are asked for.
        self.targets = sorted(job.outputs[0] for job in own if job.stale or self.forced)
        self.jobs = own

    def conclude(self) -> None:
        """After a run that went well: no file without a job, and records that a copy of this folder can be given."""
        self.workflow.look()
        stage = Stage(self.stage.name, self.stage.files, jobs=list(self._anew(self.jobs)), outs=self.stage.outs)
        if left := orphans(stage, self.workflow):
            remove(left, self.directory)
            print(f"etude: removed {len(left)} files that no job makes any more, {left[0]} the first", flush=True)
        fresh = Hashes(self.directory, "sha256")
        fresh.read_ahead(path for job in stage.jobs for path in job.outputs)
        for job in stage.jobs:
            self.lockfile.note(job, self.workflow, fresh)
        self.lockfile.keep_only(job.outputs[0] for job in self.workflow.jobs)
        self.lockfile.write()
        write_beside_reports(self.directory)

    def _anew(self, jobs: set[Job]) -> set[Job]:
        """The same jobs as Snakemake sees them now."""
        return {self.workflow.maker[job.outputs[0]] for job in jobs}

    def _refuse_others(self, before: set[Job]) -> None:
        stale = {stage_name(job.rule.file) for job in before if job.stale}
        if stale:
            names = ", ".join(sorted(stale))
            raise UserError(
                f"{self.stage.name} needs files of {names} that are not up to date, and DVC runs one stage at a time; "
                f"`dvc repro {self.stage.name}` runs them first, or `etude run` and `etude seal` do it without DVC"
            )


def _before(workflow: Workflow, own: set[Job]) -> set[Job]:
    """The jobs that ``own`` needs, directly or not, without themselves."""
    waiting, found = [path for job in own for path in job.inputs], set()
    while waiting:
        job = workflow.maker.get(waiting.pop())
        if job and job not in found:
            found.add(job)
            waiting += job.inputs
    return found - own


def _exists(job: Job, directory: Path) -> bool:
    return all((directory / path).exists() for path in job.outputs)


def _by_stage(jobs: list[Job]) -> str:
    counts: dict[str, int] = {}
    for job in jobs:
        counts[stage_name(job.rule.file)] = counts.get(stage_name(job.rule.file), 0) + 1
    return ", ".join(f"{name} ({count})" for name, count in counts.items())
