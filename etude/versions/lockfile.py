"""snakemake.lock: Snakemake's records of the sealed jobs, in git beside dvc.lock.

dvc.lock says which bytes belong to a commit; this says by which rule, parameters, code and inputs they were made, and
where and when. So a clone can give Snakemake a true memory, which finds by itself what a newer params.yaml or newer
code has made stale since, and `etude why` has an answer there too.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from etude.errors import UserError
from etude.pipeline import ran
from etude.pipeline.files import atomic
from etude.versions.hashes import Hashes
from etude.versions.records import Job, Workflow, format_version

LOCK = Path("snakemake.lock")
FORMAT = 1
SLACK = 2.0  # seconds: clocks of two machines, and a note counts in whole seconds
NO_SOFTWARE = hashlib.md5(
    usedforsecurity=False
).hexdigest()  # what Snakemake records of a job without conda and the like


class Lockfile:
    """The content of snakemake.lock.

    ``jobs``: first output -> what is known about the job that made it: rule, params, sha256 of each of its outputs,
    checksums of its inputs (None where a file is too large for Snakemake), log, began, ended (seconds since the epoch),
    ran (the note of :mod:`etude.pipeline.ran`, or None). ``collectors``: the rules whose every file was there when
    this version was sealed (`all`, a paper, a step), or None if nothing was sealed yet.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / LOCK
        self.jobs: dict[str, dict[str, Any]] = {}
        self.code: dict[str, str] = {}
        self.collectors: list[str] | None = None
        if not self.path.exists():
            return
        text = self.path.read_text(encoding="utf-8")
        try:
            content = json.loads(text)
            if content["format"] != FORMAT or content["records"] != format_version():
                return  # another Snakemake's records: as good as none
            self.code, self.collectors = content["rules"], content.get("collectors")
            places = content["places"]
            for entry in content["jobs"]:
                place = entry.pop("place")
                entry["ran"] = None if place is None else places[place] | entry["ran"]
                self.jobs[next(iter(entry["outputs"]))] = entry
        except (ValueError, KeyError, TypeError):
            raise UserError(
                f"{LOCK} cannot be read{conflict(text)}; `git checkout --ours {LOCK}` (or --theirs) and the same for "
                "dvc.lock takes one side as it was, `etude seal` writes both anew"
            ) from None

    def find(self, path: str) -> dict[str, Any] | None:
        """What is known about the job that made ``path``."""
        return next((entry for entry in self.jobs.values() if path in entry["outputs"]), None)

    def held(self, workflow: Workflow) -> set[Job]:
        """The jobs that this version is about: what its collectors lead to, by today's grid, and what else was sealed.

        A stage that papers share is sealed with the part of those that were made; so a clone has to make that part
        and no more. Before anything is sealed all jobs count.
        """
        if self.collectors is None:
            return set(workflow.jobs)
        led = set().union(*(workflow.wanted_by(name) for name in ("all", *self.collectors)))
        return led | {job for job in workflow.jobs if job.outputs[0] in self.jobs}

    def note(self, job: Job, workflow: Workflow, sha256: Hashes) -> None:
        """Take over what Snakemake has on record about ``job``, and where it ran."""
        record = workflow.records(job)
        if record is None:
            return
        earlier = self.jobs.get(job.outputs[0])
        ran_here = None
        if earlier and earlier["outputs"].keys() == set(job.outputs):
            # A restored job ran elsewhere: its history came with it, as long as it is the same job.
            ran_here = earlier["ran"] if earlier["began"] == record["starttime"] else None
        ran_here = ran_here or note_of(record, workflow.directory)
        self.code[record["rule"]] = record["code"]
        self.jobs[job.outputs[0]] = {
            "rule": record["rule"],
            "outputs": {path: sha256(path) for path in job.outputs},
            "inputs": {path: (record["input_checksums"] or {}).get(path) for path in record["input"]},
            "params": record["params"],
            "log": record["log"],
            "software": None if record["software_stack_hash"] == NO_SOFTWARE else record["software_stack_hash"],
            "began": record["starttime"],
            "ended": record["endtime"],
            "ran": ran_here,
        }

    def keep_only(self, paths: Iterable[str]) -> None:
        """Forget the jobs whose first output is not among ``paths``."""
        paths = set(paths)
        self.jobs = {path: entry for path, entry in self.jobs.items() if path in paths}

    def write(self) -> None:
        """Write the file; its bytes depend on the content alone."""
        places: dict[str, dict[str, Any]] = {}
        jobs = []
        for _, entry in sorted(self.jobs.items()):
            entry, place = dict(entry), None
            if entry["ran"] is not None:
                own = {key: entry["ran"][key] for key in ("began", "slurm_job")}
                shared = {key: value for key, value in entry["ran"].items() if key not in own}
                place = hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()[:8]
                places[place] = shared
                entry["ran"] = own
            jobs.append(entry | {"place": place})
        used = {entry["rule"] for entry in jobs}
        content = {
            "format": FORMAT,
            "records": format_version(),
            "collectors": self.collectors,
            "places": dict(sorted(places.items())),
            "rules": {rule: code for rule, code in sorted(self.code.items()) if rule in used},
            "jobs": jobs,
        }
        with atomic(self.path) as part:
            part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def give_back(
        self,
        workflow: Workflow,
        sha256: Hashes,
        wanted: Callable[[Job], bool] = lambda job: True,
        forget: bool = False,
    ) -> list[Job]:
        """Put the records of ``wanted`` jobs back into Snakemake where it has none, or others; returns those jobs.

        Only for outputs whose bytes are the ones that the job has made. Where Snakemake has a record of its own, but
        the outputs have other dates than it wrote down, they may be another version's: then the bytes decide here, too,
        and with ``forget`` a record that nothing speaks for is taken away. An input that has changed since is touched,
        since Snakemake looks only at inputs that are newer than what was made of them.
        """
        doubtful = [job for job in workflow.jobs if wanted(job) and job.recorded and not workflow.untouched(job)]
        lacking = [job for job in workflow.jobs if wanted(job) and (job.stale or not job.recorded)]
        candidates = [job for job in dict.fromkeys(lacking + doubtful) if self._knows(job)]
        sha256.read_ahead(path for job in candidates for path in job.outputs)
        same = {job for job in candidates if all(sha256(path) == known for path, known in self._outputs(job).items())}
        true = {job for job in same if job.recorded and workflow.records(job)["starttime"] == self._entry(job)["began"]}
        given = [job for job in candidates if job in same - true]
        forgotten = [job for job in doubtful if forget and job not in same]
        for job in forgotten:
            workflow.forget(job)
        for job in given:
            entry = self._entry(job)
            workflow.put(
                job,
                {
                    "rule": entry["rule"],
                    "input": list(entry["inputs"]),
                    "log": entry["log"],
                    "params": entry["params"],
                    "code": self.code[entry["rule"]],
                    "record_format_version": format_version(),
                    "software_stack_hash": entry["software"] or NO_SOFTWARE,
                    "starttime": entry["began"],
                    "endtime": entry["ended"],
                    "incomplete": False,
                    "input_checksums": {path: known for path, known in entry["inputs"].items() if known},
                },
            )
        inputs = {path: known for job in given for path, known in self.jobs[job.outputs[0]]["inputs"].items() if known}
        sha256.read_ahead(inputs)
        for path, known in inputs.items():
            if (found := sha256(path)) is not None and known != f"sha256:{found}":
                os.utime(workflow.directory / path)
        if given or forgotten:
            workflow.look()
        return given

    def _entry(self, job: Job) -> dict[str, Any]:
        return self.jobs[job.outputs[0]]

    def _knows(self, job: Job) -> bool:
        return job.outputs[0] in self.jobs and self._outputs(job).keys() == set(job.outputs)

    def _outputs(self, job: Job) -> dict[str, str]:
        return self._entry(job)["outputs"]


def note_of(record: dict[str, Any], directory: Path) -> dict[str, Any] | None:
    """The note of where the job of Snakemake's ``record`` ran, or None if the one that lies here is another run's.

    A job of a cluster is recorded when Snakemake hears of its end, so its record has no beginning of its own.
    """
    for log in record["log"] or ():
        if found := ran.read(log, directory):
            began = datetime.fromisoformat(found["began"]).timestamp()
            cluster = found.get("slurm_job") and record["endtime"] - record["starttime"] <= SLACK
            if (cluster or record["starttime"] - SLACK <= began) and began <= record["endtime"] + SLACK:
                return found
    return None


def when(seconds: float) -> str:
    """A point in time as UTC text."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def conflict(text: str) -> str:
    """A word about merge conflicts, if ``text`` has one."""
    return " (it holds a merge conflict)" if "\n<<<<<<<" in "\n" + text else ""
