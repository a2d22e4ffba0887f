"""Tidy tables (:mod:`stages.report.paper_table`) as a page shows them: panels, lines, columns, cells with verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stages.report import verdicts
from stages.report.paper_table import Value

Row = dict[str, str]
KINDS = ("system", "floor", "ceiling")
# What a cell shows by itself: everything else in its row is its protocol.
SHOWN = {
    "paper", "table", "panel", "panel_title", "row", "row_title", "kind", "metric", "heading", "place", "unit",
    "direction", "value", "ci_low", "ci_high", "note", "paper_row", "paper_dataset",
}  # fmt: skip
# Columns with what the document has there; with the reading's name behind them where it can be read in several ways.
PRINTED, LEVEL = "printed", "level"
WORDS = {
    "n": "runs averaged",
    "code": "digest of the metric's code",
    "seeds": "seeds of the system",
    "probe_seeds": "seeds of the probe",
    "n_reference": "clips in the reference",
    "n_generated": "clips judged",
    "windows_generated": "windows judged",
    "reference_sha256": "reference, sha256",
    "embedding_sha256": "embedding, sha256",
    "weights_sha256": "weights of the embedding, sha256",
    "sample_rate": "sample rate, Hz",
}
# What a measure gives where there is nothing to find: no system can be better, and none has to be.
NOISE = {"halves"}
MARKS = {
    verdicts.HOLDS: "better than every floor, beyond doubt",
    verdicts.FAILS: "worse than a floor, beyond doubt",
    verdicts.OPEN: "not to be told from a floor",
}


@dataclass
class Cell:
    """One number, ready to be shown. ``verdict``: whether it is clear of the floors of its column; empty where it has
    none, or is one itself."""

    text: str
    sort: str
    interval: str = ""
    note: str = ""
    printed: list[str] = field(default_factory=list)
    verdict: str = ""
    floors: list[tuple[str, str]] = field(default_factory=list)
    ceilings: list[tuple[str, str]] = field(default_factory=list)
    protocol: list[tuple[str, str]] = field(default_factory=list)
    scale: dict[str, float] | None = None
    title: str = ""
    sentence: str = ""
    system: str = ""
    dataset: str = ""


@dataclass
class LineView:
    key: str
    title: str
    kind: str
    cells: list[Cell | None]


@dataclass
class PanelView:
    """``groups``: (metric's heading, number of columns); ``places``: of each column; ``better``: lower or higher;
    ``firsts``: columns with which a group begins."""

    title: str
    dataset: str
    groups: list[tuple[str, int]]
    places: list[str]
    better: list[str]
    lines: list[LineView]

    @property
    def firsts(self) -> set[int]:
        spans = [span for _, span in self.groups]
        return {sum(spans[:number]) for number in range(len(spans))}


def panels(rows: Sequence[Row], protocols: dict[tuple[str, ...], Row] | None = None) -> list[PanelView]:
    """The panels of one table, as its file has them. ``protocols``: what is known of a number besides its row, by
    (data set, codec, row, panel)."""
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["panel"], row["codec"], row["panel_title"]), []).append(row)
    return [_panel(title, mine, protocols or {}) for (_, _, title), mine in found.items()]


def _panel(title: str, rows: list[Row], protocols: dict[tuple[str, ...], Row]) -> PanelView:
    columns = list(dict.fromkeys(_column(row) for row in rows))
    by_place = {(row["row"], _column(row)): row for row in rows}
    lines = list(dict.fromkeys((row["row"], row["row_title"], row["kind"]) for row in rows))
    lines.sort(key=lambda line: KINDS.index(line[2]))
    systems = [key for key, _, kind in lines if kind == "system"]
    views = []
    for key, name, kind in lines:
        cells = []
        for column in columns:
            row = by_place.get((key, column))
            others = {other: by_place[other, column] for other, *_ in lines if (other, column) in by_place}
            cells.append(row and _cell(row, others, systems, protocols))
        views.append(LineView(key, name.removeprefix(f"{kind}: "), kind, cells))
    first = {column: next(row for row in rows if _column(row) == column) for column in columns}
    groups: list[tuple[str, int]] = []
    for column in columns:
        heading, _ = split_heading(first[column])
        if groups and groups[-1][0] == heading:
            groups[-1] = (heading, groups[-1][1] + 1)
        else:
            groups.append((heading, 1))
    return PanelView(
        title,
        rows[0]["dataset"] if len({row["dataset"] for row in rows}) == 1 else "",
        groups,
        [split_heading(first[column])[1] for column in columns],
        [first[column]["direction"] for column in columns],
        views,
    )


def split_heading(row: Row) -> tuple[str, str]:
    """``pitch, %: 4 frames`` as (``pitch, %``, ``4 frames``); ``FAD, gm_notes`` as (``FAD``, ``gm_notes``)."""
    heading = row["heading"]
    for sign, place in ((": ", row["place"]), (", ", row["dataset"])):
        before, found, after = heading.rpartition(sign)
        if found and place and after.startswith(place):
            return before, after
    return heading, ""


def _column(row: Row) -> tuple[str, str, str, str]:
    return row["metric"], row["dataset"], row["place"], row["heading"]


def _cell(row: Row, others: dict[str, Row], systems: list[str], protocols: dict[tuple[str, ...], Row]) -> Cell:
    value = as_value(row)
    bounds = {kind: _bounds(row, others, systems, kind) for kind in ("floor", "ceiling")}
    more = protocols.get((row["dataset"], row["codec"], row["row"], row["panel"]), {}) if _is_fad(row) else {}
    cell = Cell(
        text=show(value.value) or row["note"] or "not measured",
        sort=row["value"],
        interval="" if None in (value.low, value.high) or value.low == value.high  # counted, not measured
        else f"{show(value.low)} – {show(value.high)}",
        note=row["note"] if row["value"] else "",
        printed=printed(row),
        floors=[(_name(one), show(as_value(one).value)) for one in bounds["floor"]],
        ceilings=[(_name(one), show(as_value(one).value)) for one in bounds["ceiling"]],
        protocol=[(WORDS.get(key, key.replace("_", " ")), text) for key, text in (row | more).items()
                  if text and key not in SHOWN and key not in _NUMBERS and key.split("_")[0] not in (PRINTED, LEVEL)],
        title=f"{row['heading']} · {row['row_title'].removeprefix(row['kind'] + ': ')}",
        system=row["row"] if row["kind"] == "system" else "",
        dataset=row["dataset"],
    )  # fmt: skip
    if row["kind"] == "system" and value.value is not None and row["direction"] != "none":
        beaten = [as_value(one) for one in bounds["floor"] if one["row"] not in NOISE]
        cell.verdict = clear_of(value, beaten, row["direction"] == "lower")
        cell.scale = scale([value, *(as_value(one) for one in [*bounds["floor"], *bounds["ceiling"]])], bounds)
    cell.sentence = sentence(cell, row)
    return cell


_NUMBERS = {
    "fad", "fad_jack", "seed_mean", "seed_low", "seed_high", "floor", "floor_jack", "floor_se", "ceiling",
    "ceiling_jack", "untrained", "untrained_jack", "paper_value", "paper_metric", "system",
}  # fmt: skip


def _bounds(row: Row, others: dict[str, Row], systems: list[str], kind: str) -> list[Row]:
    """The floors (or ceilings) of the column that are meant for ``row``: not those of another system."""
    if row["kind"] != "system":
        return []
    own = row["row"].partition(",")[0]  # `msdae, refined` is a row of msdae
    foreign = tuple(f"_{name}" for name in systems if name != own and not own.endswith(f"_{name}"))
    return [one for key, one in others.items() if one["kind"] == kind and one["value"] and not key.endswith(foreign)]


def _name(row: Row) -> str:
    return row["row_title"].removeprefix(f"{row['kind']}: ")


def as_value(row: Row) -> Value:
    """The numbers of a row."""
    return Value(*(float(row[key]) if row[key] else None for key in ("value", "ci_low", "ci_high")))


def clear_of(value: Value, floors: list[Value], lower: bool) -> str:
    """Whether ``value`` is better than all ``floors``: holds, fails or cannot tell; empty without floors."""
    if not floors:
        return ""
    chains = [[value, floor if floor.low is not None else verdicts.exact(floor)] for floor in floors]
    return verdicts.ordered(chains, [lower] * len(chains)).verdict


def scale(values: list[Value], bounds: dict[str, list[Row]]) -> dict[str, Any] | None:
    """Where the number, its interval and its bounds lie on a line from 0 to 100."""
    ends = [end for one in values for end in (one.value, one.low, one.high) if end is not None]
    low, high = min(ends), max(ends)
    if high <= low or len(values) < 2:
        return None

    def at(number: float) -> float:
        return round(4 + 92 * (number - low) / (high - low), 2)

    value = values[0]
    return {
        "at": at(value.value),
        "low": at(value.low if value.low is not None else value.value),
        "high": at(value.high if value.high is not None else value.value),
        **{kind: [at(as_value(one).value) for one in bounds[kind]] for kind in ("floor", "ceiling")},
    }


def printed(row: Row) -> list[str]:
    """What the document prints there, with its name of the level: one, or one per reading."""
    if PRINTED in row:  # nothing is in doubt, so the place needs no name
        return [row[PRINTED]] if row[PRINTED] else []
    readings = [key.removeprefix(PRINTED) for key in row if key.startswith(f"{PRINTED}_")]
    found = dict.fromkeys((row[PRINTED + reading], row[LEVEL + reading]) for reading in readings)
    return [f"{value} {level}".strip() for value, level in found if value]


def _is_fad(row: Row) -> bool:
    """Whether what fad.csv says of its numbers is said of this one."""
    return row["metric"].startswith("FAD")


def sentence(cell: Cell, row: Row) -> str:
    """The cell for who hears it."""
    words = [f"{cell.text}"]
    if cell.interval:
        words.append(f"95 % from {cell.interval.replace(' – ', ' to ')}")
    if cell.printed:
        words.append(f"printed {', or '.join(cell.printed)}")
    if cell.verdict:
        words.append(MARKS[cell.verdict])
    return "; ".join(words)


def show(number: float | None) -> str:
    """Three significant digits, no exponent for what people read without one."""
    if number is None:
        return ""
    text = f"{number:.3g}"
    if "e" in text and abs(number) >= 1:
        text = f"{float(text):.0f}"
    return text.replace("-", "−") if "e" not in text else text
