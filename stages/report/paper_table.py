"""A table of a document with our numbers in it: tidy as CSV, and in Markdown laid out like the document's page.

A table has panels (a data set under one protocol), a panel has lines (systems, then floors and ceilings) and columns (a
metric at one level, say). Levels go by their numbers of frames. The printed number stands next to ours, in every
reading of the document's level names that differs. Where the paper's .yaml says ``across`` of a table, systems stand
side by side and metrics below each other. A stage fills in :class:`Panel` objects and calls :func:`write`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tabulate import tabulate

from etude.pipeline.files import atomic, write_csv
from stages.report.paper import Paper, Printed

COLUMNS = [
    "paper", "table", "panel", "dataset", "codec", "row", "kind", "metric", "place", "unit", "direction",
    "value", "ci_low", "ci_high", "n", "note", "paper_row", "paper_dataset", "panel_title", "row_title", "heading",
]  # fmt: skip


@dataclass(frozen=True)
class Value:
    """Ours, in the document's unit, with its 95 % interval over ``n`` runs; or a ``note`` why there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Line:
    """A row: a ``system``, or a ``floor`` or ``ceiling`` it has to be read against. ``key`` is unique in a panel."""

    key: str
    kind: Literal["system", "floor", "ceiling"] = "system"
    title: str = ""
    system: str = ""
    """The system whose printed numbers belong beside it, where ``key`` is not its name."""


@dataclass(frozen=True)
class Column:
    """The document's ``metric`` on our ``dataset`` at ``place``: a number of frames, codec, rec, or nothing."""

    metric: str
    dataset: str
    place: str = ""
    title: str = ""


@dataclass
class Panel:
    """One block of the table. A cell that is not in ``cells`` stays empty."""

    key: str
    title: str
    codec: str
    lines: Sequence[Line]
    columns: Sequence[Column]
    cells: dict[tuple[str, Column], Value] = field(default_factory=dict)


def write(
    paper: Paper,
    table: str,
    panels: Sequence[Panel],
    notes: Sequence[str],
    context: dict[str, Any],
    csv: Path,
    md: Path,
) -> None:
    """Write ``table`` of ``paper``. ``notes`` are paragraphs below it; ``context`` (scale, seeds, code, ...) becomes
    further columns, the same in every line."""
    columns = [*COLUMNS, *_printed_columns(paper, {}), *context]
    write_csv(csv, [row | context for row in tidy(paper, table, panels)], columns)
    with atomic(md) as part:
        part.write_text(markdown(paper, table, panels, notes), encoding="utf-8")


def tidy(paper: Paper, table: str, panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """One row for each cell of ours."""
    return [
        {
            "paper": paper.facts["paper"],
            "table": table,
            "panel": panel.key,
            "dataset": column.dataset,
            "codec": panel.codec,
            "row": line.key,
            "kind": line.kind,
            "metric": column.metric,
            "place": column.place,
            "unit": paper.unit(column.metric),
            "direction": paper.direction(column.metric),
            "value": number(cell.value),
            "ci_low": number(cell.low),
            "ci_high": number(cell.high),
            "n": "" if cell.n is None else cell.n,
            "note": cell.note,
            "paper_row": _paper_row(paper, line, column),
            "paper_dataset": paper.dataset(column.dataset),
            **_printed_columns(paper, _printed(paper, table, panel, line, column)),
            "panel_title": panel.title,
            "row_title": _title(paper, line),
            "heading": _heading(paper, column),
        }
        for panel in panels
        for line in panel.lines
        for column in panel.columns
        if (cell := panel.cells.get((line.key, column)))
    ]


def markdown(paper: Paper, table: str, panels: Sequence[Panel], notes: Sequence[str]) -> str:
    """The page: what is printed, then each panel, then how to read it."""
    facts = paper.facts["tables"][table]
    lines = [f"# {facts.get('name', f'Table {table}')}: {facts['title']} ({paper.name})", ""]
    if paper.table(table):
        lines += ["As printed:", "", _as_printed(paper, table), ""]
    for panel in panels:
        lines += [f"**{panel.title}**", "", _panel(paper, table, panel), ""]
    if not panels:
        lines += ["No data set of the grid is, or stands in for, what this table is about.", ""]
    return "\n".join([*lines, _legend(paper, panels), "", *(line for note in notes for line in (note, ""))])


def number(value: float | None) -> str:
    """Six significant digits: more than any interval here can tell apart."""
    return "" if value is None else f"{value:.6g}"


def show(cell: Value | None) -> str:
    """``12.3 (11 .. 13.6)``, or why there is no number."""
    if cell is None:
        return ""
    if cell.value is None:
        return cell.note or "not measured"
    exact = cell.n is None and cell.low == cell.high  # counted, not measured
    interval = "" if exact or None in (cell.low, cell.high) else f" ({cell.low:.3g} .. {cell.high:.3g})"
    return f"{cell.value:.3g}{interval}" + (f", {cell.note}" if cell.note else "")


def _panel(paper: Paper, table: str, panel: Panel) -> str:
    rows = []
    for line in panel.lines:
        row = {"": _title(paper, line)}
        for column in panel.columns:
            row[_heading(paper, column)] = _with_printed(
                show(panel.cells.get((line.key, column))),
                _printed(paper, table, panel, line, column),
                several=len(paper.readings) > 1,
            )
        rows.append(row)
    if across(paper, table):
        titles = [row.pop("") for row in rows]
        headings = dict.fromkeys(heading for row in rows for heading in row)
        body = [[heading, *(row[heading] for row in rows)] for heading in headings]
        return tabulate(body, headers=["", *titles], tablefmt="pipe", disable_numparse=True)
    return tabulate(rows, headers="keys", tablefmt="pipe", disable_numparse=True)


def _title(paper: Paper, line: Line) -> str:
    return line.title or f"{line.key} ({paper.row(line.key) or 'not in the document'})"


def across(paper: Paper, table: str) -> bool:
    """Whether ``table`` has its systems side by side."""
    return paper.facts["tables"][table].get("across", False)


def _heading(paper: Paper, column: Column) -> str:
    if column.title:
        return column.title
    place = f"{column.place} frames" if column.place.isdigit() else column.place
    return f"{paper.heading(column.metric)}: {place}" if place else f"{paper.heading(column.metric)}, {column.dataset}"


def _paper_row(paper: Paper, line: Line, column: Column) -> str:
    """The document's row: of the system, or the one that a column like the codec's has for itself."""
    row = paper.row(line.system or line.key)
    return paper.place(column.place).get("row", row) if row else ""


def _printed(paper: Paper, table: str, panel: Panel, line: Line, column: Column) -> dict[str, Printed]:
    row = _paper_row(paper, line, column)
    if not row:
        return {}
    frames = sorted({other.place for other in panel.columns if other.place.isdigit()}, key=int)
    levels = paper.levels(column.place or paper.level(line.system or line.key), frames)
    metric = paper.printed_metric(table, column.metric)
    return paper.printed(table, row, metric, paper.dataset(column.dataset), levels)


def _printed_columns(paper: Paper, printed: dict[str, Printed]) -> dict[str, str]:
    """``printed_<reading>`` and ``level_<reading>``; without the reading's name where there is but one."""
    empty = Printed("", "")
    return {
        "_".join(filter(None, [what, reading])): getattr(printed.get(reading, empty), attribute)
        for reading in paper.readings
        for what, attribute in (("printed", "value"), ("level", "level"))
    }


def _with_printed(ours: str, printed: dict[str, Printed], several: bool) -> str:
    """Ours with what is printed behind it, and its level where ``several`` readings are told apart."""
    if not printed or not ours:
        return ours
    values = list(dict.fromkeys((cell.value, cell.level) for cell in printed.values()))
    words = " / ".join(f"{value} {level}".strip() if several else value for value, level in values)
    return f"{ours} [{words}]"


def _as_printed(paper: Paper, table: str) -> str:
    """The document's own page. A column that has a row for itself (the codec's) is shared by all rows, as there."""
    lines = paper.table(table)
    if across(paper, table):
        places = dict.fromkeys((line["row"], line["level"]) for line in lines)
        body = [
            [paper.heading(metric)]
            + [
                _value_at(line for line in lines if (line["row"], line["level"], line["metric"]) == (*place, metric))
                for place in places
            ]
            for metric in dict.fromkeys(line["metric"] for line in lines)
        ]
        return tabulate(body, headers=["", *map(" ".join, places)], tablefmt="pipe", disable_numparse=True)
    shared = {names["row"] for names in paper.facts.get("places", {}).values() if "row" in names}
    rows = [row for row in dict.fromkeys(line["row"] for line in lines) if row not in shared]
    several = len({line["dataset"] for line in lines}) > 1
    cells: dict[str, dict[str, str]] = {}
    for metric in dict.fromkeys(line["metric"] for line in lines):
        for line in lines:
            if line["metric"] != metric:
                continue
            words = [line["dataset"]] if several else []
            level = line["row"] if line["row"] in shared else line["level"]
            heading = f"{paper.heading(metric)}: {' '.join([*words, level]).strip()}"
            for row in rows if line["row"] in shared else [line["row"]]:
                cells.setdefault(heading, {})[row] = line["value"]
    body = [[row, *(column.get(row, "") for column in cells.values())] for row in rows]
    return tabulate(body, headers=["", *cells], tablefmt="pipe", disable_numparse=True)


def _value_at(lines: Iterable[dict[str, str]]) -> str:
    return next((line["value"] for line in lines), "")


def _legend(paper: Paper, panels: Sequence[Panel]) -> str:
    words = "In brackets: what the document prints."
    if any(column.place.isdigit() for panel in panels for column in panel.columns):
        words += (
            " Two numbers where it is in doubt which level is h1: the first if h1 is the one of fewest frames (its "
            "text), the second if it is the one of most (the order in its code)."
        )
    return words
