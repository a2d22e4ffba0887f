"""A metric of grid.metrics from clips to its table, with the metric that `etude new metric` writes."""

import importlib.util
import sys

import numpy as np
import pytest

from etude import metrics
from etude.errors import UserError
from etude.metrics.seeds import seed_interval
from etude.new.skeleton import TEMPLATES
from etude.pipeline.files import read_csv
from etude.pipeline.stage import namespace
from stages.evaluate import metric
from stages.report import metrics as report

NAME = "loudness"


@pytest.fixture
def plugin(monkeypatch):
    """The template as a module of etude/metrics/."""
    spec = importlib.util.spec_from_file_location(
        f"etude.metrics.{NAME}", TEMPLATES / "metric/etude/metrics/skeleton.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, spec.name, module)
    return module


def settings(system="halved", seed="0"):
    labels = {"dataset": "sines", "codec": "none", "system": system, "seed": seed, "metric": NAME}
    return namespace({"metric": NAME, "split": "test", "groups": 5, "labels": labels})


def evaluated(folder, prepared, clips, system, seed="0"):
    out = folder / "sines/none" / system / seed / f"{NAME}.csv"
    metric.main(settings(system, seed), prepared, clips, out)
    return out


@pytest.fixture
def sets(prepared_set, generated_set, sines, plugin):
    """A prepared set, and its test clips turned down to a half, or not at all, with one of them silent."""
    index = prepared_set()
    test = {row["clip"]: sines[row["clip"]] for row in read_csv(index) if row["split"] == "test"}
    silent = {clip: audio * (k > 0) for k, (clip, audio) in enumerate(test.items())}
    halved = {clip: audio / 2 for clip, audio in test.items()}
    return index, {
        "round_trip": generated_set(test, "round_trip"),
        "untrained_halved": generated_set(silent, "silent"),
        "halved": generated_set(halved, "halved"),
        "quarter": generated_set({clip: audio / 4 for clip, audio in test.items()}, "quarter"),
    }


def test_half_the_amplitude_is_six_decibels_for_every_clip(sets, tmp_path):
    index, made = sets
    out = evaluated(tmp_path, index, made["halved"], "halved")
    [row] = read_csv(out)
    assert float(row["value"]) == pytest.approx(6.0206, abs=1e-2) and row["unit"] == "dB" and row["better"] == "lower"
    assert float(row["ci_high"]) - float(row["ci_low"]) < 0.02 and row["undefined"] == "0"
    files = read_csv(out.with_suffix(".files.csv"))
    assert len(files) == int(row["n"]) == sum(r["split"] == "test" for r in read_csv(index))
    assert np.mean([float(file["value"]) for file in files]) == pytest.approx(float(row["value"]))


def test_a_clip_without_a_value_is_counted_not_averaged(sets, tmp_path):
    index, made = sets
    [row] = read_csv(evaluated(tmp_path, index, made["untrained_halved"], "untrained_halved"))
    assert row["undefined"] == "1" and float(row["value"]) == pytest.approx(0, abs=1e-3)


def test_the_table_stands_between_ceiling_and_untrained(sets, tmp_path):
    index, made = sets
    for system in ("round_trip", "untrained_halved", "halved"):
        evaluated(tmp_path, index, made[system], system)
    evaluated(tmp_path, index, made["quarter"], "halved", "1")
    grid = {"datasets": ["sines"], "codecs": ["none"], "systems": ["halved"], "seeds": [0, 1]}
    chosen = namespace({"grid": grid, "metrics": [NAME], "scale": "smoke", "variant": "corrected"})
    report.main(chosen, tmp_path, tmp_path / "metrics.csv", tmp_path / "metrics.md")
    [row] = read_csv(tmp_path / "metrics.csv")
    assert float(row["value"]) == pytest.approx((6.0206 + 12.0412) / 2, abs=1e-2)
    low, high = seed_interval([6.0206, 12.0412])
    assert (float(row["seed_low"]), float(row["seed_high"])) == pytest.approx((low, high), abs=0.2)
    assert float(row["ceiling"]) == pytest.approx(0, abs=1e-3) and row["seeds"] == "0 1"
    page = (tmp_path / "metrics.md").read_text()
    assert f"| sines      | {NAME}, dB, lower is better" in page and "9.03" in page


def test_intervals_of_a_mean_are_those_of_students_t():
    values = np.random.default_rng(0).normal(3, 1, 40)
    low, high = metric.interval(values, len(values))  # one clip a group: the textbook's interval
    assert (low, high) == pytest.approx(seed_interval(list(values)), rel=1e-9)
    assert metric.interval(values[:1], 5) == (None, None)


def test_what_is_no_metric_is_one_sentence(sets, tmp_path, plugin, monkeypatch):
    index, made = sets
    with pytest.raises(UserError, match="no metric called 'nothing'"):
        metrics.plugin("nothing")
    with pytest.raises(UserError, match=r"etude/metrics/gaussian\.py has no score"):
        metrics.plugin("gaussian")
    monkeypatch.setattr(plugin, "score", lambda *clips: float("nan"))
    with pytest.raises(UserError, match=r"loudness\.py: score of clip .* is nan"):
        evaluated(tmp_path, index, made["halved"], "halved")
