"""`etude seal`: version what Snakemake calls finished, and nothing else.

`dvc commit` by itself blesses whatever lies there: a half-built folder, the files of a seed that was dropped, a table
that somebody edited. So seal asks Snakemake first, removes what no job makes, and only then has DVC take the outs of
our stages into its cache, with Snakemake's records beside them in snakemake.lock.
"""

import argparse
import shutil
from collections import Counter
from pathlib import Path

from etude.errors import UserError
from etude.pipeline.workflow import read_yaml
from etude.versions import dvc, provenance
from etude.versions.check import drift
from etude.versions.hashes import Hashes
from etude.versions.lockfile import LOCK, Lockfile
from etude.versions.plots import make_page
from etude.versions.project import Project, alone, opened
from etude.versions.projection import Stage, render
from etude.versions.prune import orphans, remove


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose."""


def execute(arguments: argparse.Namespace) -> int:
    """Seal the project; returns the exit status. Raises ``UserError`` where there is something to be done first."""
    directory = Path.cwd()
    with alone(directory), opened(directory) as project:
        seal(project)
    return 0


def seal(project: Project) -> None:
    """Version the finished stages of ``project``."""
    directory, workflow = project.directory, project.workflow
    if drift(directory, render(project.stages)):
        raise UserError("dvc.yaml is not what the Snakefile says; `etude sync` writes it anew, `etude check` shows why")
    lockfile, sha256 = Lockfile(directory), Hashes(directory, "sha256")
    refuse_edited(project, lockfile, sha256)
    lockfile.give_back(workflow, sha256)  # files of another version under the records of this one
    project.refresh()
    provenance.write_beside_reports(directory)
    lockfile.collectors = workflow.done()
    finished = finished_stages(project)
    refuse_outdated(finished, directory)
    for stage in finished:
        if left := orphans(stage, workflow):
            remove(left, directory)
            print(f"etude: removed {len(left)} files of {stage.name} that no job makes any more, {left[0]} the first")
    jobs = [job for stage in finished for job in stage.jobs if not job.stale]
    sha256.read_ahead(path for job in jobs for path in job.outputs)
    for job in jobs:
        lockfile.note(job, workflow, sha256)
    lockfile.keep_only(job.outputs[0] for job in jobs)
    names = [stage.name for stage in finished]
    _commit(directory, names)
    _forget_others(directory, {stage.name for stage in project.stages})
    lockfile.write()
    make_page(directory)
    if found := dvc.status(directory, names):
        raise UserError(f"DVC still finds {', '.join(sorted(found))} changed after the commit; `dvc status` says what")
    print(f"etude: sealed {len(jobs)} jobs in {', '.join(names)}")
    print(
        f"etude: now `git add {dvc.DVC_YAML} {dvc.DVC_LOCK} {LOCK} params.yaml`, `git commit`, and `dvc push` to share"
    )


def finished_stages(project: Project) -> list[Stage]:
    """The stages that are whole. Raises ``UserError`` if one that the default target needs is not.

    A stage counts as soon as some collector that is done (`all`, a paper) has a part in it: others may share it, and
    what only they ask for need not be there.
    """
    needed = project.workflow.wanted_by("all")
    undone = Counter(job.rule.name for job in needed if job.stale)
    if undone:
        jobs = ", ".join(f"{rule} ({count})" for rule, count in sorted(undone.items()))
        raise UserError(
            f"{sum(undone.values())} jobs are not done or not up to date: {jobs}; `etude run` does them, then "
            "seal again"
        )
    folders = {out for stage in project.stages for out in stage.outs} - project.workflow.maker.keys()
    done = set().union(*map(project.workflow.wanted_by, project.workflow.done()))
    finished = []
    for stage in project.stages:
        undone = sum(job.stale for job in stage.jobs)
        missing = [dep for dep in stage.deps if not (project.directory / dep).exists()]
        whole = all((project.directory / out).exists() for out in stage.outs) and folders.issuperset(missing)
        if whole and (not undone or not done.isdisjoint(stage.jobs)):
            for dep in missing:  # wanted by those of its jobs alone that were never asked for
                (project.directory / dep).mkdir(parents=True)
            finished.append(stage)
        else:
            print(f"etude: {stage.name} is left out, {undone} of its jobs are not done")
    return finished


def refuse_outdated(stages: list[Stage], directory: Path) -> None:
    """Raise ``UserError`` for a file in ``stages`` that Snakemake would make anew: what is made of it is not asked for
    now, but a rebuild of the sealed version could not come by it."""
    for stage in stages:
        old = [path for job in stage.jobs if job.stale for path in job.outputs if (directory / path).exists()]
        if old:
            more = f" and {len(old) - 1} more of {stage.name}" if len(old) > 1 else ""
            raise UserError(
                f"{old[0]}{more} is of an earlier version, and only targets beyond the default ask for it; "
                f"`etude run {old[0]}` makes it anew, deleting it gives it up, then seal again"
            )


def refuse_edited(project: Project, lockfile: Lockfile, sha256: Hashes) -> None:
    """Raise ``UserError`` for a report whose bytes are not those that its job has left behind, here or where
    ``lockfile`` comes from: `dvc exp apply` and `dvc checkout` bring other versions, and no provenance with them."""
    for path, job in project.workflow.maker.items():
        made = provenance.sha256_made(project.directory, path)
        if not made or not (project.directory / path).exists() or made == sha256(path):
            continue
        known = lockfile.find(path)
        if known is None or known["outputs"][path] != sha256(path):
            raise UserError(
                f"{path} is not what {job.rule.name} wrote: somebody has edited it since; delete it and "
                "`etude run` writes it anew, or keep your version under another name"
            )


def _commit(directory: Path, names: list[str]) -> None:
    """`dvc commit` of stages ``names``; if it fails, dvc.lock stays as it was."""
    path = directory / dvc.DVC_LOCK
    backup = directory / ".dvc/tmp/dvc.lock.before-seal"
    backup.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        shutil.copy2(path, backup)
    done = dvc.run(directory, "commit", "--force", *names)
    if done.returncode:
        if backup.exists():
            shutil.copy2(backup, path)
        else:
            path.unlink(missing_ok=True)
        backup.unlink(missing_ok=True)
        raise UserError(f"`dvc commit` failed, {dvc.DVC_LOCK} is as it was: {dvc.complaint(done)}")
    backup.unlink(missing_ok=True)


def _forget_others(directory: Path, names: set[str]) -> None:
    """Take stages out of dvc.lock that dvc.yaml does not have any more: DVC leaves them there for ever."""
    import yaml

    from etude.pipeline.files import atomic

    path = directory / dvc.DVC_LOCK
    content = read_yaml(path)
    gone = content["stages"].keys() - names
    if gone:
        content = content | {"stages": {name: stage for name, stage in content["stages"].items() if name in names}}
        with atomic(path) as part:
            part.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
