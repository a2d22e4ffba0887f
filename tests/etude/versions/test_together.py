"""DVC asked for many stages at once says and writes what it does when it is asked for each."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
NAMES = ("one", "two", "three")
COUNT = """
import sys
from dvc.utils import strictyaml
from dvc.utils.serialize import _yaml
from etude.versions import together

parse, count = _yaml.parse_yaml, []
_yaml.parse_yaml = strictyaml.parse_yaml = lambda *words, **more: count.append(1) or parse(*words, **more)
assert together.quicken(), "the inner parts of DVC that this leans on have moved"
together.main(["status", "--json", *sys.argv[1:]])
print(len(count), file=sys.stderr)
"""


HASHED = """
import sys
from dvc import output
from etude.versions import together

build, paths = output.build, []
output.build = lambda odb, path, *words, **more: paths.append(path) or build(odb, path, *words, **more)
together.main(["status", "--json", *sys.argv[1:]])
assert len(paths) == len(set(paths)), paths
print(len(paths), file=sys.stderr)
"""


@pytest.fixture
def repository(tmp_path):
    stages = {name: {"cmd": f"echo {name} > {name}.txt", "outs": [f"{name}.txt"], "params": ["knob"]} for name in NAMES}
    stages["two"]["deps"] = ["one.txt"]
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    (tmp_path / "params.yaml").write_text("knob: 1e-4\n")
    for name in NAMES:
        (tmp_path / f"{name}.txt").write_text(f"{name}\n")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def run(folder, module, *words):
    command = [sys.executable, *(["-m", module] if "\n" not in module else ["-c", module]), *words]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "1", "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_commit_and_status_are_those_of_dvc(repository):
    lock = repository / "dvc.lock"
    done = run(repository, "etude.versions.together", "commit", "--force", "one", "two")
    assert done.returncode == 0, done.stderr
    ours = lock.read_bytes()
    assert list(yaml.safe_load(ours)["stages"]) == ["one", "two"]
    lock.unlink()
    assert run(repository, "dvc", "commit", "--force", "one", "two").returncode == 0
    assert lock.read_bytes() == ours
    (repository / "one.txt").write_text("other\n")
    said = [run(repository, module, "status", "--json", *NAMES).stdout for module in ("dvc", "etude.versions.together")]
    assert json.loads(said[0]) == json.loads(said[1]) and set(json.loads(said[0])) == set(NAMES)


def test_a_name_more_is_not_a_reading_more(repository):
    readings = [run(repository, COUNT, *names) for names in (("one",), NAMES)]
    assert [done.returncode for done in readings] == [0, 0], readings
    counts = [done.stderr.split()[-1] for done in readings]
    assert counts[0] == counts[1] and int(counts[0]) > 0


@pytest.mark.parametrize("words", [("status",), ("commit", "--force")])
def test_what_cannot_be_done_is_said_as_dvc_says_it(repository, words):
    (repository / "three.txt").unlink()
    name = "four" if words == ("status",) else "three"
    said = [run(repository, module, *words, name) for module in ("dvc", "etude.versions.together")]
    assert said[0].returncode == said[1].returncode != 0
    errors = [done.stderr.rpartition("ERROR: ")[2].split() for done in said]
    assert errors[0][-4:] == errors[1][-4:] and len(errors[1]) > 3, said


def test_dvc_reads_its_files_in_c():
    from ruamel.yaml import YAML
    from ruamel.yaml.parser import Parser

    assert YAML(typ="safe").Parser is not Parser, "ruamel.yaml.clib is not installed"


def test_a_path_is_hashed_once_for_all_its_stages(repository):
    assert run(repository, "etude.versions.together", "commit", "--force", *NAMES).returncode == 0
    done = run(repository, HASHED, *NAMES)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {} and int(done.stderr.split()[-1]) == len(NAMES)  # one.txt counts for two stages


def test_parameters_are_found_as_dvc_finds_them(repository):
    params, path = ["knob", "deep", "deep.one", "deep.many.1", "gone", "with.dot"], repository / "dvc.yaml"
    stages = yaml.safe_load(path.read_text())
    stages["stages"]["one"]["params"] = params
    path.write_text(yaml.safe_dump(stages, sort_keys=False))
    knobs = {"knob": 1e-4, "deep": {"one": 1, "many": [1, 2]}, "gone": None, "with": {"dot": "a"}}
    (repository / "params.yaml").write_text(yaml.safe_dump(knobs))
    lock = repository / "dvc.lock"
    assert run(repository, "etude.versions.together", "commit", "--force", "one").returncode == 0
    ours = lock.read_bytes()
    lock.unlink()
    assert run(repository, "dvc", "commit", "--force", "one").returncode == 0
    assert lock.read_bytes() == ours and set(yaml.safe_load(ours)["stages"]["one"]["params"]["params.yaml"]) == {
        *params
    }
    knobs |= {"deep": {"one": 2, "many": [1, 3]}}
    del knobs["gone"]
    (repository / "params.yaml").write_text(yaml.safe_dump(knobs))
    said = [run(repository, module, "status", "--json", "one").stdout for module in ("dvc", "etude.versions.together")]
    (found,) = json.loads(said[0])["one"]
    assert json.loads(said[0]) == json.loads(said[1])
    changed = found["changed deps"]["params.yaml"]
    assert changed == {"deep": "modified", "deep.one": "modified", "deep.many.1": "modified", "gone": "deleted"}


def test_a_checkout_of_names_is_that_of_dvc(repository):
    assert run(repository, "etude.versions.together", "commit", "--force", *NAMES).returncode == 0
    for module in ("dvc", "etude.versions.together"):
        for name in NAMES:
            (repository / f"{name}.txt").unlink()
        assert run(repository, module, "checkout", "one", "three").returncode == 0
        assert [(repository / f"{name}.txt").exists() for name in NAMES] == [True, False, True]
        (repository / "two.txt").write_text("two\n")
    said = [run(repository, module, "checkout", "four") for module in ("dvc", "etude.versions.together")]
    assert said[0].returncode == said[1].returncode != 0
    assert said[0].stderr.rpartition("ERROR: ")[2] == said[1].stderr.rpartition("ERROR: ")[2]
