"""The project in a directory, as the commands of this package see it: its workflow and its stages."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from etude.errors import UserError
from etude.pipeline.lock import RunLock
from etude.pipeline.recovery import tidy_up
from etude.pipeline.workflow import read_yaml
from etude.versions import dvc
from etude.versions.projection import Stage, stages_of
from etude.versions.reads import Reads
from etude.versions.records import Workflow, load


@dataclass
class Project:
    """A directory with a Snakefile: its workflow, and the stages of dvc.yaml that follow from it."""

    directory: Path
    workflow: Workflow
    stages: list[Stage]

    def refresh(self) -> None:
        """Have the stages hold the jobs as the workflow sees them now."""
        for stage in self.stages:
            stage.jobs = [self.workflow.maker[job.outputs[0]] for job in stage.jobs]

    def stage(self, name: str) -> Stage:
        """The stage called ``name``. Raises ``UserError`` if the Snakefile gives no such stage."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise UserError(
            f"no stage {name} follows from the Snakefile (it gives {', '.join(s.name for s in self.stages)}); "
            "`etude sync` writes dvc.yaml anew"
        )


@contextlib.contextmanager
def opened(directory: Path) -> Iterator[Project]:
    """The project in ``directory``. Raises ``UserError`` for a scale whose files DVC does not see."""
    directory = directory.resolve()
    reads = Reads(directory)
    with load(directory, reads.watching) as workflow:
        raw = read_yaml(directory / "params.yaml")
        if raw.get("scale") == "smoke":
            raise UserError(
                "params.yaml: scale is smoke, which writes under runs/smoke/, where DVC does not look; "
                "set it to laptop or paper"
            )
        with reads.watching():  # parameters are worked out when they are asked for
            stages = stages_of(workflow, reads, raw)
        yield Project(directory, workflow, stages)


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """No run, and no other command like this, is at work in ``directory`` meanwhile; what a killed one left is tidied.

    Raises ``UserError`` beside a live one, and where ``directory`` is not a project that DVC knows.
    """
    dvc.require(directory)
    lock = RunLock(directory)
    try:
        tidy_up(directory, lock)
        yield
    finally:
        lock.release()
