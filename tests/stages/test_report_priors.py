"""The table of unconditional samples, from the rows of single sets."""

from pathlib import Path

import pytest

from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import namespace
from stages.report.priors import COLUMNS, main
from tests.stages.test_report import PROTOCOL

SCORES = {"gaussian_hdae": 90.0, "prior_hdae": 60.0, "seen_hdae": 40.0, "hdae": 20.0, "round_trip": 5.0}
NOVELTY = {"gaussian_hdae": [1.0, 1.5, 2.0], "prior_hdae": [0.2, 0.4, 1.1]}
KINDS = ["gaussian", "prior", "seen", "reconstructions", "codec"]


def evaluated(root: Path, seeds: list[int], empty: tuple[str, ...] = ()) -> None:
    for name, jack in SCORES.items():
        for seed in [0] if name == "round_trip" else seeds:
            scores = {
                "fad": jack + 1,
                "fad_jack": jack + seed,
                "ci_low": jack - 2,
                "ci_high": jack + 2,
                "fad_inf": jack,
            }
            row = scores | {"floor": 3.0, "floor_jack": 0.25, "generated_sha256": name} | PROTOCOL
            row |= dict.fromkeys(empty, "")
            folder = "samples" if "_hdae" in name else "fad"
            write_csv(root / f"evaluate/{folder}/mine/spectral/{name}/{seed}/gm_cnn.csv", [row], list(row))
            if name in NOVELTY:
                rows = [{"clip": k, "novelty": value + seed} for k, value in enumerate(NOVELTY[name])]
                write_csv(root / f"samples/mine/spectral/{name}/{seed}/index.csv", rows, ["clip", "novelty"])


def report(root: Path, seeds=(0,), **options):
    evaluated(root, list(seeds), **options)
    grid = {"datasets": ["mine"], "codecs": ["spectral"], "systems": ["hdae"], "seeds": [0], "embeddings": ["gm_cnn"]}
    settings = {"scale": "laptop", "variant": "corrected", "metric_code": "abc", "grid": grid, "seeds": list(seeds)}
    main(namespace(settings), root / "evaluate", root / "samples", root / "priors.csv", root / "priors.md")
    return read_csv(root / "priors.csv"), (root / "priors.md").read_text()


def test_every_set_is_a_row_with_its_interval_and_protocol(tmp_path):
    rows, table = report(tmp_path)
    assert list(rows[0]) == COLUMNS and [row["levels"] for row in rows] == KINDS
    assert [float(row["fad_jack"]) for row in rows] == list(SCORES.values())
    assert (rows[1]["ci_low"], rows[1]["ci_high"], rows[1]["generated_sha256"]) == ("58", "62", "prior_hdae")
    assert [row["novelty"] for row in rows] == ["1.5", "0.4", "", "", ""]
    line = next(line for line in table.splitlines() if line.startswith("| mine"))
    assert [cell.strip() for cell in line.split("|")[4:]][:5] == [
        *("90 (88 .. 92)", "60 (58 .. 62)", "40 (38 .. 42)", "20 (18 .. 22)", "5 (3 .. 7)"),
    ]
    assert "0.40" in line and "1.50" in line


def test_seeds_are_averaged_and_have_an_interval(tmp_path):
    rows, _ = report(tmp_path, seeds=(0, 1))
    assert float(rows[1]["fad_jack"]) == 60.5
    assert float(rows[1]["seed_high"]) == pytest.approx(60.5 + 12.7062 * 0.5, rel=1e-4)
    assert rows[4]["seeds"] == "0" and rows[1]["novelty"] == "1.15"


def test_too_few_files_for_a_jackknife_leave_cells_empty(tmp_path):
    rows, table = report(tmp_path, empty=("fad_jack", "ci_low", "ci_high", "fad_inf", "floor_jack"))
    assert rows[0]["fad_jack"] == rows[0]["ci_low"] == "" and rows[0]["fad"] == "91"
    assert "| 91 " in table
