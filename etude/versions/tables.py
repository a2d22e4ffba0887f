"""A table for DVC: its cells as nested JSON (`dvc metrics diff`), its first column of numbers as points (`dvc plots`).

The leading columns of a tidy table say what a row is about; they end where the first measured number stands. So a row
keeps its name when the table grows, and a comparison of two versions shows the rows that moved and no other.
"""

import re
from pathlib import Path
from typing import Any

from etude.pipeline.files import read_csv, write_csv, write_json

METRICS, PLOT = ".metrics.json", ".plot.csv"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
LONGEST_NAME = 40  # characters: what is longer is prose, not a name
WHOLE = re.compile(r"[+-]?\d+")


def derived(table: str) -> tuple[str, str]:
    """The two files that stand beside ``table``: fad.csv -> fad.metrics.json, fad.plot.csv."""
    stem = table.removesuffix(".csv")
    return stem + METRICS, stem + PLOT


def write_derived(table: Path) -> None:
    """Write both files; what they hold depends on ``table`` alone."""
    rows = read_csv(table)
    labels, values = split_columns(rows)
    nested: dict[str, Any] = {}
    points = []
    for row in rows:
        name = [row[column] or "-" for column in labels]
        place = nested
        for word in name[:-1]:
            place = place.setdefault(word, {})
        place[_free(name[-1], place)] = {column: _value(row[column]) for column in values if row[column]}
        if NUMBER.fullmatch(row[values[0]] or ""):
            points.append({"row": " ".join(name), "value": float(row[values[0]])})
    metrics, plot = derived(str(table))
    write_json(metrics, nested)
    write_csv(plot, points, ["row", "value"])


def split_columns(rows: list[dict[str, str]]) -> tuple[list[str], list[str]]:
    """Columns that name a row, and columns to compare: those with numbers from the first measured one on.

    Whole numbers count nothing as long as no other has come: they are seeds, pitches, numbers of tables. A table of
    words (verdicts on claims, say) is named by its first column and compared by the others.
    """
    columns = list(rows[0]) if rows else []
    numeric = [column for column in columns if _is_numeric([row[column] for row in rows])]
    measured = [column for column in numeric if not all(WHOLE.fullmatch(row[column] or "0") for row in rows)]
    if not measured or columns.index(measured[0]) == 0:
        return columns[:1], [column for column in columns[1:] if not _is_hash(column)] or columns[:1]
    first = columns.index(measured[0])
    names = [column for column in columns[:first] if all(len(row[column]) <= LONGEST_NAME for row in rows)]
    return names or columns[:1], [
        column for column in numeric if columns.index(column) >= first and not _is_hash(column)
    ]


def _value(text: str) -> float | str:
    return float(text) if NUMBER.fullmatch(text) else text


def _free(name: str, taken: dict[str, Any]) -> str:
    """``name``, numbered if another row is about the same."""
    count = 1
    while (free := name if count == 1 else f"{name} ({count})") in taken:
        count += 1
    return free


def _is_numeric(texts: list[str]) -> bool:
    return any(texts) and all(NUMBER.fullmatch(text) for text in texts if text)


def _is_hash(column: str) -> bool:
    return column == "code" or "sha256" in column
