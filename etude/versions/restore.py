"""`etude restore`: bring back what dvc.lock says, and Snakemake's memory of it, so that nothing is left to run.

Nothing is changed before everything is known to be there and whole: objects are fetched into the cache and checked
byte by byte first, and files that are in no version are not overwritten. Only then are they checked out.
"""

import argparse
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from etude.errors import UserError
from etude.versions import dvc, provenance
from etude.versions.check import drift
from etude.versions.hashes import Hashes
from etude.versions.lockfile import LOCK, Lockfile
from etude.versions.plots import make_page
from etude.versions.project import Project, alone, opened
from etude.versions.projection import render
from etude.versions.prune import is_passing, remove
from etude.versions.records import Workflow

# What decides about numbers. Other files may be dirty: notes, docs.
DECISIVE = ("Snakefile", "params.yaml", "dvc.yaml", "dvc.lock", str(LOCK), "etude", "stages", "papers", "data/sources")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `etude restore`."""
    parser.add_argument("--force", action="store_true", help="overwrite files that are in no version")


def execute(arguments: argparse.Namespace) -> int:
    """Restore the project; returns the exit status. Raises ``UserError`` where that cannot be done, or not wholly."""
    directory = Path.cwd()
    with alone(directory):
        _refuse_dirty(directory)
        with ThreadPoolExecutor(1) as beside:
            cached = beside.submit(_cached, directory)
            with opened(directory) as project:
                restore(project, *cached.result(), arguments.force)
    return 0


def restore(project: Project, cache: dvc.Cache, md5: Hashes, force: bool) -> None:
    """Bring back the data of dvc.lock and the records of snakemake.lock. ``md5``: hashes of what is in ``cache``."""
    directory, workflow = project.directory, project.workflow
    locked = dvc.locked(directory)
    _refuse_renamed(project, locked)
    outs = dvc.outs(locked)
    files = _fetch(directory, cache, outs, list(locked))
    _refuse_damaged(cache, files, md5)
    if not force:
        _refuse_loss(directory, cache, outs, files, md5)
    if _differs(directory, outs, files, md5):
        there = {path for path in files if (directory / path).exists()}
        done = dvc.run(directory, "checkout", *(["--force"] if force else []), *locked)
        if done.returncode:
            came = [path for path in files if path not in there and (directory / path).is_file()]
            remove(came, directory)
            raise UserError(f"`dvc checkout` failed: {dvc.complaint(done)}{_link_advice(directory)}")
    dvc.make_empty_folders(directory)
    with ThreadPoolExecutor(1) as beside:  # DVC looks at bytes, and nothing below changes one
        status = beside.submit(dvc.status, directory, sorted(locked))
        workflow.look()
        sealed = {job.outputs[0] for stage in project.stages if stage.name in locked for job in stage.jobs}
        sha256 = Hashes(directory, "sha256")
        given = Lockfile(directory).give_back(workflow, sha256, lambda job: job.outputs[0] in sealed, forget=True)
        make_page(directory)
        provenance.write_beside_reports(directory)
    print(f"etude: restored {len(files)} files of {', '.join(locked)}; {len(given)} jobs remembered")
    _compare(workflow, sealed, status.result())


def _cached(directory: Path) -> tuple[dvc.Cache, Hashes]:
    """The cache of ``directory``, and hashes that know of each of its objects that dvc.lock names."""
    outs = dvc.outs(dvc.locked(directory))
    cache, md5 = dvc.Cache.of(directory), Hashes(directory, "md5")
    md5.read_ahead(str(cache.path(known)) for known in (cache.files(outs) or {}).values())
    return cache, md5


def _refuse_dirty(directory: Path) -> None:
    paths = [name for name in DECISIVE if (directory / name).exists()]
    command = ["git", "status", "--porcelain", "--untracked-files=no", "--", *paths]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"`git status` failed: {done.stderr.strip()}")
    if changed := [line[3:] for line in done.stdout.splitlines()]:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise UserError(
            f"{changed[0]}{more} differs from the commit, so what is restored would not belong to what you see; "
            "`git stash` or `git commit` first"
        )


def _refuse_renamed(project: Project, locked: dict[str, dict[str, str]]) -> None:
    if gone := sorted(locked.keys() - {stage.name for stage in project.stages}):
        raise UserError(
            f"dvc.lock has stage {', '.join(gone)}, which the Snakefile does not give (it gives "
            f"{', '.join(stage.name for stage in project.stages)}): it was renamed or removed since; check out the "
            "commit that sealed it, or `etude run` and `etude seal` under the new name"
        )
    if drift(project.directory, render(project.stages)):
        raise UserError("dvc.yaml is not what the Snakefile says; `etude sync` writes it anew, `etude check` shows why")


def _fetch(directory: Path, cache: dvc.Cache, outs: dict[str, str], stages: list[str]) -> dict[str, str]:
    """File -> md5 of all ``outs``, once all of them are in the cache."""
    files = cache.files(outs)
    if files is not None and all(map(cache.has, files.values())):
        return files
    remotes = dvc.run(directory, "remote", "list").stdout.split()[::2]
    if not remotes:
        raise UserError(
            f"{_missing(cache, outs)}, and no remote is set up to fetch them from; "
            "`dvc remote add --local -d NAME URL` names one, `etude run` makes everything anew"
        )
    done = dvc.run(directory, "fetch", *stages)
    files = cache.files(outs)
    if files is None or not all(map(cache.has, files.values())):
        why = f" (DVC: {dvc.complaint(done)})" if done.returncode and "not exist" not in done.stderr else ""
        raise UserError(
            f"{_missing(cache, outs)}, nor on the remote{why}; ask whoever sealed this commit to `dvc push`, or "
            "`etude run` makes them anew"
        )
    return files


def _missing(cache: dvc.Cache, outs: dict[str, str]) -> str:
    for out, md5 in outs.items():
        files = cache.files({out: md5})
        if files is None:
            return f"{out} is not in the cache"
        if missing := [path for path, md5 in files.items() if not cache.has(md5)]:
            return f"{len(missing)} of {len(files)} files of {out} ({missing[0]} the first) are not in the cache"
    return "nothing is missing"


def _refuse_damaged(cache: dvc.Cache, files: dict[str, str], md5: Hashes) -> None:
    objects = {str(cache.path(known)): (path, known) for path, known in files.items()}
    md5.read_ahead(objects)
    for place, (path, known) in objects.items():
        if md5(place) != known:
            raise UserError(
                f"{place}, the cache's copy of {path}, is damaged: its md5 is {md5(place)}; delete it, then "
                "`etude restore` fetches it anew"
            )


def _refuse_loss(directory: Path, cache: dvc.Cache, outs: dict[str, str], files: dict[str, str], md5: Hashes) -> None:
    there = [path for out in outs for path in _below(directory, out)]
    md5.read_ahead(there)
    lost = [path for path in there if files.get(path) != md5(path) and not cache.has(md5(path))]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise UserError(
            f"{lost[0]}{more} is in no version and would be overwritten or removed; `etude seal` keeps it if it is a "
            "finished run, `etude restore --force` gives it up"
        )


def _differs(directory: Path, outs: dict[str, str], files: dict[str, str], md5: Hashes) -> bool:
    there = {path for out in outs for path in _below(directory, out)}
    md5.read_ahead(there)
    return there != files.keys() or any(md5(path) != known for path, known in files.items())


def _below(directory: Path, out: str) -> list[str]:
    """Files of ``out`` that DVC sees."""
    place = directory / out
    if place.is_file():
        return [out]
    found = (path for path in place.rglob("*") if path.is_file() and not is_passing(path.name))
    return [str(path.relative_to(directory)) for path in found if "__pycache__" not in path.parts]


def _link_advice(directory: Path) -> str:
    links = dvc.run(directory, "config", "cache.type").stdout
    if "link" not in links.replace("reflink", ""):
        return ""
    return (
        f" (cache.type is {links.strip()}: files of a cache that belongs to somebody else cannot be linked to; "
        "`dvc config --local cache.type copy`, then again)"
    )


def _compare(workflow: Workflow, sealed: set[str], found: dict[str, Any]) -> None:
    """Say what is left to be done of the jobs whose first outputs are ``sealed``, according to Snakemake and to DVC,
    which has ``found`` these changes."""
    needed = {job.outputs[0] for job in workflow.wanted_by("all")} & sealed
    stale = Counter(job.rule.name for job in workflow.jobs if job.stale and job.outputs[0] in needed)
    if stale:
        jobs = ", ".join(f"{rule} ({count})" for rule, count in sorted(stale.items()))
        raise UserError(
            f"the data are back, but code or parameters of this commit are newer than they are: {jobs} would run; "
            "`etude run` and `etude seal` bring them up to date, the commit that sealed them has them as they were"
        )
    if outs := dvc.changed_outs(found):
        raise UserError(f"DVC finds {', '.join(outs)} changed right after the checkout; `dvc status` says what")
    if found:
        print(
            f"etude: nothing is left to run; DVC will write the hashes of {', '.join(found)} anew at the next "
            "`etude seal`, since code has changed there that makes no difference (comments, other rules)"
        )
    else:
        print("etude: nothing is left to run, for Snakemake and for DVC")
