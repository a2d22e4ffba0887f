"""Manté's tables, sweeps, figures and claims from evaluations with chosen numbers."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from etude.config import resolve
from etude.config.cells import described_cell
from etude.controls.file import read_controls
from etude.controls.tracks import FREE, control_features, control_names
from etude.errors import UserError
from etude.metrics.controls import COLUMNS as COUNTS
from etude.pipeline.files import read_csv, write_csv, write_json
from etude.pipeline.stage import namespace
from stages.generate.controlled_sets import controlled_sets, length_of
from stages.report import control_figures, sweep, verdicts
from stages.report.fad import COLUMNS as FAD_COLUMNS
from stages.report.paper import Paper
from stages.report.paper_table import Value
from tests.stages.mante_results import COMMON, FIVE, PRINTED, evaluate, fads, fidelity, judged, table

ROOT = Path(__file__).parents[2]
RAW = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return evaluate(tmp_path_factory.mktemp("project"))


def test_every_printed_number_of_table_4_1_stands_beside_ours_and_in_its_own_column(root):
    rows, page = table(root)
    found = {(row["row"], row["metric"]): row["printed"] for row in rows}
    assert [found[cell, "FAD"] for cell in FIVE] == ["7.23", "4.63", "73.84", "7.48", "48.55"]
    assert [found[cell, "learnable_parameters"] for cell in FIVE] == ["56.9", "56.9", "225.8", "225.8", "87.9"]
    assert [found[cell, "batch_size"] for cell in FIVE] == ["4", "4", "16", "16", "16"]
    assert [found[cell, "training_time"] for cell in FIVE] == ["75.7", "80.2", "36.3", "37.3", "77.2"]
    assert [found[cell, "inference_time"] for cell in FIVE] == ["1216.2", "45.0", "39.6", "1.6", "112.8"]
    assert found["edm_film", "FAD"] == "" and not any(found[row["row"], "calls"] for row in rows)
    header = next(line for line in page.splitlines() if "edm_cqt" in line)
    assert [cell.strip() for cell in header.split("|")[2:-1]] == [*FIVE, "edm_film"]
    printed = next(line for line in page.splitlines() if line.startswith("| FAD by VGGish"))
    assert [cell.strip() for cell in printed.split("|")[2:-1]] == ["7.23", "4.63", "73.84", "7.48", "48.55"]
    assert "VGGish" not in next(line for line in page.splitlines() if line.startswith("**"))


def test_ours_are_what_was_measured_with_floor_ceiling_interval_and_ratio(root):
    rows, page = table(root)
    ours = {(row["row"], row["metric"]): row for row in rows}
    row = ours["edm_latents", "FAD"]
    assert float(row["value"]) == pytest.approx(8.05) and float(row["ci_low"]) < 8.0 < 8.1 < float(row["ci_high"])
    assert float(ours["edm_latents", "FAD_untrained"]["value"]) == 200.0
    assert ("ddpm_cqt", "FAD_untrained") not in ours
    assert float(ours["edm_cqt", "FAD_round_trip"]["value"]) == 1.0
    assert float(ours["edm_cqt", "FAD_halves"]["ci_high"]) == pytest.approx(0.01 + 0.196)
    assert ours["edm_cqt", "speed_ratio"]["note"] == "printed 27.0"
    assert ours["edm_latents", "speed_ratio"]["note"] == "printed 24.8"  # 39.6 / 1.6 = 24.75
    assert float(ours["edm_cqt", "speed_ratio"]["value"]) == pytest.approx(24.77, abs=0.05)
    assert float(ours["edm_cqt", "values_per_second"]["value"]) == 2 * 216 * 240
    assert float(ours["edm_cqt", "loss_fall"]["ci_low"]) > 0
    assert float(ours["edm_cqt", "loss_end"]["value"]) == pytest.approx(
        1 - 0.01 * 37.5 + 0.00005
    )  # the last 4 of 40 rows
    assert "64 clips of 4 s" in page and "a machine" in page


def test_table_4_2_has_the_best_model_alone(root):
    rows, page = table(root, "4.2")
    found = {row["metric"]: row["printed"] for row in rows}
    assert {row["row"] for row in rows} == {"edm_best"}
    assert (found["FAD"], found["inference_time"], found["training_time"]) == ("4.06", "12.7", "118.4")
    assert page.startswith("# Table 4.2: The best model (Manté 2024)")


def test_fidelity_has_lines_for_cells_then_floors_then_ceilings_and_prints_nothing_as_printed(root):
    rows, page = fidelity(root)
    lines = list(dict.fromkeys((row["row"], row["kind"]) for row in rows))
    kinds = [kind for _, kind in lines]
    assert kinds == sorted(kinds, key=["system", "floor", "ceiling"].index)
    assert ("shuffled_edm_latents", "floor") in lines and ("originals_4s", "ceiling") in lines
    assert "As printed" not in page and page.startswith("# Control fidelity: do the cells follow their controls")
    own = next(row for row in rows if (row["row"], row["metric"]) == ("edm_latents", "chroma_accuracy"))
    assert (own["value"], own["ci_low"], own["ci_high"]) == ("0.8", "0.75", "0.85")


def test_claims_are_judged_by_the_tables_and_printed_numbers_by_themselves(root):
    table(root), table(root, "4.2"), fidelity(root)
    found, page = judged(root)
    rows = {row["claim"]: row for row in found}
    verdict = {claim: row["verdict"] for claim, row in rows.items()}
    assert verdict["1"] == "holds" and rows["1"]["printed_supports"] == "yes"
    assert verdict["2-CQT"] == verdict["2-Float codes"] == "holds" and rows["2-CQT"]["printed_supports"] == "yes"
    assert verdict["3"] == verdict["4a"] == verdict["5a"] == verdict["6"] == verdict["8a"] == verdict["8b"] == "holds"
    assert verdict["4b"] == "not measured"  # no equal cell here
    assert verdict["7a"] == verdict["7b"] == "holds" and rows["7a"]["value"] == "10.8"
    assert verdict["9"] == verdict["10"] == verdict["11a"] == verdict["11b"] == "holds"
    assert verdict["12a-chroma_accuracy"] == verdict["12b-voicing_accuracy"] == "holds"
    assert verdict["11c"] == "not measured"
    assert rows["5b"]["printed_supports"] == "yes" and verdict["5b"] in ("fails", "cannot tell")
    assert "h1: which of our levels" not in page and "its own numbers" in page


def test_rows_of_fad_csv_have_its_columns_and_the_printed_number(root):
    rows = {row["system"]: row for row in fads(root, root)}
    assert list(rows["edm_cqt"]) == FAD_COLUMNS
    assert (rows["edm_cqt"]["paper_value"], rows["edm_cqt"]["paper_metric"]) == ("4.63", "FAD_VGGish")
    assert (rows["edm_best"]["table"], rows["edm_best"]["paper_value"]) == ("4.2", "4.06")
    assert rows["edm_film"]["paper_value"] == "" and rows["edm_cqt"]["untrained"] == ""
    assert rows["edm_cqt"]["ceiling_jack"] == "1"


def test_a_sweep_has_a_row_per_point_and_score_and_draws_the_same_bytes(root):
    points = [[40.0, "edm_film"], [0.0, "edm_latents"]]
    settings = namespace(COMMON | {"cell": "edm_latents", "knob": "churn", "points": points, "seed": 0})
    for name in "ab":
        sweep.main(settings, root / "reports", *(root / f"{name}.{kind}" for kind in ("csv", "svg", "png")))
    rows = read_csv(root / "a.csv")
    fads = [(row["value"], float(row["score"])) for row in rows if row["metric"] == "FAD"]
    assert fads == [("0", 8.0), ("40", 30.0)] and len(rows) == 2 * 5
    for kind in ("svg", "png"):
        assert (root / f"a.{kind}").read_bytes() == (root / f"b.{kind}").read_bytes()


def test_figures_have_their_controls_and_their_scores_beside_them(tmp_path, generated_set):
    folder = tmp_path / "formats"
    names = ["velocity", "chroma", "piano", "violin", "trumpet"]
    rows = [{"clip": f"clip{k}", "row": k, "split": "train"} for k in range(3)]
    tracks = np.zeros((3, 5, 150), np.float32)
    for k in range(3):
        tracks[k, 2 + k] = 1
    folder.mkdir()
    write_csv(folder / "index.csv", rows, list(rows[0]))
    np.save(folder / "controls.npy", tracks)
    np.save(folder / "clips.npy", np.zeros((3, 4, 150), np.float32))
    facts = {"frames_per_second": 75.0, "controls": names, "codec": "x", "array": "latents"}
    write_json(folder / "format.json", facts)
    shipped = tmp_path / "controls"
    shipped.mkdir()
    clips = ["free_chroma", "line_violin"]
    for clip in clips:
        shutil.copy(ROOT / f"papers/mante2024_controls/{clip}.csv", shipped)
    rng = np.random.default_rng(0)
    index = generated_set({clip: 0.1 * rng.standard_normal(24000) for clip in clips}, rate=24000)
    columns = ["clip", "against", *COUNTS, "instrument_right", "instruments"]
    scores = [dict.fromkeys(columns, 1) | {"clip": clip, "against": "own"} for clip in clips]
    write_csv(tmp_path / "scores.csv", scores, columns)
    shown = {}
    for figure in ("3.5", "4.2", "4.3"):
        name = figure.replace(".", "_")
        settings = {"figure": figure, "name": name, "cell": "edm_best", "triplets": 1, "noise_seed": 0, "title": figure}
        paths = [tmp_path / f"figure{name}.{kind}" for kind in ("csv", "svg", "png")]
        control_figures.main(
            namespace(settings | {"scale": "laptop"}), folder / "format.json", str(index), str(tmp_path / "scores.csv"),
            str(shipped), *paths,
        )  # fmt: skip
        shown[figure] = read_csv(paths[0])
        for row in shown[figure] if figure != "3.5" else []:
            kept = tmp_path / row["controls"]
            assert kept.read_bytes() == (shipped / f"{row['clip']}.csv").read_bytes()
            assert row["chroma_accuracy"] == "1" and row["noise_seed"] == "0"
    assert [row["clip"] for row in shown["3.5"]] == ["clip0"]
    assert [row["clip"] for row in shown["4.2"]] == ["line_violin"]
    assert [row["clip"] for row in shown["4.3"]] == ["free_chroma"]


def test_the_hand_made_controls_are_whole_and_one_leaves_each_feature_free():
    names = control_names(["piano", "violin", "trumpet"])
    free = set()
    for path in sorted((ROOT / "papers/mante2024_controls").glob("*.csv")):
        tracks = read_controls(path, names, 75.0, 600)
        gone = {feature for feature, rows in control_features(names).items() if (tracks[rows] == FREE).all()}
        assert len(gone) <= 1 and bool(gone) == path.stem.startswith("free_")
        free |= gone
    assert free == {"velocity", "pitch", "instrument"}


# --- params.yaml


def resolved(scale="laptop", **changes):
    return resolve(RAW | {"scale": scale} | changes, ROOT)


@pytest.mark.parametrize("scale", ["laptop", "smoke", "paper"])
def test_the_five_cells_differ_only_in_what_the_memoir_varies(scale):
    """System, format and network; the batch, with the format; nothing of control, training, sampling or evaluation."""
    params = resolved(scale)
    mante = params["mante2024"]
    cells = {name: mante["cells"][name] for name in FIVE}
    for name, cell in cells.items():
        assert cell["control"] == {} and cell["seconds"] is None and cell["time_batch"] is None, name
        assert set(cell["train"]) <= {"batch"}, name
        assert cell["network"] == cell["format"], name
    by_format = {}
    for cell in cells.values():
        by_format.setdefault(cell["format"], []).append((cell["network"], cell["train"]))
    assert all(one == found[0] for found in by_format.values() for one in found), "cells of a format differ"
    assert [(cell["system"], cell["format"]) for cell in cells.values()] == [
        ("ddpm", "cqt"), ("edm", "cqt"), ("ddpm", "latents"), ("edm", "latents"), ("discdpm", "codes"),
    ]  # fmt: skip
    described = [described_cell(params, name, 0) for name in FIVE]
    assert len({str(one["control"]) for one in described}) == 1
    assert cells["ddpm_latents"]["train"] == cells["discdpm_codes"]["train"]
    batches = [
        mante["train"]["batch"],
        *(cell["train"].get("batch", mante["train"]["batch"]) for cell in cells.values()),
    ]
    assert batches[1] == batches[2] <= batches[3] == batches[4] == batches[5]


def with_cell(**cell):
    mante = RAW["mante2024"]
    return {"mante2024": mante | {"cells": mante["cells"] | {"odd": cell}}}


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ({"system": "edm", "format": "codes", "network": "codes"},
         "mante2024.cells.odd: edm needs continuous data, and format codes is codes; name system discdpm, or another"),
        ({"system": "discdpm", "format": "cqt", "network": "cqt"},
         "mante2024.cells.odd: discdpm needs codes, and format cqt is continuous data; name system ddpm or edm"),
        ({"system": "ddmp", "format": "cqt", "network": "cqt"}, "mante2024.cells.odd.system names 'ddmp'"),
        ({"system": "edm", "format": "latent", "network": "cqt"}, "did you mean latents?"),
        ({"system": "edm", "format": "latents", "network": "big"}, "odd.network is 'big'"),
        ({"system": "hdae", "format": "latents", "network": "latents"}, "mante2024.samplers does not describe"),
        ({"system": "edm", "format": "latents", "network": "latents", "seed": 1}, "cells.odd.seed is not a known key"),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_is_refused_in_one_sentence(cell, sentence):
    with pytest.raises(UserError) as caught:
        resolved(**with_cell(**cell))
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("generate", "untrained"), ["edm"], "mante2024.generate.untrained names 'edm'"),
        (("fidelity", "free"), ["edm_latent"], "did you mean edm_latents?"),
        (("sweeps", "cell"), "ddpm_cqt", "mante2024.sweeps.cell is 'ddpm_cqt', and only edm has churn"),
        (("figures", "cells"), ["best"], "mante2024.figures.cells names 'best'"),
        (("sweeps", "churn"), [-1.0], "mante2024.sweeps.churn.0: "),
        (("generate", "clip"), 3, "did you mean clips?"),
        (("speed", "repeats"), 1, "mante2024.speed.repeats: "),
    ],
)
def test_lists_and_knobs_that_cannot_be_are_refused_in_one_sentence(path, value, sentence):
    mante = RAW["mante2024"]
    with pytest.raises(UserError) as caught:
        resolved(mante2024=mante | {path[0]: mante[path[0]] | {path[1]: value}})
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_sets_are_named_once_and_say_what_they_are():
    mante = resolved()["mante2024"]
    sets = controlled_sets(mante)
    assert set(mante["cells"]) < set(sets)
    assert sets["untrained_edm_latents"]["source"] == "untrained" and sets["edm_best"]["seconds"] == 8.0
    assert sets["reference_4s"]["split"] == mante["generate"]["reference"] != sets["originals_4s"]["split"]
    assert {name for name in sets if name.startswith("free_")} == {
        f"free_{feature}_edm_best" for feature in ("velocity", "pitch", "instrument")
    }
    assert all(f"reference_{length_of(one)}" in sets for one in sets.values())
    assert sets["handmade_edm_best"]["handmade"] and not sets["edm_best"]["handmade"]


# --- verdicts that these claims need


@pytest.mark.parametrize(
    ("better", "worse", "expected"),
    [
        ((1.0, 0.01), (25.0, 0.1), "holds"),
        ((1.0, 0.01), (10.0, 0.1), "fails"),
        ((1.0, 0.2), (21.0, 1.0), "cannot tell"),
    ],
)
def test_so_many_times_better(better, worse, expected):
    chain = [Value(value, value - half, value + half) for value, half in (better, worse)]
    assert verdicts.times_better([chain], [True], factor=20.0).verdict == expected
    assert verdicts.times_better([chain[::-1]], [False], factor=20.0).verdict == expected
    assert verdicts.times_better([[Value(1.0), chain[1]]], [True], factor=20.0).verdict == "cannot tell"


def test_about_and_above():
    eight = [verdicts.exact(Value(9600.0)), verdicts.exact(Value(1200.0))]
    assert verdicts.about([eight], [True], factor=8.0, tolerance=0.0).verdict == "holds"
    assert verdicts.about([eight], [True], factor=7.0, tolerance=0.1).verdict == "fails"
    assert verdicts.about([[Value(9.0, 7.0, 11.0), eight[1]]], [True], 0.0075, 0.01).verdict == "cannot tell"
    falls = [[Value(2.0, 1.0, 3.0)], [Value(0.5, -0.5, 1.5)]]
    assert verdicts.above(falls[:1], [True], threshold=0.0).verdict == "holds"
    assert verdicts.above(falls, [True, True], threshold=0.0).verdict == "cannot tell"
    assert verdicts.above([*falls, [Value(-2.0, -3.0, -1.0)]], [True] * 3, threshold=0.0).verdict == "fails"
    assert verdicts.above([[Value(2.0)]], [True], threshold=0.0).verdict == "cannot tell"


def test_the_copy_of_the_printed_numbers_holds_the_ratios_of_the_card():
    paper = Paper.load(PRINTED)
    times = {
        (n["row"], n["level"]): float(n["value"]) for n in paper.table("4.1") if n["metric"] == "inference_time_8x4s"
    }
    assert times["DDPM", "CQT"] / times["EDM", "CQT"] == pytest.approx(27.0, abs=0.05)
    assert times["DDPM", "Float codes"] / times["EDM", "Float codes"] == pytest.approx(24.8, abs=0.06)
