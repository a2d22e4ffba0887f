"""The claims of the thesis, judged by numbers that are made to agree with it, or not to."""

from pathlib import Path

import pytest
import yaml

from etude.errors import UserError
from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import namespace
from stages.report import verdicts
from stages.report.claims import chains_of, main, separate
from stages.report.paper import Paper
from stages.report.paper_table import Column, Line, Panel, Value, write

PAPERS = Path(__file__).parents[2] / "papers"
PRINTED, CLAIMS = PAPERS / "pichard2024_tables.csv", PAPERS / "pichard2024_claims.yaml"
GRID = {"datasets": ["gm_notes", "gm_band"], "codecs": ["spectral"], "systems": ["hdae", "msdae"], "seeds": [0, 1]}
LEVELS = {"h1": "4", "h2": "8", "h3": "16", "z": "codec", "Rec": "rec", "": ""}
SYSTEMS = {"HDAE": "hdae", "Ours": "msdae"}
DATASETS = {"NSynth": "gm_notes", "Slakh": "gm_band"}


@pytest.fixture(scope="module")
def paper():
    return Paper.load(PRINTED)


def thesis(paper, folder, half=1e-4, turned=False):
    """Tidy tables with the thesis's own numbers in them, as if we had measured them: by its text, h1 is coarse."""
    names = LEVELS | ({"h1": "16", "h3": "4"} if turned else {})
    paths = []
    for table in "12345":
        cells, columns = {}, {}
        for line in paper.table(table):
            column = Column(line["metric"], DATASETS[line["dataset"]], names[line["level"]])
            columns[column] = None
            value = Value(float(line["value"]), float(line["value"]) - half, float(line["value"]) + half, 6)
            for row in [SYSTEMS[line["row"]]] if line["row"] in SYSTEMS else SYSTEMS.values():
                cells[row, column] = value
            cells["majority", column] = Value(22.5)
        lines = [Line("hdae"), Line("msdae"), Line("majority", "floor")]
        paths.append(folder / f"table{table}.csv")
        panel = Panel("random", "", "spectral", lines, list(columns), cells)
        write(paper, table, [panel], [], {}, paths[-1], folder / "page.md")
    return paths


def judged(tmp_path, evidence, claims=CLAIMS, grid=GRID):
    settings = namespace({"scale": "laptop", "variant": "corrected", "grid": grid})
    out = tmp_path / "claims.csv"
    main(settings, claims, PRINTED, ",".join(map(str, evidence)), out, tmp_path / "claims.md")
    return read_csv(out), (tmp_path / "claims.md").read_text()


# What the card says of the thesis's own numbers.
TRUE = {"1", "2", "3a", "3b", "4", "5", "6", "7", "8a", "10a", "10b", "11", "12a", "12c", "12d", "13a"}
FALSE = {"8b", "12b", "13b", "13c"}


def test_the_thesiss_own_numbers_support_what_the_card_says_they_do(paper, tmp_path):
    rows, _ = judged(tmp_path, thesis(paper, tmp_path))
    supports = {row["claim"]: row["printed_supports"] for row in rows}
    assert {claim for claim, said in supports.items() if said == "yes"} >= TRUE
    assert {claim for claim, said in supports.items() if said == "no"} >= FALSE
    assert supports["9a"] == "a tie", "HDAE's h1 tells the instrument as well as the codec, 99 to 99"
    assert supports["9b"] == "yes" and supports["14a"] == "not printed"
    assert supports["separation"] == "yes"


def test_if_we_measured_the_thesiss_numbers_the_verdicts_would_be_its_own(paper, tmp_path):
    rows, _ = judged(tmp_path, thesis(paper, tmp_path))
    coarse = {row["claim"]: row["verdict"] for row in rows if row["reading"] in ("coarse", "")}
    assert {claim for claim in TRUE if coarse[claim] != verdicts.HOLDS} == set()
    assert {claim for claim in FALSE if coarse[claim] != verdicts.FAILS} == set()


def test_the_other_reading_is_judged_on_the_other_levels(paper, tmp_path):
    rows, _ = judged(tmp_path, thesis(paper, tmp_path, turned=True))
    of = {(row["claim"], row["reading"]): row["verdict"] for row in rows}
    assert of["4", "fine"] == of["6", "fine"] == of["10b", "fine"] == verdicts.HOLDS
    assert of["4", "coarse"] == of["6", "coarse"] == of["10b", "coarse"] == verdicts.FAILS
    assert of["1", ""] == verdicts.HOLDS and ("1", "fine") not in of


def test_exchanging_the_labels_of_the_transfer_tables_mends_three_rows_of_ours_and_breaks_one(paper, tmp_path):
    """The table in section 5.1 of the card, by rank correlation."""
    rows, _ = judged(tmp_path, thesis(paper, tmp_path))
    said = {row["claim"]: row["printed_supports"] for row in rows}
    agreements = {
        name: tuple(text.split("; with h1 and h3 of Table ")) for name, text in said.items() if "agreement" in name
    }
    mended = {name for name, (now, then) in agreements.items() if now == "no" and then.endswith("yes")}
    assert mended >= {"agreement-timbre-Slakh-Ours", "agreement-melody-Slakh-Ours", "agreement-timbre-NSynth-Ours"}
    assert agreements["agreement-pitch-NSynth-Ours"] == ("yes", "4 exchanged: no")
    assert agreements["agreement-timbre-Slakh-HDAE"] == ("yes", "5 exchanged: no")
    assert agreements["agreement-pitch-NSynth-HDAE"] == ("yes", "4 exchanged: no")


def test_wide_intervals_decide_nothing(paper, tmp_path):
    rows, page = judged(tmp_path, thesis(paper, tmp_path, half=1000.0))
    assert {row["verdict"] for row in rows} - {verdicts.HOLDS} <= {verdicts.OPEN, "not measured"}
    assert not [row for row in rows if row["verdict"] == verdicts.HOLDS and row["claim"] != "3b"]
    assert "**cannot tell**" in page


def test_what_is_not_there_is_a_line_and_no_crash(paper, tmp_path):
    only = thesis(paper, tmp_path)[1:2]
    rows, page = judged(tmp_path, only)
    verdict = {row["claim"]: row["verdict"] for row in rows if row["reading"] != "fine"}
    assert verdict["4"] == verdicts.HOLDS
    assert {verdict[claim] for claim in ("1", "6", "10a", "14a", "agreement-pitch-NSynth-Ours")} == {"not measured"}
    assert "table 5 has no such numbers" in page
    assert len({row["claim"] for row in rows}) == sum(
        1 for claim in yaml.safe_load(CLAIMS.read_text())["claims"] for _ in separate(claim)
    )


def test_projections_decide_the_claim_of_the_figure(paper, tmp_path):
    path = tmp_path / "projection.csv"
    rows = [
        {"dataset": "gm_band", "codec": "spectral", "system": "hdae", "seed": seed, "frames": frames,
         "label": "instrument", "space": space, "metric": "knn_purity", "value": value + 0.001 * seed, "floor": 0.1}
        for seed in (0, 1) for space in ("latent", "plane") for frames, value in ((4, 0.8), (8, 0.4), (16, 0.3))
    ]  # fmt: skip
    write_csv(path, rows, list(rows[0]))
    found, _ = judged(tmp_path, [path])
    lines = {(row["panel"], row["reading"]): row["verdict"] for row in found if row["claim"] == "14a"}
    assert lines == {
        (space, reading): verdict
        for space in ("latent", "plane")
        for reading, verdict in (("coarse", verdicts.HOLDS), ("fine", verdicts.FAILS))
    }


def test_statements_unfold(paper):
    claim = {
        "id": "x",
        "where": {"table": "2", "row": "Ours"},
        "better": ["z"],
        "worse": ["h1", "h2"],
        "each": {"metric": ["a", "b"]},
    }
    chains = chains_of(claim)
    assert [[cell["metric"] + cell["level"] for cell in chain] for chain in chains] == [
        ["az", "ah1"],
        ["az", "ah2"],
        ["bz", "bh1"],
        ["bz", "bh2"],
    ]
    assert [one["id"] for one in separate(claim | {"for_each": {"row": ["HDAE", "Ours"]}})] == ["x-HDAE", "x-Ours"]


def test_every_claim_names_a_function_and_cells_that_are_printed(paper):
    printed = {(n["table"], n["metric"], n["dataset"]) for n in paper.numbers}
    for claim in yaml.safe_load(CLAIMS.read_text(encoding="utf-8"))["claims"]:
        assert callable(getattr(verdicts, claim["decide"]))
        for one in separate(claim):
            for chain in chains_of(one):
                for cell in chain:
                    assert (cell["table"], cell["metric"], cell["dataset"]) in printed or cell["table"] == "projection"


def test_an_unknown_judge_is_one_sentence(paper, tmp_path):
    claims = tmp_path / "claims.yaml"
    where = {"table": "1", "dataset": "Slakh", "metric": "FAD_CLAP"}
    claim = {"id": "1", "says": "", "where": where, "vary": "row", "order": ["Ours", "HDAE"], "decide": "orderd"}
    claims.write_text(yaml.safe_dump({"claims": [claim]}))
    with pytest.raises(UserError, match=r"claim 1: decide is 'orderd', and stages/report/verdicts\.py has no such"):
        judged(tmp_path, thesis(paper, tmp_path)[:1], claims)
