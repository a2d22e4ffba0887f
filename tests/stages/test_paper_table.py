"""The writer of a paper's table, on the thesis's own printed numbers."""

import re
from pathlib import Path

import pytest

from etude.errors import UserError
from etude.pipeline.files import read_csv
from stages.report.paper import Paper
from stages.report.paper_table import COLUMNS, Column, Line, Panel, Value, show, write

PRINTED = Path(__file__).parents[2] / "papers/pichard2024_tables.csv"


@pytest.fixture(scope="module")
def paper():
    return Paper.load(PRINTED)


def columns(metric="pitch_probe_accuracy", dataset="gm_notes", places=("4", "8", "16", "codec")):
    return [Column(metric, dataset, place) for place in places]


def made(paper, tmp_path, panels, table="2"):
    write(paper, table, panels, ["A note."], {"scale": "laptop"}, tmp_path / "t.csv", tmp_path / "t.md")
    return read_csv(tmp_path / "t.csv"), (tmp_path / "t.md").read_text()


def panel(cells, lines=("hdae", "msdae"), among=None):
    among = among or columns()
    return Panel("random", "gm_notes, random", "spectral", [Line(line) for line in lines], among, cells)


def test_both_readings_of_a_level_stand_beside_ours(paper, tmp_path):
    """Table 2, Ours, pitch: h1 76, h2 82, h3 87; HDAE: 96, 85, 8."""
    cells = {(line, column): Value(50.0, 48.0, 52.0, 6) for line in ("hdae", "msdae") for column in columns()}
    rows, page = made(paper, tmp_path, [panel(cells)])
    assert list(rows[0]) == [*COLUMNS, "printed_coarse", "level_coarse", "printed_fine", "level_fine", "scale"]
    found = {(row["row"], row["place"]): (row["printed_coarse"], row["printed_fine"]) for row in rows}
    assert found["msdae", "4"] == ("76", "87") and found["msdae", "8"] == ("82", "82")
    assert found["hdae", "16"] == ("8", "96") and found["hdae", "codec"] == ("97", "97")
    levels = {row["place"]: (row["level_coarse"], row["level_fine"]) for row in rows}
    assert levels == {"4": ("h1", "h3"), "8": ("h2", "h2"), "16": ("h3", "h1"), "codec": ("z", "z")}
    assert "50 (48 .. 52) [76 h1 / 87 h3]" in page and "50 (48 .. 52) [82 h2]" in page and "[97 z]" in page


def test_the_page_begins_with_what_is_printed(paper, tmp_path):
    _, page = made(paper, tmp_path, [panel({})])
    printed = page.split("As printed:")[1].split("**")[0]
    hdae, ours = (re.findall(r"[\d.]+", line) for line in printed.splitlines() if line.startswith(("| HDAE", "| Ours")))
    assert hdae == ["96", "85", "8", "97", "99", "83", "26", "99"] and ours == [
        "76",
        "82",
        "87",
        "97",
        "97",
        "94",
        "94",
        "99",
    ]
    assert "| pitch, %: Codec " in printed
    assert page.startswith("# Table 2: Probes on NSynth (Alfred Pichard 2024)") and page.rstrip().endswith("A note.")


def test_other_numbers_of_frames_are_levels_too(paper, tmp_path):
    among = columns(places=("2", "8", "32"))
    rows, _ = made(paper, tmp_path, [panel({("msdae", column): Value(1.0) for column in among}, ("msdae",), among)])
    assert [(row["place"], row["printed_coarse"]) for row in rows] == [("2", "76"), ("8", "82"), ("32", "87")]


def test_a_table_without_levels(paper, tmp_path):
    among = [Column("FAD_CLAP", "gm_notes"), Column("FAD_CLAP", "gm_band"), Column("FAD_CLAP", "mine")]
    cells = {("msdae", column): Value(7.0) for column in among}
    rows, page = made(paper, tmp_path, [panel(cells, ("msdae",), among)], "1")
    assert [row["printed_coarse"] for row in rows] == ["0.56", "0.41", ""]
    assert "7 [0.56]" in page and "FAD, mine" in page and "h1" not in page


def test_reconstructions_have_their_own_column(paper, tmp_path):
    among = columns("timbre_similarity", places=("4", "8", "16", "rec"))
    rows, _ = made(paper, tmp_path, [panel({("msdae", c): Value(0.5) for c in among}, ("msdae",), among)], "4")
    assert [row["printed_coarse"] for row in rows] == ["0.61", "0.62", "0.84", "0.95"]
    assert [row["printed_fine"] for row in rows] == ["0.84", "0.62", "0.61", "0.95"]


def test_floors_have_titles_and_no_printed_numbers(paper, tmp_path):
    lines = [
        Line("msdae"),
        Line("majority", "floor", "floor: commonest class"),
        Line("more", title="msdae, h̃", system="msdae"),
    ]
    among = columns(places=("4", "8", "16"))
    cells = {(line.key, column): Value(9.0) for line in lines for column in among}
    rows, page = made(paper, tmp_path, [Panel("p", "title", "spectral", lines, among, cells)])
    assert {row["row"]: row["printed_coarse"] for row in rows if row["place"] == "4"} == {
        "msdae": "76",
        "majority": "",
        "more": "76",
    }
    assert "| floor: commonest class | 9 " in page
    assert {row["row"]: row["kind"] for row in rows}["majority"] == "floor"


def test_a_table_without_any_data_set_says_so(paper, tmp_path):
    rows, page = made(paper, tmp_path, [])
    assert rows == [] and "No data set of the grid" in page


def test_cells_say_why_they_are_empty():
    assert show(Value(note="no labels")) == "no labels" and show(Value()) == "not measured" and show(None) == ""
    assert show(Value(1.23456)) == "1.23" and show(Value(2.0, note="one seed")) == "2, one seed"


def test_a_metric_that_nobody_described_is_one_sentence(paper, tmp_path):
    among = columns("pitch_prob_accuracy")
    with pytest.raises(UserError, match=r"has a metric 'pitch_prob_accuracy'; known: .*pitch_probe_accuracy"):
        made(paper, tmp_path, [panel({("msdae", among[0]): Value(1.0)}, ("msdae",), among)])
