"""`etude run <stage>` as the command of a DVC stage: what DVC vouches for, what it does not, and what may run.

DVC knows what the outs of the stages before this one are worth: it has just run them, or compared them with dvc.lock.
It does not know how our own outs came about, and Snakemake, in a clone or in the copy that `dvc exp run --temp` works
in, has no memory of any. Left to themselves the two agree on old numbers. So, before Snakemake is asked:

1. Records in snakemake.lock whose outputs are still those bytes are given back: Snakemake sees what has changed since.
2. Outputs of earlier stages that are still without a record are vouched for, as DVC does.
3. Our own outputs without a record are made again.
4. Of a stage that papers share, what no sealed paper asks for, and nobody has made yet, is left alone: `etude seal`
   did so, too, and a rebuild shall agree with it.
5. Nothing but this stage's jobs may run; anything else would change files that DVC believes it knows.
"""

import contextlib
import os
from pathlib import Path

from etude.errors import UserError
from etude.versions import dvc
from etude.versions.hashes import Hashes
from etude.versions.lockfile import Lockfile
from etude.versions.project import opened
from etude.versions.projection import stage_name
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
        held = self.lockfile.held(self.workflow)
        own = set(self.stage.jobs)
        if not held.isdisjoint(own):  # else it was never sealed, and who asks for it wants all of it
            own = {job for job in own if job in held or _begun(job, directory)}
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
        self._refuse_others(before, {job.outputs[0] for job in held})
        self.forced = sorted(job.outputs[0] for job in own if not job.recorded and _exists(job, directory))
        # A job that is forced makes its followers stale only once it has run, so all are asked for.
        self.targets = sorted(job.outputs[0] for job in own if job.stale or self.forced)
        self.jobs = own

    def conclude(self) -> None:
        """After a run that went well: no file without a job, and records that a copy of this folder can be given."""
        self.workflow.look()
        made = self._anew(self.jobs)
        if left := orphans(self.stage, self.workflow):
            remove(left, self.directory)
            print(f"etude: removed {len(left)} files that no job makes any more, {left[0]} the first", flush=True)
        fresh = Hashes(self.directory, "sha256")
        fresh.read_ahead(path for job in made for path in job.outputs)
        for job in made:
            self.lockfile.note(job, self.workflow, fresh)
        self.lockfile.keep_only(job.outputs[0] for job in self.workflow.jobs)
        self.lockfile.write()
        write_beside_reports(self.directory)

    def _anew(self, jobs: set[Job]) -> set[Job]:
        """The same jobs as Snakemake sees them now."""
        return {self.workflow.maker[job.outputs[0]] for job in jobs}

    def _refuse_others(self, before: set[Job], held: set[str]) -> None:
        stale = [job for job in before if job.stale]
        names = ", ".join(sorted({stage_name(job.rule.file) for job in stale}))
        if any(job.outputs[0] not in held for job in stale):
            raise UserError(
                f"{self.stage.name} needs files of {names} that the sealed version has not, since nothing in it asks "
                f"for them; `etude run {self._collector()}` makes them, and `etude seal` keeps them"
            )
        if stale:
            raise UserError(
                f"{self.stage.name} needs files of {names} that are not up to date, and DVC runs one stage at a time; "
                f"`dvc repro {self.stage.name}` runs them first, or `etude run` and `etude seal` do it without DVC"
            )

    def _collector(self) -> str:
        """The collector that leads to all of our jobs and to the fewest others."""
        wanted = {name: self.workflow.wanted_by(name) for name in self.workflow.collectors}
        own = self._anew(set(self.stage.jobs))
        return min(((len(jobs), name) for name, jobs in wanted.items() if jobs >= own), default=(0, "all"))[1]


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


def _begun(job: Job, directory: Path) -> bool:
    return any((directory / path).exists() for path in job.outputs)


def _by_stage(jobs: list[Job]) -> str:
    counts: dict[str, int] = {}
    for job in jobs:
        counts[stage_name(job.rule.file)] = counts.get(stage_name(job.rule.file), 0) + 1
    return ", ".join(f"{name} ({count})" for name, count in counts.items())
