from pathlib import Path

import pytest
import yaml

from etude.errors import UserError
from etude.versions.check import drift
from etude.versions.project import opened
from etude.versions.projection import outs_of, render, stage_name, stages_of
from etude.versions.prune import orphans, remove
from etude.versions.reads import Reads
from etude.versions.records import Job, Rule, load

ROOT = Path(__file__).parents[3]


def stages(folder: Path) -> dict[str, dict]:
    with load(folder) as workflow:
        return yaml.safe_load(render(stages_of(workflow, Reads(folder), {})))["stages"]


def add(folder: Path, file: str, text: str) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    with open(folder / "Snakefile", "a") as snakefile:
        snakefile.write(f'include: "{file}"\n')


def rule(name: str, output: str, source: str) -> str:
    return f'rule {name}:\n    input: "{source}"\n    output: "{output}"\n    shell: "cp {{input}} {{output}}"\n'


def test_this_projects_dvc_yaml_is_what_its_snakefile_says():
    with opened(ROOT) as project:
        difference = drift(ROOT, render(project.stages))
        steps = {Path(file).parent.name for stage in project.stages for file in stage.files}
        names = [stage.name for stage in project.stages]
    assert not difference, f"run `etude sync`:\n{difference}"
    assert steps <= set(names)  # one stage per paper step, further ones per further file
    assert names[:2] == ["fetch", "prepare"]


def test_outs_deps_and_order(small):
    found = stages(small)
    assert list(found) == ["make", "add"]
    assert found["make"]["outs"] == [{"data/numbers": {"persist": True}}]
    assert found["make"]["deps"] == ["data/sources", "stages/make"]
    assert found["make"]["desc"] == "numbers" and found["make"]["cmd"] == "etude run make"
    assert found["add"]["outs"] == [{"reports/sum.csv": {"persist": True}}]
    assert found["add"]["deps"] == ["data/numbers", "stages/add"]


def test_steps_that_wait_for_each_other_are_fine_as_long_as_files_do_not(small):
    """What one file of a step writes feeds another step, whose output feeds a second file of the first step."""
    add(small, "stages/make/again.smk", rule("again", "data/again/all.txt", "reports/sum.csv"))
    found = stages(small)
    assert list(found) == ["make", "add", "make-again"]
    assert found["make-again"]["deps"] == ["reports/sum.csv", "stages/make"]


def test_files_that_wait_for_each_other_are_refused(small):
    rules = rule("late", "data/late/all.txt", "reports/sum.csv") + rule("more", "data/more/a.txt", "data/late/all.txt")
    add(small, "stages/make/more.smk", rules)
    path = small / "stages/add/add.smk"
    path.write_text(path.read_text() + rule("later", "data/later/all.txt", "data/late/all.txt"))
    with pytest.raises(UserError, match=r"stages/add/add.smk.*stages/make/more.smk wait for each other"):
        stages(small)


def test_files_of_one_step_that_share_a_folder_are_one_stage(small):
    add(small, "stages/make/even.smk", rule("even", "data/numbers/even/{k}.dat", "data/sources/{k}.yaml") + EVEN)
    assert list(stages(small)) == ["make", "add"]


EVEN = 'rule evens:\n    input: "data/numbers/even/2.dat"\n'


def test_steps_that_share_a_folder_are_refused(small):
    add(small, "stages/other/other.smk", rule("even", "data/numbers/even/{k}.dat", "data/sources/{k}.yaml") + EVEN)
    with pytest.raises(UserError, match="write into each other's folders"):
        stages(small)


@pytest.mark.parametrize(
    ("pattern", "path", "out"),
    [
        ("data/numbers/{k}.txt", "data/numbers/1.txt", "data/numbers"),
        ("data/a/{k}/b/{l}.txt", "data/a/1/b/2.txt", "data/a"),
        ("reports/{table}.csv", "reports/fad.csv", "reports/fad.csv"),  # reports/ is everybody's
        ("reports/fad.csv", "reports/fad.csv", "reports/fad.csv"),
        ("data/a_{k}/x.txt", "data/a_1/x.txt", "data/a_1/x.txt"),
    ],
)
def test_outs(pattern, path, out):
    assert outs_of([Job(Rule("r", "f", (), (pattern,)), {}, (), (path,), False, True, None)]) == {out}


def test_stage_names():
    assert stage_name("stages/train/train.smk") == "train"
    assert stage_name("stages/train/priors.smk") == "train-priors"


def test_orphans(small):
    for name in ("3.txt", "1.note", "old/x.wav", ".1.99.part.txt"):
        path = small / "data/numbers" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    with load(small) as workflow:
        [stage] = [stage for stage in stages_of(workflow, Reads(small), {}) if stage.name == "make"]
        # 3.txt is another cell's; 1.note and old/ lie beside what jobs make, and may be theirs
        assert orphans(stage, workflow) == ["data/numbers/3.txt"]
        remove(["data/numbers/old/x.wav"], small)
    assert not (small / "data/numbers/old").exists() and (small / "data/numbers/1.txt").exists()
