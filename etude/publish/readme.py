"""The README's tables: what a paper prints, and what the published runs say beside it.

``papers/<paper>_readme.yaml`` lists the lines, each a look-up in the tidy tables of docs/results/<scale>/. Between the
markers ``<!-- results of <paper> -->`` and ``<!-- end of results -->`` README.md holds what comes of it, and nothing
that somebody typed; a test compares.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from etude.errors import UserError
from etude.pipeline.files import read_csv
from etude.publish.pages import RESULTS, scales

BLOCK = re.compile(r"(<!-- results of (\w+) -->\n)(.*?)(<!-- end of results -->)", re.DOTALL)
UNITS = {"percent": " %", "nats": " nats", "seconds": " s"}
MISSING = "not published"
COLUMNS = ("value", "ci_low", "ci_high")
Where = dict[str, Any]


def filled(readme: str, root: Path) -> str:
    """``readme`` with every block between markers written anew."""
    return BLOCK.sub(lambda found: f"{found[1]}{table(found[2], root)}\n{found[4]}", readme)


def table(paper: str, root: Path) -> str:
    """The table of ``paper`` in Markdown, with a column for each published scale."""
    path = root / f"papers/{paper}_readme.yaml"
    if not path.is_file():
        raise UserError(f"{path}: README.md has a table of {paper}, and this list of its lines is not there; add it")
    lines = yaml.safe_load(path.read_text(encoding="utf-8"))["lines"]
    published = scales(root)
    rows = []
    for line in lines:
        row = {
            "row of the paper": line["row"],
            "command": line["command"],
            "printed": printed(line, root, published, paper),
        }
        for scale in published:
            row[f"ours, {scale}"] = ours(line, root / RESULTS / scale)
        for key, heading in (("ceiling", "best possible"), ("floor", "untrained, or by chance")):
            row[heading] = bound(line, key, root, published)
        rows.append(row)
    return _lines(rows)


def ours(line: Where, folder: Path) -> str:
    """Our cells of ``line`` from the tables in ``folder``."""
    file = folder / line["table"]
    if not file.is_file():
        return MISSING
    rows = read_csv(file)
    if "tally" in line:
        counts = Counter(row[line["tally"]] for row in rows)
        return ", ".join(f"{counts[word]} {word}" for word in line["words"])
    cells = select(rows, line.get("where", {}) | line["ours"], file)
    text = show(cells, line, intervals=len(cells) == 1)
    return f"{text} on {cells[0]['dataset']}" if cells and line.get("dataset", True) else text


def printed(line: Where, root: Path, published: Iterable[str], paper: str) -> str:
    """What the paper prints: said by ``line``, or looked up where it says in the paper's own numbers, or standing
    beside our cells in the first run that has them."""
    if isinstance(line.get("printed"), str):
        return line["printed"]
    if isinstance(line.get("printed"), dict):
        file = root / f"papers/{paper}_tables.csv"
        found = select(read_csv(file), line["printed"], file)
        if not found:
            raise UserError(
                f"{file}: has no number at {line['printed']}, as papers/{paper}_readme.yaml says; correct that"
            )
        return ", ".join(row["value"] for row in found)
    for scale in published:
        if (file := root / RESULTS / scale / line["table"]).is_file():
            cells = select(read_csv(file), line.get("where", {}) | line["ours"], file)
            values = [cell[line.get("printed_column", "printed_coarse")] for cell in cells]
            return f"{', '.join(values)}{UNITS.get(cells[0].get('unit', ''), '')}" if cells and all(values) else ""
    return ""


def bound(line: Where, key: str, root: Path, published: Iterable[str]) -> str:
    """Floor or ceiling of ``line``, from the first run that has its table."""
    if key not in line:
        return ""
    for scale in published:
        if (file := root / RESULTS / scale / line["table"]).is_file():
            where = {**line.get("where", {}), **line[key]}
            told = {**line, "columns": where.pop("columns", line.get("columns", COLUMNS))}
            return show(select(read_csv(file), where, file), told, intervals=False)
    return ""


def select(rows: list[dict[str, str]], where: Where, file: Path) -> list[dict[str, str]]:
    """The rows whose columns are as ``where`` says; a list of values gives them in its order.

    Raises ``UserError`` when ``where`` names a column that there is not, or a list has another number of cells than
    values.
    """
    if unknown := [column for column in where if rows and column not in rows[0]]:
        raise UserError(f"{file}: has no column {unknown[0]!r}, which papers/*_readme.yaml looks into; correct that")
    listed = {column: [str(value) for value in values] for column, values in where.items() if isinstance(values, list)}
    found = [
        row
        for row in rows
        if all(
            row[column] in listed[column] if column in listed else row[column] == str(value)
            for column, value in where.items()
        )
    ]
    for shared in ("dataset", "codec", "embedding"):  # several may stand for the paper's: the first does
        found = [row for row in found if row.get(shared) == found[0].get(shared)]
    for column, values in listed.items():
        found.sort(key=lambda row, column=column, values=values: values.index(row[column]))
        if found and len(found) != len(values):
            raise UserError(
                f"{file}: {len(found)} cells where {where} in papers/*_readme.yaml expects {len(values)}; correct that"
            )
    return found if listed else found[:1]


def show(cells: list[dict[str, str]], line: Where, intervals: bool) -> str:
    """The values of ``cells``, with the interval of a single one."""
    if not cells:
        return MISSING
    value, *ends = line.get("columns", COLUMNS)
    unit = UNITS.get(cells[0].get("unit", ""), "")
    texts = [digits(cell[value]) if cell[value] else "none" for cell in cells]
    if intervals and ends and cells[0][value] and all(cells[0][end] for end in ends):
        return f"{texts[0]}{unit} ({' .. '.join(digits(cells[0][end]) for end in ends)})"
    return f"{', '.join(texts)}{unit}"


def digits(value: str) -> str:
    """``value`` with three significant digits, written out: 1120, 0.0167."""
    text = f"{float(value):.3g}"
    return f"{float(text):.0f}" if "e+" in text else text


def _lines(rows: list[dict[str, str]]) -> str:
    """A table in Markdown, without the padding that would change every line with one number."""
    head = list(rows[0])
    cells = [head, ["---"] * len(head), *([row[key] for key in head] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
