"""The Snakefile as dvc.yaml: one DVC stage per file of rules.

A step's main file (stages/train/train.smk) gives the stage of the step's name, a further file of it a stage of both
names (stages/train/priors.smk: `train-priors`). Whole steps would not do: what `generate` writes may be what a later
training reads, and DVC wants no cycles. Everything else is read off the rules:

    outs     what the rules write, as the folder above their first wildcard, so that a longer grid changes nothing
    deps     what they read: outs of other stages, files of the project, and the code that their digests cover
    params   the blocks of params.yaml that they look into

Only rules that the collectors lead to count: DVC wants each out to be there after its stage has run.
"""

import functools
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from etude.config.variants import VARIANTS
from etude.errors import UserError
from etude.pipeline.known_code import files_behind
from etude.versions import tables
from etude.versions.provenance import is_report
from etude.versions.reads import Reads
from etude.versions.records import Job, Rule, Workflow

DVC_YAML = Path("dvc.yaml")
HEADER = """\
# Written by `etude sync` from the Snakefile: edit the rules there, then run it again. `etude check` compares the two.
"""
WILDCARD = re.compile(r"\{[^{}]*\}")
OWN_OUTPUT = ("smoke",)  # scales that write somewhere else, where DVC does not look


@dataclass
class Stage:
    """A stage of dvc.yaml and the jobs that make it."""

    name: str
    files: set[str]
    about: str = ""
    jobs: list[Job] = field(default_factory=list)
    outs: set[str] = field(default_factory=set)
    deps: set[str] = field(default_factory=set)
    params: set[str] = field(default_factory=set)

    def owns(self, path: str) -> bool:
        """Whether ``path`` lies in one of the outs."""
        return any(path == out or path.startswith(out + "/") for out in self.outs)


def stages_of(workflow: Workflow, reads: Reads, raw: dict[str, Any]) -> list[Stage]:
    """The stages of ``workflow``, every one after those it depends on.

    ``raw`` is params.yaml as it stands. Raises ``UserError`` when files of rules wait for each other.
    """
    stages = _group(workflow)
    made_in = {path: stage for stage in stages for job in stage.jobs for path in job.outputs}
    inherited = _inherited(workflow)
    for stage in stages:
        stage.outs |= {name for path in _tables(stage) if path in stage.outs for name in tables.derived(path)}
        stage.deps = _deps(stage, made_in, reads, workflow.directory)
        stage.params = _params(stage, reads, raw, inherited)
        stage.about = _about(stage, workflow.directory)
    return _in_order(stages, made_in)


def render(stages: list[Stage]) -> str:
    """The text of dvc.yaml."""
    content: dict[str, Any] = {
        "stages": {
            stage.name: {
                **({"desc": stage.about} if stage.about else {}),
                # Not the installed `etude`: in a clone or a temporary copy it would be another checkout's.
                "cmd": f"python -m etude run {stage.name}",
                "deps": sorted(stage.deps),
                "params": sorted(stage.params),
                # DVC would delete outs before the stage runs, and Snakemake would make all of them again.
                "outs": [{out: {"persist": True}} for out in sorted(stage.outs)],
            }
            for stage in stages
        }
    }
    compared = [tables.derived(path) for stage in stages for path in _tables(stage)]
    if compared:
        content["metrics"] = sorted(metrics for metrics, _ in compared)
        content["plots"] = [
            {plot: {"x": "value", "y": "row", "y_label": "", "template": "bar_horizontal"}}
            for plot in sorted(plot for _, plot in compared)
        ]
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the C one is ten times as fast
    return HEADER + yaml.dump(
        content, Dumper=dumper, sort_keys=False, width=118, default_flow_style=None, allow_unicode=True
    )


def stage_name(file: str) -> str:
    """stages/train/train.smk -> train, stages/train/priors.smk -> train-priors."""
    parts = Path(file).with_suffix("").parts
    step, thing = (parts[-2], parts[-1]) if len(parts) > 1 else ("", parts[-1])
    return thing if thing == step or not step else f"{step}-{thing}"


def outs_of(jobs: Iterable[Job], foreign: Iterable[str] = (), neighbours: Iterable[str] = ()) -> set[str]:
    """Where ``jobs`` write: per pattern the folder above the first wildcard, or the very files if that is too wide.

    Too wide is a folder with other things in it: outputs of another step (``foreign``) or files that git has. Files
    that differ in their names alone (figure{n}.png) may have ``neighbours`` from their own step.
    """
    foreign, neighbours = list(foreign), list(neighbours)
    found: dict[tuple[str, bool], set[str]] = defaultdict(set)
    for job in jobs:
        for pattern, path in zip(job.rule.outputs, job.outputs, strict=True):
            found[_folder(pattern), not WILDCARD.search(os.path.dirname(pattern))].add(path)
    outs: set[str] = set()
    for (out, by_name), paths in found.items():
        others = foreign + neighbours if by_name else foreign
        wide = out in ("", "data", "models", "reports") or any(_inside(path, out) for path in others)
        outs |= paths if wide else {out}
    return {out for out in outs if not any(_inside(out, other) for other in outs if other != out)}


def _group(workflow: Workflow) -> list[Stage]:
    """One stage per file of rules with jobs; files of one step that write into the same folders are one stage."""
    stages: dict[str, Stage] = {}
    for job in workflow.jobs:
        name = stage_name(job.rule.file)
        stages.setdefault(name, Stage(name, set())).files.add(job.rule.file)
        stages[name].jobs.append(job)
    while True:
        for stage in stages.values():
            paths: dict[bool, list[str]] = {True: [], False: []}
            for other in stages.values():
                if other is not stage:
                    paths[_step(other) == _step(stage)] += [path for job in other.jobs for path in job.outputs]
            stage.outs = outs_of(stage.jobs, foreign=paths[False], neighbours=paths[True])
        clash = next(
            (
                (one, two)
                for one in stages.values()
                for two in stages.values()
                if one is not two and any(_inside(a, b) for a in one.outs for b in two.outs)
            ),
            None,
        )
        if clash is None:
            return list(stages.values())
        one, two = sorted(clash, key=lambda stage: (len(stage.name), stage.name))
        one.files |= two.files
        one.jobs += two.jobs
        del stages[two.name]


def _deps(stage: Stage, made_in: dict[str, Stage], reads: Reads, root: Path) -> set[str]:
    deps = {f"stages/{_step(stage)}"} if (root / "stages" / _step(stage)).is_dir() else set(stage.files)
    for job in stage.jobs:
        for path in job.inputs:
            maker = made_in.get(path)
            if maker is None:
                deps.add(_source(job.rule, path))
            elif maker is not stage:
                deps.add(next(out for out in maker.outs if path == out or path.startswith(out + "/")))
        text = "\n".join(job.params())
        for digest, modules in reads.modules.items():
            if digest in text:
                deps |= _units(modules, root)
    return {dep for dep in deps if not any(_inside(dep, other) for other in deps if other != dep)}


def _tables(stage: Stage) -> list[str]:
    """The reports of ``stage`` that are tables: beside each, what DVC compares is written (tables.py)."""
    return [path for job in stage.jobs for path in job.outputs if path.endswith(".csv") and is_report(path)]


@functools.cache  # the same few stages are asked for in every job
def _units(modules: tuple[str, ...], root: Path) -> frozenset[str]:
    """What of the code behind ``modules`` DVC watches: packages of etude/, folders of stages/, else files."""
    return frozenset("/".join(file.parts[:2]) for file in files_behind(modules, root))


def _source(rule: Rule, path: str) -> str:
    """An input that no job makes: the folder of its pattern, so that one data set more changes nothing here."""
    for pattern in rule.inputs:
        if WILDCARD.search(pattern) and re.fullmatch(_expression(pattern), path):
            return _folder(pattern)
    return path


def _params(stage: Stage, reads: Reads, raw: dict[str, Any], inherited: dict[str, set[str]]) -> set[str]:
    files = set(stage.files)
    for file in stage.files:
        files |= inherited.get(file, set())
    params = set().union(*(reads.blocks.get(file, set()) for file in files))
    grid = raw.get("grid", {})
    if "grid" not in params:  # the rules of a file may be asked for by others, so its own reads do not say it all
        params |= {f"grid.{name}s" for job in stage.jobs for name in job.wildcards if f"{name}s" in grid}
    params = {name for name in params if not ("grid" in params and name.startswith("grid."))}
    if any(path.partition(".")[0] in params for paths in VARIANTS.values() for path in paths):
        params.add("variant")
    scales = {
        f"scales.{scale}.{name}"
        for scale, block in (raw.get("scales") or {}).items()
        if scale not in OWN_OUTPUT
        for name in params
        if _has(block or {}, name)
    }
    known = {name for name in params if _has(raw, name)}
    return known | scales | {"scale"}


def _has(block: dict[str, Any], name: str) -> bool:
    for key in name.split("."):
        if not isinstance(block, dict) or key not in block:
            return False
        block = block[key]
    return True


def _inherited(workflow: Workflow) -> dict[str, set[str]]:
    """File of rules -> the files whose rules it takes over with `use rule`, and so their parameters."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in {rule.file for rule in workflow.rules.values()}:
        text = (workflow.directory / file).read_text(encoding="utf-8")
        for name in re.findall(r"^\s*use rule (\w+) as ", text, re.MULTILINE):
            if name in workflow.rules and workflow.rules[name].file != file:
                found[file].add(workflow.rules[name].file)
    for _ in found:  # as many rounds as the longest chain may have
        for file, bases in found.items():
            found[file] = bases.union(*(found.get(base, set()) for base in bases))
    return found


def _about(stage: Stage, root: Path) -> str:
    """The first line of the stage's main file, which says what the step does."""
    file = min(stage.files, key=lambda file: (stage_name(file) != stage.name, file))
    first = (root / file).read_text(encoding="utf-8").splitlines()[:1]
    found = re.match(r"#\s*\w+:\s*(.*?)\.?\s*$", first[0]) if first else None
    return found[1] if found else ""


def _in_order(stages: list[Stage], made_in: dict[str, Stage]) -> list[Stage]:
    needs = {
        stage.name: {
            made_in[path].name for job in stage.jobs for path in job.inputs if path in made_in
        } - {stage.name}
        for stage in stages
    }  # fmt: skip
    ordered: list[Stage] = []
    waiting = {stage.name: stage for stage in stages}
    while waiting:
        ready = [name for name in waiting if not needs[name] & set(waiting)]
        if not ready:
            files = ", ".join(_files(stage) for stage in waiting.values())
            raise UserError(
                f"rules of {files} wait for each other, which DVC cannot have between stages: "
                "move the later ones into a .smk file of their own"
            )
        ordered += [waiting.pop(name) for name in ready[:1]]
    return ordered


def _step(stage: Stage) -> str:
    return Path(min(stage.files)).parent.name


def _files(stage: Stage) -> str:
    return " and ".join(sorted(stage.files))


def _folder(pattern: str) -> str:
    """The folder above the first wildcard of ``pattern``, or ``pattern`` itself if it has none."""
    return os.path.dirname(WILDCARD.split(pattern, maxsplit=1)[0]) if WILDCARD.search(pattern) else pattern


def _expression(pattern: str) -> str:
    return ".+".join(map(re.escape, WILDCARD.split(pattern)))


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")
