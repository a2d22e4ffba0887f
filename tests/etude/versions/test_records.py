"""The one file that touches Snakemake's private interfaces: these tests are to fail loudly when they move."""

import importlib
import inspect
import os
import shutil
from pathlib import Path

import pytest

from etude.errors import UserError
from etude.versions.records import checksum_limit, load, recorded

OUTPUTS = ["data/numbers/1.txt", "data/numbers/2.txt", "reports/sum.csv"]
# What snakemake.lock keeps of a record, or fills in when it puts one back.
FIELDS = {
    *("rule", "input", "log", "params", "code", "record_format_version", "software_stack_hash"),
    *("starttime", "endtime", "incomplete", "input_checksums"),
}


def dates(folder: Path) -> dict[str, int]:
    return {path: os.stat(folder / path).st_mtime_ns for path in OUTPUTS}


def test_snakemakes_private_interfaces_are_where_they_were():
    """If this fails after an upgrade, records.py has to follow, or everything falls back on `snakemake --touch`."""
    importlib.import_module("snakemake.api")  # first: its modules import each other in a circle, which this way opens
    from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord, PersistenceBase
    from snakemake.workflow import Workflow

    assert RECORD_FORMAT_VERSION == 6
    assert set(MetadataRecord.model_fields) >= FIELDS
    assert list(inspect.signature(PersistenceBase._write_record).parameters) == ["self", "key", "record"]
    assert inspect.iscoroutinefunction(PersistenceBase.finished)
    wanted = {"forceall", "ignore_incomplete", "lock_warn_only"}
    assert set(inspect.signature(Workflow._prepare_dag).parameters) >= wanted


def test_finished_run(small):
    with load(small) as workflow:
        assert [path for job in workflow.jobs for path in job.outputs] == OUTPUTS
        assert all(job.recorded and not job.stale for job in workflow.jobs)
        assert workflow.collectors == {"all": ("reports/sum.csv",), "make": tuple(OUTPUTS[:2])}
        assert workflow.wanted_by("make") == set(workflow.jobs[:2])
        assert workflow.jobs[0].rule.file == "stages/make/make.smk"
        assert workflow.jobs[0].params() == ['{"times":2}']
        assert workflow.producible("data/numbers/3.txt") and not workflow.producible("data/numbers")
    record = recorded(small)("data/numbers/1.txt")
    assert record["rule"] == "make_number" and list(record["input_checksums"]) == ["data/sources/1.yaml"]
    assert recorded(small)("data/sources/1.yaml") is None


def test_change_is_seen_only_with_a_record(small):
    """[S1] The trap itself: no record, no look at the parameters. If this fails, Snakemake has become careful."""
    shutil.rmtree(small / ".snakemake/metadata")
    (small / "params.yaml").write_text("times: 3\n")
    with load(small) as workflow:
        assert not any(job.stale or job.recorded for job in workflow.jobs)


def test_record_put_back_is_a_true_memory(small):
    with load(small) as workflow:
        kept = {job.outputs: workflow.records(job) for job in workflow.jobs}
    shutil.rmtree(small / ".snakemake/metadata")
    before = dates(small)
    with load(small) as workflow:
        for job in workflow.jobs:
            workflow.put(job, {key: kept[job.outputs][key] for key in FIELDS})
        workflow.look()
        assert all(job.recorded and not job.stale for job in workflow.jobs)
    assert dates(small) == before
    (small / "params.yaml").write_text("times: 3\n")
    with load(small) as workflow:
        assert all(job.stale for job in workflow.jobs)


@pytest.mark.parametrize("moved", [False, True], ids=["private", "public fallback"])
def test_vouching(small, moved, monkeypatch):
    from snakemake.persistence import PersistenceBase

    shutil.rmtree(small / ".snakemake/metadata")
    if moved:
        monkeypatch.delattr(PersistenceBase, "finished")
    before = dates(small)
    with load(small) as workflow:
        workflow.vouch(workflow.jobs)
        workflow.look()
        assert all(job.recorded and not job.stale for job in workflow.jobs)
    assert moved or dates(small) == before


def test_what_cannot_be_read(small):
    path, (text, wrong) = small / "stages/add/add.smk", ("rule add:", "rule add")
    path.write_text(path.read_text().replace(text, wrong))
    with pytest.raises(UserError, match="cannot make sense of the Snakefile"), load(small):
        pass
    (small / "Snakefile").unlink()
    with pytest.raises(UserError, match="no Snakefile in"), load(small):
        pass


def test_checksum_limit_is_the_profiles(tmp_path):
    assert checksum_limit(tmp_path) == 10**6
    (tmp_path / "profiles/default").mkdir(parents=True)
    (tmp_path / "profiles/default/config.yaml").write_text("max-checksum-file-size: 1GB\n")
    assert checksum_limit(tmp_path) == 10**9
