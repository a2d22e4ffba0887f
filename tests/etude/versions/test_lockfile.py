import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from etude.errors import UserError
from etude.pipeline import ran
from etude.pipeline.files import sha256_file, write_json
from etude.versions.hashes import Hashes
from etude.versions.lockfile import LOCK, Lockfile, note_of
from etude.versions.records import load


def note_all(folder) -> bytes:
    lockfile = Lockfile(folder)
    with load(folder) as workflow:
        for job in workflow.jobs:
            lockfile.note(job, workflow, Hashes(folder, "sha256"))
    lockfile.write()
    return (folder / LOCK).read_bytes()


def test_what_is_kept(small):
    with load(small) as workflow:
        began = workflow.records(workflow.jobs[0])["starttime"]
    noted = ran.note() | {"began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)), "slurm_job": "7"}
    write_json(ran.path_of("logs/make/1.log", small), noted)
    first = note_all(small)
    assert note_all(small) == first
    entry = Lockfile(small).find("data/numbers/1.txt")
    assert entry["rule"] == "make_number" and entry["ran"] == noted
    assert entry["outputs"] == {"data/numbers/1.txt": sha256_file(small / "data/numbers/1.txt")}
    assert entry["inputs"] == {"data/sources/1.yaml": "sha256:" + sha256_file(small / "data/sources/1.yaml")}
    assert Lockfile(small).find("data/numbers/2.txt")["ran"] is None
    assert Lockfile(small).find("params.yaml") is None


def test_note_of_another_run_under_the_same_log_is_not_taken(small):
    write_json(ran.path_of("logs/make/1.log", small), ran.note() | {"began": "2020-01-01T00:00:00Z"})
    note_all(small)
    assert Lockfile(small).find("data/numbers/1.txt")["ran"] is None


def test_given_back_where_bytes_agree(small):
    note_all(small)
    shutil.rmtree(small / ".snakemake/metadata")
    (small / "data/numbers/2.txt").write_text("not what was made\n")
    with load(small) as workflow:
        given = Lockfile(small).give_back(workflow, Hashes(small, "sha256"))
        assert [job.outputs[0] for job in given] == ["data/numbers/1.txt", "reports/sum.csv"]
        assert {job.outputs[0]: job.recorded for job in workflow.jobs} == {
            "data/numbers/1.txt": True,
            "data/numbers/2.txt": False,
            "reports/sum.csv": True,
        }
        # The sum was made of another 2.txt, whatever the dates say.
        assert [job.outputs[0] for job in workflow.jobs if job.stale] == ["reports/sum.csv"]


def test_input_that_is_older_but_another_is_seen(small):
    """A clone has its sources before its outputs, so dates say nothing about them."""
    note_all(small)
    shutil.rmtree(small / ".snakemake/metadata")
    (small / "data/sources/1.yaml").write_text("uno\n")
    os.utime(small / "data/sources/1.yaml", (0, 0))
    with load(small) as workflow:
        assert not any(job.stale for job in workflow.jobs)  # what Snakemake would have believed
        Lockfile(small).give_back(workflow, Hashes(small, "sha256"))
        assert [job.outputs[0] for job in workflow.jobs if job.stale] == ["data/numbers/1.txt", "reports/sum.csv"]


def test_files_of_another_version_under_the_records_of_this_one(small):
    """`dvc checkout` brings files and leaves the records: they agree with params.yaml, and are wrong."""
    note_all(small)
    kept = {path: (small / path).read_bytes() for path in ("data/numbers/1.txt", "data/numbers/2.txt")}
    (small / "params.yaml").write_text("times: 3\n")
    subprocess.run([sys.executable, "-m", "snakemake", "--cores", "1"], cwd=small, check=True, capture_output=True)
    for path, text in kept.items():
        (small / path).write_bytes(text)
    (small / "reports/sum.csv").touch()
    with load(small) as workflow:
        assert not any(job.stale for job in workflow.jobs)  # what Snakemake would have believed
        given = Lockfile(small).give_back(workflow, Hashes(small, "sha256"), forget=True)
        assert [job.outputs[0] for job in given] == [*kept, "reports/sum.csv"]
        assert all(job.stale for job in workflow.jobs)


def test_record_that_nothing_speaks_for_is_taken_away_on_demand(small):
    (small / "data/numbers/1.txt").write_text("from somewhere\n")
    os.utime(small / "data/numbers/1.txt", (0, 0))
    for forget, known in ((False, True), (True, False)):
        with load(small) as workflow:
            Lockfile(small).give_back(workflow, Hashes(small, "sha256"), forget=forget)
            assert workflow.maker["data/numbers/1.txt"].recorded == known


def test_records_of_another_snakemake_are_none(small):
    note_all(small)
    content = json.loads((small / LOCK).read_text())
    (small / LOCK).write_text(json.dumps(content | {"records": content["records"] + 1}))
    assert Lockfile(small).jobs == {}


@pytest.mark.parametrize("text", ["<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> b\n", "{}", "no json"])
def test_unreadable_file_says_what_to_do(tmp_path, text):
    (tmp_path / LOCK).write_text(text)
    with pytest.raises(UserError, match=r"snakemake\.lock cannot be read.*etude seal") as error:
        Lockfile(tmp_path)
    assert ("merge conflict" in str(error.value)) == text.startswith("<<<")


@pytest.mark.parametrize(
    ("lasted", "before", "slurm_job", "known"),
    [
        (60.0, 5.0, None, False),  # of an earlier run
        (60.0, -5.0, None, True),
        (60.0, -90.0, None, False),  # of a run after the one on record
        (0.0, 3600.0, "7", True),  # a cluster's job is recorded when its end is heard of
        (0.0, 3600.0, None, False),
        (60.0, 3600.0, "7", False),
        (0.0, -90.0, "7", False),
    ],
)
def test_a_note_is_that_of_the_job_on_record(tmp_path, lasted, before, slurm_job, known):
    began = 1_700_000_000.0
    noted = {"began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began - before)), "slurm_job": slurm_job}
    write_json(ran.path_of("logs/a.log", tmp_path), noted)
    record = {"log": ["logs/a.log"], "starttime": began, "endtime": began + lasted}
    assert note_of(record, tmp_path) == (noted if known else None)
