"""Snakemake and DVC together, on the real pipeline at its tiny size: right numbers or a refusal, never old ones unsaid.

The names in brackets (S1, E9, ...) are those of the experiments that showed what goes wrong in a naive set-up.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from etude.pipeline.files import sha256_file
from tests.tiny import ROOT, command, copy_project, planned, tiny, write

LR = 0.002  # the one knob that `other` has turned
WEIGHTS = "models/systems/gm_notes/spectral/msdae/0/weights.safetensors"
TABLE = "reports/fad.csv"
SEALED = ["dvc.lock", "snakemake.lock"]
ENVIRONMENT = {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "DVC_NO_ANALYTICS": "1",
    "AWS_ACCESS_KEY_ID": "etude",
    "AWS_SECRET_ACCESS_KEY": "etude",
    "AWS_DEFAULT_REGION": "us-east-1",
}
# A table that training has no part in, so that a comparison can show what did not move. It is also a rule that nobody
# has told DVC about.
SPLITS = """
# splits: how many clips each split has.
rule splits_table:
    input:
        expand("<data>/prepared/{dataset}/index.csv", dataset=GRID["datasets"]),
    output:
        "<reports>/splits.csv",
    log:
        "<logs>/report/splits.log",
    shell:
        "(echo split,share; awk -F, 'NR > 1 {{ n[$3]++ }} END {{ for (s in n) print s FS n[s] / (NR - 1) }}' {input}"
        " | sort) 2>&1 | tee {output} | tee {log}"


rule splits:
    input:
        "<reports>/splits.csv",
"""


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=folder,
        env=os.environ | ENVIRONMENT | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=540,
    )


def well(folder: Path, *words: str, **environment: str) -> str:
    """Run ``words``, which have to go well; what they printed."""
    done = run(folder, *words, **environment)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def etude(folder: Path, *words: str) -> str:
    return well(folder, sys.executable, "-m", "etude", *words)


def dvc(folder: Path, *words: str) -> str:
    return well(folder, sys.executable, "-m", "dvc", *words)


def git(folder: Path, *words: str) -> str:
    return well(folder, "git", *words)


def refusal(folder: Path, *words: str, **environment: str) -> str:
    """The one sentence with which `etude` refuses ``words``."""
    done = run(folder, sys.executable, "-m", "etude", *words, **environment)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    sentences = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(sentences) == 1, done.stderr
    return sentences[0]


def dvc_status(folder: Path, *stages: str) -> dict:
    return json.loads(run(folder, sys.executable, "-m", "dvc", "status", "--json", *stages).stdout)


def stages(folder: Path) -> list[str]:
    """The stages that are sealed: what nothing has asked for yet is new to DVC, and says so in `dvc status`."""
    return list(yaml.safe_load((folder / "dvc.lock").read_text())["stages"])


def unsealed(folder: Path) -> list[list[str]]:
    """The outs of the stages that are not sealed."""
    declared = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
    return [[next(iter(out)) for out in declared[name]["outs"]] for name in declared.keys() - set(stages(folder))]


def of_experiment(folder: Path, name: str, file: str) -> str:
    """What ``file`` is in the commit that DVC made of experiment ``name``."""
    [ref] = git(folder, "for-each-ref", "--format=%(refname)", f"refs/exps/**/{name}").split()
    return git(folder, "show", f"{ref}:{file}")


def turn(folder: Path, block: str, **knobs) -> None:
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params[block] |= knobs
    write(folder, params)


def locked(folder: Path, stage: str, text: str | None = None) -> dict[str, str]:
    """Outs of ``stage`` with their md5, as dvc.lock has them."""
    content = yaml.safe_load(text or (folder / "dvc.lock").read_text())
    return {out["path"]: out["md5"] for out in content["stages"][stage]["outs"]}


def clone(project: Path, folder: Path, branch: str = "main") -> Path:
    """What `git clone` makes of ``project``: no data, no cache, no records."""
    git(folder.parent, "clone", "--quiet", "--branch", branch, str(project), str(folder))
    return folder


def set_up(project: Path, remote: Path | str | None = None, links: str = "copy", **server: str) -> None:
    """What `dvc remote add --local -d` and `dvc config --local` would write, without starting them."""
    text = f"[core]\n    remote = store\n[cache]\n    type = {links}\n['remote \"store\"']\n    url = {remote}\n"
    text = text if remote else f"[cache]\n    type = {links}\n"
    text += "".join(f"    {name} = {value}\n" for name, value in server.items())
    (project / ".dvc/config.local").write_text(text)


def copy(project: Path, folder: Path) -> Path:
    return Path(shutil.copytree(project, folder, symlinks=True))


# ---- the projects: made once, copied by whoever changes them ---------------------------------------------------------


@pytest.fixture(scope="module")
def sealed(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run in a git repository, sealed and committed, with one more table."""
    project = copy(finished, tmp_path_factory.mktemp("sealed") / "project")
    (project / "stages/report/splits.smk").write_text(SPLITS.lstrip())
    rules = project / "stages/report/report.smk"
    text = rules.read_text()
    # What only the other tables of the paper need would be made by `dvc repro`, too: minutes that show nothing more.
    assert 'include: "pichard2024.smk"' in text
    text = re.sub(r'include: "(toys|mante2024)\.smk"\n', "", text)
    rules.write_text(text.replace('include: "pichard2024.smk"', 'include: "splits.smk"'))
    git(project, "init", "--quiet", "--initial-branch", "main")
    git(project, "config", "user.name", "A. Reader")
    git(project, "config", "user.email", "reader@example.org")
    etude(project, "run", "splits")
    etude(project, "sync")
    assert "sealed" in etude(project, "seal")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "sealed")
    return project


@pytest.fixture(scope="module")
def remote(sealed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory remote that has everything of ``sealed``."""
    folder = tmp_path_factory.mktemp("remote")
    set_up(sealed, folder)
    dvc(sealed, "push", "--quiet")
    return folder


@pytest.fixture(scope="module")
def other(sealed: Path, remote: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A branch of the same with another learning rate, run by Snakemake alone and sealed: what is right for it."""
    project = copy(sealed, tmp_path_factory.mktemp("other") / "project")
    git(project, "checkout", "--quiet", "-b", "other")
    turn(project, "train", lr=LR)
    etude(project, "run")
    etude(project, "seal")
    git(project, "commit", "--quiet", "--all", "--message", "other learning rate")
    assert (project / TABLE).read_bytes() != (sealed / TABLE).read_bytes()
    return project


def test_sealing_again_changes_nothing(sealed):
    before = [(sealed / name).read_bytes() for name in SEALED]
    etude(sealed, "seal")
    assert [(sealed / name).read_bytes() for name in SEALED] == before
    assert git(sealed, "status", "--porcelain") == ""


def test_one_more_data_set_or_seed_leaves_dvc_yaml_as_it_is(tmp_path):
    """[F7] One manifest and one word in params.yaml."""
    copy_project(tmp_path)
    sources = tmp_path / "data/sources"
    (sources / "more_notes.yaml").write_text((sources / "gm_notes.yaml").read_text().replace("gm_notes", "more_notes"))
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["grid"]["datasets"].append("more_notes")
    params["grid"]["seeds"].append(17)
    write(tmp_path, params)
    assert "is what the Snakefile says" in etude(tmp_path, "check")


# ---- a clone -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("links", ["copy", "hardlink", "symlink"])
def test_restored_clone_has_nothing_to_do(sealed, remote, tmp_path, links):
    """[F1, E3] For both tools, whatever the cache is linked by; plain `dvc pull` leaves Snakemake wanting."""
    project = clone(sealed, tmp_path / "clone")
    set_up(project, remote, links)
    if links == "copy":
        dvc(project, "pull", "--quiet", *stages(project))
        shuffle_dates(project)
        assert planned(project) != {}
    assert "nothing is left to run, for Snakemake and for DVC" in etude(project, "restore")
    assert planned(project) == {}
    assert dvc_status(project, *stages(project)) == {}
    assert git(project, "status", "--porcelain") == ""
    assert (project / TABLE).read_bytes() == (sealed / TABLE).read_bytes()
    if links != "copy":
        return
    # Its memory is a true one: what is changed now is seen.
    turn(project, "train", lr=LR)
    assert planned(project)["train_system"] == 1
    # A restored file knows where it was made, and the chain beside the report says the same.
    assert "machine not noted" not in etude(project, "why", TABLE)
    chains = [(folder / "reports/fad.provenance.json").read_bytes() for folder in (project, sealed)]
    assert chains[0] == chains[1]


def shuffle_dates(project: Path) -> None:
    for k, path in enumerate(sorted(project.rglob("*"))):
        if path.is_file() and not {".snakemake", ".git", ".dvc"} & set(path.parts):
            stamp = time.time() - 1000 + (k * 7919) % 900
            os.utime(path, (stamp, stamp))


def test_clone_without_remote_is_rebuilt_to_the_same_hashes(sealed, tmp_path):
    """[F6]"""
    project = clone(sealed, tmp_path / "clone")
    dvc(project, "repro", "--quiet", *stages(project))
    assert dvc_status(project, *stages(project)) == {}
    assert git(project, "status", "--porcelain", "dvc.lock") == ""


def test_s3_server_serves_a_clone(sealed, remote, tmp_path):
    with s3_server() as address:
        import boto3

        credentials = {name: ENVIRONMENT[name.upper()] for name in ("aws_access_key_id", "aws_secret_access_key")}
        boto3.client("s3", endpoint_url=address, region_name="us-east-1", **credentials).create_bucket(Bucket="music")
        source = copy(sealed, tmp_path / "source")
        projects = [source, clone(sealed, tmp_path / "clone")]
        for project in projects:
            set_up(project, "s3://music/etude", endpointurl=address)
        dvc(source, "push", "--quiet")
        assert "nothing is left to run, for Snakemake and for DVC" in etude(projects[1], "restore")
    assert (projects[1] / TABLE).read_bytes() == (sealed / TABLE).read_bytes()


class s3_server:
    """moto's server, which speaks S3 over HTTP, on a free port of this machine."""

    def __enter__(self) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return f"http://127.0.0.1:{port}"
            except OSError:
                assert time.monotonic() < deadline and self.process.poll() is None, "the S3 server does not start"
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


# ---- changed parameters --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("records", [True, False], ids=["records", "no records"])
def test_changed_parameter_after_a_pull_is_trained_with(sealed, remote, other, tmp_path, records):
    """[S1] Naively, DVC locks the old weights under the new learning rate."""
    project = clone(sealed, tmp_path / "clone")
    set_up(project, remote)
    dvc(project, "pull", "--quiet", *stages(project))
    if records:
        turn(project, "train", lr=LR)
        said = dvc(project, "repro", "train")
    else:
        (project / "snakemake.lock").unlink()
        said = dvc(project, "exp", "run", "--set-param", f"train.lr={LR}", "train")
    assert ("remembered: " if records else "taken over from DVC: ") in said
    assert sha256_file(project / WEIGHTS) == sha256_file(other / WEIGHTS) != sha256_file(sealed / WEIGHTS)
    assert locked(project, "train") == locked(other, "train")
    assert f"lr: {LR}" in (project / "dvc.lock").read_text()


def test_experiment_in_a_temporary_copy_has_its_own_numbers(sealed, other, tmp_path):
    """[E9, F5] Naively, `--temp` reports the baseline's numbers as the experiment's."""
    project = copy(sealed, tmp_path / "project")
    said = dvc(project, "exp", "run", "--temp", "--name", "faster", "--set-param", f"train.lr={LR}", "report")
    result = of_experiment(project, "faster", "dvc.lock")
    for stage in ("train", "generate", "evaluate", "report"):
        assert locked(project, stage, result) == locked(other, stage)
    assert "Stage 'encode' didn't change, skipping" in said and "Running stage 'judge'" not in said
    shown = json.loads(dvc(project, "exp", "show", "--json"))
    experiments = [e for row in shown for e in row["experiments"] or [] if e["name"] == "faster"]
    assert experiments[0]["revs"][0]["data"]["params"]["params.yaml"]["data"]["train"]["lr"] == LR
    assert git(project, "status", "--porcelain") == "" and planned(project) == {}


def test_queued_experiment_has_its_own_numbers(sealed, tmp_path):
    project = copy(sealed, tmp_path / "project")
    dvc(project, "exp", "run", "--queue", "--name", "queued", "--set-param", "evaluate.groups=4", "report-page")
    dvc(project, "queue", "start", "--jobs", "1")
    deadline = time.monotonic() + 300
    while "Success" not in (status := dvc(project, "queue", "status")):
        assert time.monotonic() < deadline and "Failed" not in status, status + dvc(project, "queue", "logs", "queued")
        time.sleep(1)
    lock = of_experiment(project, "queued", "dvc.lock")
    assert yaml.safe_load(lock)["stages"]["evaluate"]["params"]["params.yaml"]["evaluate"]["groups"] == 4
    assert (
        locked(project, "evaluate", lock)["reports/evaluate/fad"] != locked(sealed, "evaluate")["reports/evaluate/fad"]
    )
    assert locked(project, "generate", lock) == locked(sealed, "generate")
    # Snakemake's records went along: of the jobs that ran, and of those that did not have to.
    jobs = {job["rule"]: job for job in json.loads(of_experiment(project, "queued", "snakemake.lock"))["jobs"]}
    assert '"groups":4' in "".join(jobs["fad_of_set"]["params"]) and jobs["train_system"]["ran"]
    # Taken into the work tree, it is a version like any other: seal knows its records, and nothing is made again.
    # DVC complains of outs that nobody has made yet, after it has brought all others.
    said = run(project, sys.executable, "-m", "dvc", "exp", "apply", "queued").stderr
    unmade = [out for stage in unsealed(project) for out in stage]
    assert sorted(said.partition("targets:\n")[2].partition("\nIs your cache")[0].split()) == sorted(unmade), said
    began = state(project)
    etude(project, "seal")
    assert planned(project) == {} and dvc_status(project, *stages(project)) == {}
    assert locked(project, "evaluate") == locked(project, "evaluate", lock)
    assert {path: began[path] for path in began if path.startswith("reports/evaluate/fad")} == {
        path: date for path, date in state(project).items() if path.startswith("reports/evaluate/fad")
    }


def test_differences_are_shown_offline(other):
    [(knob, change)] = json.loads(dvc(other, "params", "diff", "main", "--json"))["params.yaml"].items()
    assert (knob, change["old"], change["new"]) == ("train.lr", tiny()["train"]["lr"], LR)
    page = dvc(other, "plots", "diff", "main", "--out", "plots").strip().splitlines()[-1]
    text = Path(page.removeprefix("file://")).read_text()
    assert "vegaEmbed(" in text and "window.vegaEmbed=" in text
    assert not re.search(r"<(script|link)[^>]+(src|href)=", text)  # nothing is fetched


def test_metrics_diff_shows_what_moved_and_nothing_else(other):
    moved = json.loads(dvc(other, "metrics", "diff", "main", "other", "--json"))
    assert set(moved) == {"reports/fad.metrics.json"}
    assert any(key.endswith(".fad") for key in moved["reports/fad.metrics.json"])
    assert not any(key.endswith((".ceiling", ".floor", ".untrained")) for key in moved["reports/fad.metrics.json"])


def test_back_to_another_version(sealed, other, tmp_path):
    """[F8] After `dvc checkout` alone Snakemake remembers the other branch."""
    project = copy(other, tmp_path / "project")
    git(project, "checkout", "--quiet", "main")
    dvc(project, "checkout", "--quiet", *stages(project))
    assert planned(project)["train_system"] == 1
    assert "nothing is left to run, for Snakemake and for DVC" in etude(project, "restore")
    assert planned(project) == {} and dvc_status(project, *stages(project)) == {}
    assert (project / TABLE).read_bytes() == (sealed / TABLE).read_bytes()


# ---- the grid, and what is left over -----------------------------------------------------------------------------


def test_one_more_seed_trains_only_itself_and_leaves_nothing_behind(sealed, tmp_path):
    """[S3, O1]"""
    project = copy(sealed, tmp_path / "project")
    before = os.stat(project / WEIGHTS)
    turn(project, "grid", seeds=[0, 1])
    said = dvc(project, "repro", "train")
    assert re.search(r"^train_system +1$", said, re.M) and "Running stage 'encode'" not in said
    assert os.stat(project / WEIGHTS).st_ino == before.st_ino
    assert (project / WEIGHTS.replace("/0/", "/1/")).exists()
    assert locked(project, "train") != locked(sealed, "train")
    git(project, "checkout", "--quiet", "params.yaml")
    assert "removed 2 files of train" in etude(project, "seal")
    assert not (project / WEIGHTS.replace("/0/", "/1/")).parent.exists()
    assert git(project, "status", "--porcelain") == ""


# ---- what must not be sealed ---------------------------------------------------------------------------------------


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen]]:
    processes = []

    def start(folder: Path, *words: str) -> subprocess.Popen:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=os.environ | ENVIRONMENT,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_half_built_folder_is_not_sealed(sealed, tmp_path, started):
    """[C1, L5] Neither beside a running Snakemake nor after it was killed, nor is anything restored over it."""
    project = copy(sealed, tmp_path / "project")
    locks = [(project / name).read_bytes() for name in SEALED]
    turn(project, "grid", seeds=[0, 1])
    git(project, "commit", "--quiet", "--all", "--message", "one more seed")
    snakemake = started(project, *command())
    deadline = time.monotonic() + 120
    while not (project / ".snakemake/locks").is_dir() or not list((project / "scratch").glob("train-*/*")):
        assert time.monotonic() < deadline and snakemake.poll() is None, "the training has not begun"
        time.sleep(0.05)
    for word in ("seal", "restore"):
        assert f"another Snakemake (PID {snakemake.pid}) is at work" in refusal(project, word)
    os.killpg(snakemake.pid, signal.SIGKILL)
    snakemake.wait()
    assert "jobs are not done or not up to date" in (said := refusal(project, "seal"))
    assert "train_system (1)" in said and "`etude run` does them" in said
    assert [(project / name).read_bytes() for name in SEALED] == locks


def test_edited_report_is_neither_sealed_nor_lost(sealed, tmp_path):
    project = copy(sealed, tmp_path / "project")
    with open(project / TABLE, "a") as table:
        table.write("by hand\n")
    said = refusal(project, "seal")
    assert f"{TABLE} is not what fad_table wrote" in said and "delete it" in said
    said = refusal(project, "restore")
    assert f"{TABLE} is in no version and would be overwritten" in said and "--force" in said
    assert (project / TABLE).read_text().endswith("by hand\n")
    assert "nothing is left to run" in etude(project, "restore", "--force")
    assert (project / TABLE).read_bytes() == (sealed / TABLE).read_bytes()


def test_comment_changes_nothing_and_code_what_it_feeds(sealed, tmp_path):
    """[RT8]"""
    project = copy(sealed, tmp_path / "project")
    shuffle_dates(project)
    path = project / "stages/report/fad.py"
    path.write_text(path.read_text() + "# a remark\n")
    git(project, "commit", "--quiet", "--all", "--message", "a remark")
    assert planned(project) == {}
    assert "DVC will write the hashes of" in etude(project, "restore")  # data and code still belong together
    note = project / ".snakemake/ran/logs/report/fad.log.json"
    ran = os.stat(note).st_mtime_ns
    assert "nothing to do, every file is there" in dvc(project, "repro", "report")
    assert os.stat(note).st_mtime_ns == ran  # no job has
    assert dvc_status(project, "report") == {}
    path = project / "etude/metrics/frechet.py"
    path.write_text(path.read_text() + "\nCHANGED = 1\n")
    assert set(planned(project)) == {"fad_of_set", "fad_table", "overview"}
    git(project, "commit", "--quiet", "--all", "--message", "new code")
    assert "code or parameters of this commit are newer" in (said := refusal(project, "restore"))
    assert "fad_of_set" in said and "train_system" not in said


# ---- what cannot be restored ---------------------------------------------------------------------------------------


@pytest.fixture
def bare(sealed: Path, remote: Path, tmp_path: Path) -> Path:
    """A clone with a copy of the remote, which a test may spoil."""
    project = clone(sealed, tmp_path / "bare")
    set_up(project, copy(remote, tmp_path / "store"))
    return project


def state(project: Path) -> dict[str, float]:
    """Every file outside the cache, with its date."""
    skipped = {".snakemake", ".git", "cache", "tmp", "__pycache__"}
    return {
        str(path.relative_to(project)): path.stat().st_mtime
        for path in project.rglob("*")
        if path.is_file() and not skipped & set(path.relative_to(project).parts)
    }


def test_missing_objects(sealed, bare, tmp_path):
    md5 = json.loads(cached(sealed, locked(sealed, "train")["models/systems"]).read_text())[0]["md5"]
    (tmp_path / "store/files/md5" / md5[:2] / md5[2:]).unlink()
    before = state(bare)
    said = refusal(bare, "restore")
    assert "models/systems is not in the cache, nor on the remote" in said and "`dvc push`" in said
    assert state(bare) == before
    set_up(bare)
    before = state(bare)
    shutil.rmtree(bare / ".dvc/cache")
    assert "no remote is set up" in refusal(bare, "restore")
    assert state(bare) == before


def cached(project: Path, md5: str) -> Path:
    return project / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def test_damaged_cache(sealed, bare):
    dvc(bare, "fetch", "--quiet", *stages(bare))
    damaged = cached(bare, locked(sealed, "report")[TABLE])
    damaged.chmod(0o644)
    damaged.write_text("not what it was\n")
    damaged.chmod(0o444)
    before = state(bare)
    said = refusal(bare, "restore")
    assert str(damaged) in said and "is damaged" in said and "delete it" in said
    assert state(bare) == before
    damaged.unlink()
    assert "nothing is left to run" in etude(bare, "restore")


def test_dirty_work_tree_and_merge_conflicts(bare):
    turn(bare, "train", lr=LR)
    assert "params.yaml differs from the commit" in (said := refusal(bare, "restore")) and "git stash" in said
    git(bare, "checkout", "--quiet", "params.yaml")
    for name in SEALED:
        text = (bare / name).read_text()
        (bare / name).write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n")
        for word in ("restore", "seal"):
            said = refusal(bare, word)
            assert f"{name} holds a merge conflict" in said and "git checkout --ours" in said
        git(bare, "checkout", "--quiet", name)


def test_renamed_stage(bare):
    git(bare, "mv", "stages/judge/judge.smk", "stages/judge/jury.smk")
    path = bare / "Snakefile"
    path.write_text(path.read_text().replace("stages/judge/judge.smk", "stages/judge/jury.smk"))
    etude(bare, "sync")
    git(bare, "config", "user.name", "A. Reader")
    git(bare, "config", "user.email", "reader@example.org")
    git(bare, "commit", "--quiet", "--all", "--message", "another name")
    before = state(bare)
    said = refusal(bare, "restore")
    assert "dvc.lock has stage judge" in said and "judge-jury" in said and "renamed" in said
    assert state(bare) == before


def test_cache_of_somebody_else(sealed, bare, tmp_path):
    """The kernel does not let one link to files of others; here `link` says so in its stead, since root may."""
    dvc(bare, "fetch", "--quiet", *stages(bare))
    set_up(bare, links="hardlink")
    (tmp_path / "python").mkdir()
    (tmp_path / "python/sitecustomize.py").write_text(
        "import errno, os\n"
        "def link(source, *_, **__):\n"
        "    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(source))\n"
        "os.link = link\n"
    )
    before = state(bare)
    said = refusal(bare, "restore", PYTHONPATH=str(tmp_path / "python"))
    assert "belongs to somebody else cannot be linked to" in said and "cache.type copy" in said
    assert state(bare) == before
    set_up(bare)
    assert "nothing is left to run" in etude(bare, "restore")


def test_outside_a_repository(tmp_path):
    copy_project(tmp_path)
    for word in ("seal", "restore"):
        assert "is no git repository" in refusal(tmp_path, word)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text().replace("scale: laptop", "scale: smoke"))
    assert "runs/smoke/, where DVC does not look" in refusal(tmp_path, "check")


# ---- where a number comes from -----------------------------------------------------------------------------------


def test_why_goes_back_to_the_sources(sealed):
    said = etude(sealed, "why", TABLE)
    for word in ("rule fad_table", "rule fad_of_set", "rule embed_clips", "rule train_system", "rule fetch_dataset"):
        assert word in said
    assert "data/sources/gm_notes.yaml" in said and "weights models/systems" in said and "seed 0" in said
    assert re.search(r"on \S+ \(.*cores\)", said) and "torch 2." in said
    chain = json.loads(etude(sealed, "why", "--json", TABLE))
    beside = json.loads((sealed / "reports/fad.provenance.json").read_text())
    assert chain["jobs"] == beside["jobs"] and chain["sources"] == beside["sources"]
    trained = chain["jobs"][WEIGHTS]
    assert trained["settings"]["train"]["lr"] == tiny()["train"]["lr"]
    assert trained["code"] and trained["ran"]["host"] and trained["began"] < trained["ended"]
    for path, known in trained["inputs"].items():
        assert known == sha256_file(sealed / path)
    used = [job["inputs"][WEIGHTS] for job in chain["jobs"].values() if WEIGHTS in job["inputs"]]
    assert used and set(used) == {sha256_file(sealed / WEIGHTS)}


def test_why_of_a_file_that_nobody_made(sealed):
    assert "was made by no job" in refusal(sealed, "why", "params.yaml")
    assert "there is no such file" in refusal(sealed, "why", "reports/none.csv")
