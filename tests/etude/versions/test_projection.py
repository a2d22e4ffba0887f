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


def rule(name: str, output: str, source: str, wanted: str = "") -> str:
    """A rule, and another that asks for its output."""
    made = f'rule {name}:\n    input: "{source}"\n    output: "{output}"\n    shell: "cp {{input}} {{output}}"\n'
    return made + f'rule want_{name}:\n    input: "{wanted or output}"\n'


def test_this_projects_dvc_yaml_is_what_its_snakefile_says():
    with opened(ROOT) as project:
        difference = drift(ROOT, render(project.stages))
        steps = {Path(file).parent.name for stage in project.stages for file in stage.files}
        names = [stage.name for stage in project.stages]
    assert not difference, f"run `etude sync`:\n{difference}"
    assert steps <= set(names)  # one stage per paper step, further ones per further file
    assert names.index("fetch") < names.index("prepare") < names.index("train")


def test_outs_deps_and_order(small):
    found = stages(small)
    assert list(found) == ["make", "add"]
    assert found["make"]["outs"] == [{"data/numbers": {"persist": True}}]
    assert found["make"]["deps"] == ["data/sources", "stages/make"]
    assert found["make"]["desc"] == "numbers" and found["make"]["cmd"] == "python -m etude run make"
    beside = ["reports/sum.csv", "reports/sum.metrics.json", "reports/sum.plot.csv"]
    assert found["add"]["outs"] == [{path: {"persist": True}} for path in beside]
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
    with pytest.raises(UserError, match=r"stages/add/add\.smk.*stages/make/more\.smk wait for each other"):
        stages(small)


def test_files_of_one_step_that_share_a_folder_are_one_stage(small):
    rules = rule("even", "data/numbers/{k}/even.dat", "data/sources/{k}.yaml", "data/numbers/2/even.dat")
    add(small, "stages/make/even.smk", rules)
    assert list(stages(small)) == ["make", "add"]


def test_files_that_differ_in_their_names_alone_may_have_neighbours(small):
    rules = rule("even", "data/numbers/even/all.dat", "data/sources/2.yaml")
    add(small, "stages/make/even.smk", rules)
    found = stages(small)
    assert found["make"]["outs"] == [{f"data/numbers/{k}.txt": {"persist": True}} for k in (1, 2)]
    assert found["make-even"]["outs"] == [{"data/numbers/even/all.dat": {"persist": True}}]


def test_steps_that_share_a_folder_have_the_very_files_as_outs(small):
    rules = rule("even", "data/numbers/even/{k}.dat", "data/sources/{k}.yaml", "data/numbers/even/2.dat")
    add(small, "stages/other/other.smk", rules)
    found = stages(small)
    assert found["make"]["outs"] == [{f"data/numbers/{k}.txt": {"persist": True}} for k in (1, 2)]
    assert found["other"]["outs"] == [{"data/numbers/even": {"persist": True}}]


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
