"""What a run has made: by rule, how many jobs, how long they took, where their files are, and what was reused.

Snakemake's log names the files of the jobs that ran; its records lead from there to the jobs that made their inputs,
today or long ago.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from etude.pipeline.progress import duration
from etude.versions.records import recorded

SLACK = 1.0  # seconds between the clocks of a run and of its file system


@dataclass(frozen=True)
class Job:
    """One job on record."""

    rule: str
    outputs: tuple[str, ...]
    began: float
    ended: float


def behind(directory: Path, log: str) -> list[Job]:
    """The jobs of the run that wrote ``log`` and all those that their inputs come from, in the order of time."""
    record_of = recorded(directory)
    waiting = [path for line in re.findall(r"^    output: (.*)$", log, re.MULTILINE) for path in line.split(", ")]
    seen: set[str] = set()
    jobs: dict[tuple, list] = {}
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        record = record_of(path)
        if record is None:
            continue
        waiting += record["input"] or ()
        key = record["rule"], *(record["log"] or [path])  # no two jobs share a log
        began, ended, paths = jobs.setdefault(key, [record["starttime"], record["endtime"], []])
        jobs[key] = [min(began, record["starttime"]), max(ended, record["endtime"]), [*paths, path]]
    found = [Job(key[0], tuple(sorted(paths)), began, ended) for key, (began, ended, paths) in jobs.items()]
    return sorted(found, key=lambda job: (job.began, job.rule, job.outputs))


def summary(directory: Path, log: str, began: float) -> str:
    """The table to show after the run that began at ``began`` (seconds since the epoch) and wrote ``log``."""
    jobs = behind(directory, log)
    made: dict[str, list[Job]] = {}
    for job in jobs:
        if job.began >= began - SLACK:
            made.setdefault(job.rule, []).append(job)
    rows = [
        [rule, len(of_rule), duration(sum(job.ended - job.began for job in of_rule)), place(of_rule)]
        for rule, of_rule in made.items()
    ]
    if not rows:
        return ""
    reused = len(jobs) - sum(map(len, made.values()))
    table = tabulate(
        rows, ["made by", "jobs", "job time", "in"], tablefmt="plain", colalign=("left", "right", "right", "left")
    )
    words = f"reused: what {reused} jobs of earlier runs had made" if reused else "reused: nothing, all of it is new"
    return "\n".join([*(f"  {line}" for line in table.splitlines()), f"  {words}"])


def place(jobs: list[Job]) -> str:
    """The folder that all outputs of ``jobs`` lie in."""
    folders = [os.path.dirname(path) for job in jobs for path in job.outputs]
    return (os.path.commonpath(folders) if all(folders) else ".") + "/"
