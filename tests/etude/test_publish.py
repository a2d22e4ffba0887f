"""What is published is what the jobs wrote, with what made it; README.md holds nothing that somebody typed."""

import json
from pathlib import Path

import pytest
import yaml

from etude import publish as command
from etude.cli import main
from etude.errors import UserError
from etude.pipeline.files import sha256_file, write_csv
from etude.publish.pages import RESULTS, contents, publish, scales
from etude.publish.readme import BLOCK, MISSING, bound, digits, filled, ours, select, table

ROOT = Path(__file__).parents[2]
COLUMNS = ["dataset", "row", "metric", "place", "unit", "value", "ci_low", "ci_high", "printed_coarse"]


def cell(row: str, place: str, value: float, printed: str = "") -> dict:
    return dict(
        zip(COLUMNS, ["gm_notes", row, "pitch", place, "percent", value, value - 2, value + 2, printed], strict=True)
    )


CELLS = [
    cell("msdae", "16", 84, "87"),
    cell("msdae", "4", 44, "76"),
    cell("msdae", "codec", 98),
    cell("hdae", "4", 50, "70"),
]
LINES = [
    {"row": "pitch", "command": "x", "table": "paper/table2.csv", "where": {"metric": "pitch"},
     "ours": {"row": "msdae", "place": [4, 16]}, "ceiling": {"row": "msdae", "place": "codec"}},
    {"row": "one", "command": "x", "table": "paper/table2.csv", "ours": {"row": "hdae", "place": 4}, "printed": "said"},
    {"row": "none", "command": "x", "table": "paper/other.csv", "ours": {"row": "hdae"}},
]  # fmt: skip


def job(rule: str, scale: str) -> dict:
    ran = {"processor": "Abacus", "cores": 2, "gpus": [], "python": "3.11.7", "packages": {"torch": "2.0"}}
    return {
        "rule": rule, "settings": {"scale": scale, "variant": "corrected"}, "code": "0123456789abcdef",
        "log": f"logs/{rule}.log",
        "began": "2026-11-21 15:00:00 UTC", "ended": "2026-11-21 15:01:30 UTC", "inputs": {}, "ran": ran,
    }  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project after a run: one table with its page and figure, and a score that is for nobody to read."""
    folder = tmp_path / "reports/paper"
    folder.mkdir(parents=True)
    write_csv(folder / "table2.csv", CELLS, COLUMNS)
    (folder / "table2.md").write_text("# Table 2: probes\n\n![Table 2](table2.png)\n\n| a | b |\n")
    (folder / "table2.svg").write_text("<svg/>")
    (tmp_path / "reports/evaluate").mkdir()
    (tmp_path / "reports/evaluate/score.csv").write_text("value\n1\n")
    files = {f"reports/paper/table2{kind}": sha256_file(folder / f"table2{kind}") for kind in (".csv", ".md", ".svg")}
    jobs = {
        "reports/paper/table2.csv": job("table2", "laptop"),
        "a": job("probe", "laptop"),
        "b": job("probe", "laptop"),
    }
    chain = {
        "file": "reports/paper/table2.csv",
        "files": files,
        "jobs": jobs,
        "sources": {"data/sources/gm.yaml": "f" * 64},
    }
    (folder / "table2.provenance.json").write_text(json.dumps(chain))
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers/paper_readme.yaml").write_text(yaml.safe_dump({"lines": LINES}))
    (tmp_path / "README.md").write_text("# R\n\n<!-- results of paper -->\nold\n<!-- end of results -->\n\nmore\n")
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (tmp_path / "data").symlink_to(ROOT / "data")
    return tmp_path


def test_pages_carry_what_made_them_and_tables_their_bytes(project):
    written = publish(project, Path("reports"), "laptop")
    assert written == [f"docs/results/laptop/paper/table2{kind}" for kind in (".csv", ".md", ".svg")]
    page = (project / written[1]).read_text()
    assert page.startswith(
        "# Table 2: probes\n\n> Made 2026-11-21 15:01:30 UTC by rule `table2`, code `0123456789abcdef`"
    )
    assert "2 jobs, 3 min 0 s of job time, on Abacus, 2 cores, no GPU" in page, "a job of two outputs is one job"
    assert "torch 2.0" in page and "`data/sources/gm.yaml` (ffffffffffff)" in page and page.endswith("| a | b |\n")
    assert "![Table 2](table2.svg)" in page, "of the two forms of a picture one is published"
    assert (project / written[0]).read_bytes() == (project / "reports/paper/table2.csv").read_bytes()
    assert "- [Table 2: probes](laptop/paper/table2.md), 2026-11-21" in contents(project)


def test_the_command_writes_pages_and_the_readmes_table(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    assert main(["publish"]) == 0
    text = (project / "README.md").read_text()
    assert "old" not in text and text.endswith("\n\nmore\n")
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    assert rows[0][:4] == ["row of the paper", "command", "printed", "ours, laptop"]
    assert rows[2] == ["pitch", "x", "76, 87 %", "44, 84 % on gm_notes", "98 %", ""]
    assert rows[3][2:4] == ["said", "50 % (48 .. 52) on gm_notes"] and rows[4][3] == "not published"
    assert "has its numbers" in capsys.readouterr().out
    assert main(["publish", "--readme"]) == 0 and (project / "README.md").read_text() == text
    assert "is as it was" in capsys.readouterr().out


def test_two_scales_stand_side_by_side(project):
    publish(project, Path("reports"), "laptop")
    large = project / RESULTS / "large/paper"
    large.mkdir(parents=True)
    write_csv(large / "table2.csv", [row | {"value": row["value"] + 1} for row in CELLS], COLUMNS)
    assert scales(project) == ["laptop", "large"]
    head, _, first, *_ = table("paper", project).splitlines()
    assert "ours, laptop" in head and "ours, large" in head and "44, 84 %" in first and "45, 85 %" in first


def test_what_cannot_be_published_is_one_sentence(project, monkeypatch):
    with pytest.raises(UserError, match=r"reports/paper/table2\.csv: made at scale laptop, not large"):
        publish(project, Path("reports"), "large")
    (project / "reports/paper/table2.md").write_text("# Better numbers\n")
    with pytest.raises(UserError, match=r"reports/paper/table2\.md: edited since its job wrote it"):
        publish(project, Path("reports"), "laptop")
    assert not (project / RESULTS / "laptop").exists(), "nothing half-published"
    (project / "reports/paper/table2.provenance.json").unlink()
    with pytest.raises(UserError, match="no report with its provenance there"):
        publish(project, Path("reports"), "laptop")
    monkeypatch.chdir(project)
    assert main(["publish", "--scale", "smoke"]) == 2


def test_a_look_up_of_what_is_not_there_is_one_sentence():
    rows = [{key: str(value) for key, value in row.items()} for row in CELLS]
    with pytest.raises(UserError, match="has no column 'colour'"):
        select(rows, {"colour": "red"}, Path("t.csv"))
    with pytest.raises(UserError, match=r"1 cells where .* expects 2"):
        select(rows, {"row": "hdae", "place": [4, 8]}, Path("t.csv"))


def test_the_readme_says_what_is_published():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert BLOCK.search(text), "no markers `<!-- results of <paper> -->` in README.md"
    assert filled(text, ROOT) == text, "`etude publish --readme` writes the tables of README.md"
    assert (ROOT / command.RESULTS / "README.md").read_text(encoding="utf-8") == contents(ROOT)


@pytest.mark.parametrize(
    ("value", "text"), [("1123.9", "1120"), ("0.016749", "0.0167"), ("44", "44"), ("-13.26", "-13.3")]
)
def test_three_digits_written_out(value, text):
    assert digits(value) == text


def test_every_line_of_the_readme_finds_its_cells_in_what_is_published():
    for path in (ROOT / "papers").glob("*_readme.yaml"):
        for line in yaml.safe_load(path.read_text(encoding="utf-8"))["lines"]:
            for scale in scales(ROOT):
                if (ROOT / RESULTS / scale / line["table"]).is_file():
                    assert ours(line, ROOT / RESULTS / scale) != MISSING, (line["row"], scale)
                    assert all(bound(line, key, ROOT, [scale]) != MISSING for key in ("ceiling", "floor")), line["row"]
