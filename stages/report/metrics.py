"""A table for DVC: its numbers as nested JSON (`dvc metrics diff`), its first column of numbers as a plot.

The leading columns of a tidy table say what a row is about; they end where the first measured number stands. So a row
keeps its name when the table grows, and a comparison of two versions shows the rows that moved and no other.
"""

import re
from pathlib import Path
from typing import Any

from etude.errors import UserError
from etude.pipeline.files import read_csv, write_csv, write_json
from etude.pipeline.stage import run_stage

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
WHOLE = re.compile(r"[+-]?\d+")


def main(settings, table: Path, metrics: Path, plot: Path) -> None:
    rows = read_csv(table)
    labels, values = split_columns(rows, table)
    nested: dict[str, Any] = {}
    points = []
    for row in rows:
        name = [row[column] or "-" for column in labels]
        numbers = {column: float(row[column]) for column in values if NUMBER.fullmatch(row[column])}
        place = nested
        for word in name:
            place = place.setdefault(word, {})
        if place:
            raise UserError(f"{table}: two rows are both about {', '.join(name)}; a column must tell them apart")
        place.update(numbers)
        points += [{"row": " ".join(name), "value": numbers[values[0]]}] if values[0] in numbers else []
    write_json(metrics, nested)
    write_csv(plot, points, ["row", "value"])


def split_columns(rows: list[dict[str, str]], table: Path) -> tuple[list[str], list[str]]:
    """Columns that name a row, and columns that hold numbers (in every row, or nothing)."""
    columns = list(rows[0]) if rows else []
    numeric = [column for column in columns if _is_numeric([row[column] for row in rows])]
    measured = [column for column in numeric if not all(WHOLE.fullmatch(row[column] or "0") for row in rows)]
    if not measured:
        raise UserError(f"{table} holds no column of measured numbers; found: {', '.join(columns) or 'nothing'}")
    first = columns.index(measured[0])
    return columns[:first], [column for column in numeric if columns.index(column) >= first and not _is_hash(column)]


def _is_numeric(texts: list[str]) -> bool:
    return any(texts) and all(NUMBER.fullmatch(text) for text in texts if text)


def _is_hash(column: str) -> bool:
    return column == "code" or "sha256" in column


if __name__ == "__main__":
    run_stage(
        main,
        table="path of the table, a tidy CSV",
        metrics="path of the JSON file to write",
        plot="path of the CSV file with the points to plot",
    )
