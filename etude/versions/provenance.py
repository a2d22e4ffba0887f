"""The chain behind a file: the job that made it, the jobs that made its inputs, and so on to the sources.

Everything comes from what was written down while it happened: Snakemake's records (rule, parameters, checksums of the
inputs, times) and the notes of where jobs ran, or, for jobs that were restored, snakemake.lock. A chain is flat, one
entry per job, since a tree would repeat the reference of every score.
"""

import ast
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from etude.errors import UserError
from etude.pipeline.files import atomic, sha256_file, write_json
from etude.versions import tables
from etude.versions.lockfile import Lockfile, note_of, when
from etude.versions.records import recorded

SUFFIX = ".provenance.json"
SCRIPT = ".provenance.js"  # the same for pages, which may load a script from the file system and nothing else
INNER = ("evaluate", "assets", "paper_assets")  # below reports/: what reports are made of, sounds and pictures of pages


class Chains:
    """Chains of the files in ``directory``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._record: Callable[[str], dict[str, Any] | None] = recorded(directory)
        self._lockfile = Lockfile(directory)
        self._sealed = {path: entry for entry in self._lockfile.jobs.values() for path in entry["outputs"]}
        self._jobs: dict[str, dict[str, Any] | None] = {}

    def job(self, path: str) -> dict[str, Any] | None:
        """What is known about the job that made ``path``, or None if no job has."""
        if path not in self._jobs:
            record = self._record(path)
            self._jobs[path] = self._describe(path, record) if record else None
        return self._jobs[path]

    def of(self, path: str) -> dict[str, Any]:
        """The chain of ``path``: `file`, its `sha256`, `jobs` by output, `sources` (files that no job made) by path."""
        jobs: dict[str, Any] = {}
        sources: dict[str, str | None] = {}
        waiting = [path]
        while waiting:
            path_ = waiting.pop()
            if path_ in jobs or path_ in sources:
                continue
            job = self.job(path_)
            if job is None:
                sources[path_] = self._sha256(path_)
            else:
                jobs[path_] = job
                waiting += job["inputs"]
        return {
            "file": path,
            "sha256": self._sha256(path),
            "jobs": dict(sorted(jobs.items())),
            "sources": dict(sorted(sources.items())),
        }

    def _describe(self, path: str, record: dict[str, Any]) -> dict[str, Any]:
        settings, code, others = split_params(record["params"] or [])
        checksums = record["input_checksums"] or {}
        inputs = {name: (checksums.get(name) or "").removeprefix("sha256:") or None for name in record["input"] or ()}
        entry = self._sealed.get(path)
        sealed = entry["ran"] if entry and entry["began"] == record["starttime"] else None
        ran = sealed or note_of(record, self.directory)
        began, ended = record["starttime"], record["endtime"]
        return {
            "rule": record["rule"],
            "settings": settings,
            "seed": _seed(settings),
            "code": code,
            "rule_text": hashlib.sha256((record["code"] or "").encode()).hexdigest()[:16],
            "params": others,
            "inputs": inputs,
            "weights": self._weights(path, inputs),
            "log": (record["log"] or [None])[0],
            "began": when(began) if began else None,
            "ended": when(ended) if ended else None,
            "ran": ran,
        }

    def _weights(self, path: str, inputs: dict[str, str | None]) -> dict[str, str | None]:
        """Weight files that the job read, or that it wrote beside its output without declaring them."""
        weights = {name: known for name, known in inputs.items() if name.endswith(".safetensors")}
        folder = (self.directory / path).parent
        for file in sorted(folder.glob("*.safetensors")):
            name = str(file.relative_to(self.directory))
            if name == path or self._record(name) is None:
                weights[name] = self._sha256(name)
        return weights

    def _sha256(self, path: str) -> str | None:
        file = self.directory / path
        return sha256_file(file) if file.is_file() else None


def split_params(params: list[str]) -> tuple[dict[str, Any] | None, str | None, list[Any]]:
    """The settings, the code digest and the rest, out of the parameters that Snakemake has recorded as Python text."""
    settings, code, others = None, None, []
    for text in params:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = text
        if isinstance(value, str) and value.startswith("{") and settings is None:
            settings = json.loads(value)
        elif isinstance(value, str) and re.fullmatch(r"[0-9a-f]{16}", value) and code is None:
            code = value
        else:
            others.append(value)
    return settings, code, others


def write_beside_reports(directory: Path, reports: str = "reports") -> list[str]:
    """Write beside each report in folder ``reports`` the chain behind it, and beside each table what DVC compares.

    fad.csv, fad.md: fad.provenance.json (and .js), fad.metrics.json, fad.plot.csv. A report that somebody has edited
    keeps the chain of the one that was made. Returns the files written.
    """
    chains = Chains(directory)
    by_job: dict[tuple, list[str]] = defaultdict(list)
    for file in sorted((directory / reports).rglob("*")):
        path = str(file.relative_to(directory))
        if is_report(path, reports) and file.is_file() and (job := chains.job(path)):
            by_job[job["rule"], job["log"]].append(path)
    written = []
    for paths in by_job.values():
        paths.sort(key=lambda path: (not path.endswith(".csv"), path))
        chain = chains.of(paths[0])
        chain["files"] = {path: chains._sha256(path) for path in paths}
        target = str(Path(paths[0]).with_suffix(SUFFIX))
        before = _read(directory / target)
        if before and _same_job(before, chain) and before.get("files") != chain["files"]:
            continue
        for path in paths:
            beside = [name for name in tables.derived(path) if path.endswith(".csv")]
            if beside and (before != chain or not all((directory / name).exists() for name in beside)):
                tables.write_derived(directory / path)
                written += beside
        if before != chain:
            write_json(directory / target, chain)
            written.append(target)
        script = str(Path(paths[0]).with_suffix(SCRIPT))
        if before != chain or not (directory / script).exists():
            with atomic(directory / script) as part:
                part.write_text(as_script(chain), encoding="utf-8")
            written.append(script)
    return written


def is_report(path: str, reports: str = "reports") -> bool:
    """Whether ``path`` is for people: neither a single score that reports are made of, nor written beside one here."""
    inside = Path(path).is_relative_to(reports)
    outside = any(Path(path).is_relative_to(f"{reports}/{folder}") for folder in INNER)
    return inside and not outside and not path.endswith((SUFFIX, SCRIPT, tables.METRICS, tables.PLOT))


def as_script(chain: dict[str, Any]) -> str:
    """``chain`` handed to the page that loads it (stages/report/pages/page.js)."""
    return f"etudeChain({json.dumps(chain, ensure_ascii=False, separators=(',', ':'))});\n"


def sha256_made(directory: Path, path: str) -> str | None:
    """The sha256 that report ``path`` had when its job ended, or None if nobody wrote it down."""
    for file in (directory / path).parent.glob(f"*{SUFFIX}"):
        if made := (_read(file) or {}).get("files", {}).get(path):
            return made
    return None


def _same_job(one: dict[str, Any], two: dict[str, Any]) -> bool:
    one, two = (chain["jobs"].get(chain["file"]) for chain in (one, two))
    return bool(one and two) and (one["began"], one["settings"], one["code"]) == (
        two["began"],
        two["settings"],
        two["code"],
    )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _seed(settings: dict[str, Any] | None) -> Any:
    """The seed among ``settings``, if one of them is called so."""
    return next((value for key, value in (settings or {}).items() if key in ("seed", "noise_seed")), None)


def require_known(chains: Chains, path: str) -> None:
    """Raise ``UserError`` if no job has made ``path`` here."""
    if chains.job(path) is None:
        there = (chains.directory / path).exists()
        raise UserError(
            f"{path} was made by no job that Snakemake knows of"
            + (
                "; if it came with `dvc pull`, `etude restore` brings its history too"
                if there
                else f", and there is no such file; `etude run {path}` makes it if a rule does"
            )
        )
