import json

import pytest

from etude.pipeline.files import read_csv, write_csv
from etude.versions.tables import split_columns, write_derived


def make(tmp_path, rows):
    write_csv(tmp_path / "table.csv", rows, list(rows[0]) if rows else ["a"])
    write_derived(tmp_path / "table.csv")
    return json.loads((tmp_path / "table.metrics.json").read_text()), read_csv(tmp_path / "table.plot.csv")


def test_rows_are_named_by_what_stands_before_the_first_measured_number(tmp_path):
    rows = [
        {
            "table": 1,
            "system": name,
            "seed": seed,
            "fad": fad,
            "low": low,
            "n": 12,
            "sha256": "1" * 64,
            "scale": "laptop",
        }
        for name, seed, fad, low in (("a", 0, 1.5, ""), ("a", 1, 2, "-1e-3"), ("b", 0, 3.25, 0.5))
    ]
    metrics, plot = make(tmp_path, rows)
    assert metrics == {
        "1": {
            "a": {"0": {"fad": 1.5, "n": 12.0}, "1": {"fad": 2.0, "low": -0.001, "n": 12.0}},
            "b": {"0": {"fad": 3.25, "low": 0.5, "n": 12.0}},
        }
    }
    assert plot == [
        {"row": "1 a 0", "value": "1.5"},
        {"row": "1 a 1", "value": "2.0"},
        {"row": "1 b 0", "value": "3.25"},
    ]


def test_prose_names_nothing_and_words_are_compared(tmp_path):
    metrics, plot = make(tmp_path, [{"claim": "c1", "says": "x" * 50, "value": 0.5, "verdict": "holds"}])
    assert metrics == {"c1": {"value": 0.5}} and len(plot) == 1
    metrics, plot = make(tmp_path, [{"claim": "c1", "verdict": "holds"}, {"claim": "c1", "verdict": "fails"}])
    assert metrics == {"c1": {"verdict": "holds"}, "c1 (2)": {"verdict": "fails"}} and plot == []


@pytest.mark.parametrize("rows", [[], [{"a": ""}]])
def test_empty_tables(tmp_path, rows):
    metrics, plot = make(tmp_path, rows)
    assert metrics in ({}, {"-": {}}) and plot == []


def test_columns():
    rows = [{"name": "x", "count": "3", "value": "0.5", "note": "", "code": "1234567890123456"}]
    assert split_columns(rows) == (["name", "count"], ["value"])
