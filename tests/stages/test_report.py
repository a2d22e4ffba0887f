"""The FAD table, from the rows of single sets."""

import csv
from pathlib import Path

import pytest

from etude.pipeline.files import read_csv
from etude.pipeline.stage import namespace
from stages.report import fad_page
from stages.report.fad import COLUMNS, main, seed_interval

ROOT = Path(__file__).parents[2]
PRINTED = ROOT / "papers/pichard2024_tables.csv"
GRID = {
    "datasets": ["gm_notes", "mine"],
    "codecs": ["spectral"],
    "systems": ["hdae", "msdae"],
    "seeds": [0, 1],
    "embeddings": ["gm_cnn"],
}
PROTOCOL = {
    "n_reference": 300,
    "n_generated": 300,
    "windows_generated": 900,
    "dimension": 64,
    "caution": "",
    "sample_rate": 16000,
    "resampler": "none",
    "loudness": "peak",
    "embedding_sha256": "e",
    "weights_sha256": "w",
    "reference_sha256": "r",
}
SCORES = {"hdae/0": 10.0, "hdae/1": 14.0, "msdae/0": 6.0, "msdae/1": 7.0}
SCORES |= {"untrained_hdae/0": 90.0, "untrained_msdae/0": 95.0, "round_trip/0": 2.0}
SCORES |= {"prior_msdae/0": 20.0, "prior_msdae/1": 24.0, "gaussian_msdae/0": 40.0, "gaussian_msdae/1": 50.0}


def evaluated(folder: Path, caution: str = "") -> Path:
    for dataset in GRID["datasets"]:
        for name, jack in SCORES.items():
            place = folder.with_name("samples") if name.startswith(("prior_", "gaussian_")) else folder
            path = place / dataset / "spectral" / name / "gm_cnn.csv"
            path.parent.mkdir(parents=True)
            scores = {"fad": jack + 1, "fad_jack": jack, "ci_low": jack - 0.5, "ci_high": jack + 0.5}
            floors = {"floor": 3.0, "floor_jack": 0.25, "floor_se_jack": 0.125}
            with open(path, "w", newline="") as file:
                writer = csv.DictWriter(file, [*scores, *floors, *PROTOCOL])
                writer.writeheader()
                writer.writerow(scores | floors | PROTOCOL | {"caution": caution})
    return folder


def report(tmp_path, grid=GRID, further="none", **changes):
    settings = {"scale": "laptop", "variant": "corrected", "metric_code": "abc", "samples": [], "sample_seeds": [0]}
    settings = namespace(settings | {"grid": grid} | changes)
    folder = evaluated(tmp_path / "evaluate", changes.pop("caution", ""))
    main(settings, folder, PRINTED, further, tmp_path / "fad.csv", tmp_path / "fad.md")
    return read_csv(tmp_path / "fad.csv"), (tmp_path / "fad.md").read_text()


def test_one_row_for_each_cell_with_seeds_averaged(tmp_path):
    rows, _ = report(tmp_path)
    assert [(row["dataset"], row["system"]) for row in rows] == [
        (d, s) for d in GRID["datasets"] for s in GRID["systems"]
    ]
    assert list(rows[0]) == COLUMNS
    hdae = {key: float(rows[0][key]) for key in ("fad", "fad_jack", "ci_low", "ci_high", "ceiling", "ceiling_jack")}
    assert hdae == {"fad": 13, "fad_jack": 12, "ci_low": 11.5, "ci_high": 12.5, "ceiling": 3, "ceiling_jack": 2}
    assert (rows[0]["untrained_jack"], rows[1]["untrained_jack"], rows[0]["floor_se"]) == ("90", "95", "0.125")
    assert (rows[0]["seeds"], rows[0]["scale"], rows[0]["code"]) == ("0 1", "laptop", "abc")


def test_the_printed_number_stands_beside_ours_where_there_is_one(tmp_path):
    rows, table = report(tmp_path)
    assert [row["paper_value"] for row in rows] == ["0.55", "0.56", "", ""]
    assert rows[0]["paper_metric"] == "FAD_CLAP" and rows[0]["paper_dataset"] == "NSynth"
    assert "0.56 (FAD_CLAP, NSynth)" in table and "12" in table


def test_the_interval_over_seeds_is_students():
    """For two values a, b: mean +- 12.706 |a - b| / 2."""
    low, high = seed_interval([10.0, 14.0])
    assert (low, high) == pytest.approx((12 - 12.7062 * 2, 12 + 12.7062 * 2), rel=1e-4)
    assert seed_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - 4.30265 / 3**0.5, 2 + 4.30265 / 3**0.5), rel=1e-4)
    assert seed_interval([3.0]) == (None, None)


def test_one_seed_has_no_interval_and_says_so(tmp_path):
    rows, table = report(tmp_path, grid=GRID | {"seeds": [0]})
    assert rows[0]["seed_low"] == "" and "one seed" in table


def test_cautions_reach_the_reader(tmp_path):
    _, table = report(tmp_path, caution="generated: 72 windows < 4 x 64 dimensions")
    assert "Cautions:" in table and "- gm_notes, gm_cnn: generated: 72 windows" in table


def test_samples_are_rows_where_they_are_asked_for(tmp_path):
    names = ["prior_msdae", "gaussian_msdae"]
    rows, table = report(tmp_path, samples=names, sample_seeds=[0, 1])
    assert [row["system"] for row in rows] == ["hdae", "msdae", *names] * 2
    assert [float(row["fad_jack"]) for row in rows[2:4]] == [22, 45]
    assert {(row["untrained_jack"], row["ceiling_jack"], row["seeds"]) for row in rows[2:4]} == {("95", "2", "0 1")}
    assert [row["paper_value"] for row in rows[2:4]] == ["", ""], "the thesis prints nothing for priors"
    assert "prior_...: levels drawn from a trained prior" in table and "gaussian_...:" in table
    assert "seen_...:" not in table


def test_a_table_without_samples_does_not_speak_of_them(tmp_path):
    assert "prior_" not in report(tmp_path)[1]


def test_rows_of_another_paper_follow_and_its_page_leaves_them_out(tmp_path):
    """What mante2024.fad_rows asks for; a cell may have no untrained network of its own."""
    rows, _ = report(tmp_path)
    other = rows[0] | {"paper": "mante2024", "table": "4.1", "system": "edm_cqt", "codec": "cqt", "untrained_jack": ""}
    with open(tmp_path / "other.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerow(other)
    more, table = report(tmp_path / "more", further=str(tmp_path / "other.csv"))
    assert more[:-1] == rows and more[-1] == other and "edm_cqt" in table
    settings = namespace({"scale": "laptop", "variant": "corrected", "grid": GRID})
    fad_page.main(settings, tmp_path / "more/fad.csv", PRINTED, tmp_path / "t.csv", tmp_path / "t.md")
    assert "edm_cqt" not in (tmp_path / "t.md").read_text()
