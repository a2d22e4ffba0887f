"""What a document says its numbers show, judged by ours: one line per claim, data set, protocol and reading.

The claims are a list (``papers/<paper>_claims.yaml``): which cells of which table are better than which. The cells are
looked up in the tidy tables that :mod:`stages.report.paper_table` wrote (and in the tables of the projections), a
function of :mod:`stages.report.verdicts` judges them with their intervals, and judges the document's own numbers in the
same way. Where a claim names levels, both readings of their names are judged, each in a line. A claim whose numbers are
not there is a line that says so.
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from tabulate import tabulate

from etude.errors import UserError
from etude.metrics.seeds import seed_interval
from etude.pipeline.files import atomic, read_csv, write_csv
from etude.pipeline.stage import run_stage
from stages.report import verdicts
from stages.report.paper import Paper
from stages.report.paper_table import Value, number, show

COLUMNS = [
    "paper", "claim", "says", "reading", "table", "dataset", "codec", "panel", "verdict", "statistic", "value",
    "ci_low", "ci_high", "ours", "printed", "printed_supports", "seeds", "scale", "variant",
]  # fmt: skip
ABSENT = "not measured"
SUPPORTS = {verdicts.HOLDS: "yes", verdicts.FAILS: "no", verdicts.OPEN: "a tie"}
READINGS = {"coarse": "h1 has the fewest frames", "fine": "h1 has the most frames", "": "by frames"}
READING_WORDS = (
    "h1: which of our levels is taken for the document's h1, the coarse one (fewest frames: its text) or the fine one "
    "(the order in its code). "
)
Cell = dict[str, str]
"""Coordinates in the document's words: table, dataset, row, metric, level."""
Chains = list[list[Cell]]


def main(settings, claims: Path, printed: Path, evidence: str, csv: Path, md: Path) -> None:
    paper = Paper.load(printed)
    known = Evidence.load(evidence.split(","))
    claims_of = yaml.safe_load(claims.read_text(encoding="utf-8"))["claims"]
    context = {
        "paper": paper.facts["paper"],
        "seeds": " ".join(map(str, settings.grid.seeds)),
        "scale": settings.scale,
        "variant": settings.variant,
    }
    rows = [
        context | row
        for claim in claims_of
        for one in separate(claim)
        for row in judge(one, paper, known, settings.grid)
    ]
    write_csv(csv, rows, COLUMNS)
    with atomic(md) as part:
        part.write_text(markdown(rows, paper, settings.scale), encoding="utf-8")


# --- what is claimed


def separate(claim: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One claim for each combination of ``for_each``."""
    for words in _combinations(claim.get("for_each", {})):
        name = "-".join([claim["id"], *words.values()])
        yield claim | {"id": name, "where": claim["where"] | words}


def chains_of(claim: dict[str, Any]) -> Chains:
    """The cells that are compared, from better to worse."""
    parts = claim.get("parts", [{}])
    if "against" in claim:
        parts = [{}, claim["against"]]
    chains: Chains = []
    for part in parts:
        words = claim | {key: part[key] for key in ("order", "better", "worse") if key in part}
        where = claim["where"] | {key: text for key, text in part.items() if key not in ("order", "better", "worse")}
        vary = claim.get("vary", "level")
        names = (
            [words["order"]] if "order" in words else [list(pair) for pair in product(words["better"], words["worse"])]
        )
        for more in _combinations(claim.get("each", {})):
            chains += [[{"level": ""} | where | more | _cell(vary, name) for name in chain] for chain in names]
    return chains


def _cell(vary: str, name: str | dict[str, str]) -> dict[str, str]:
    """What a word of order, better or worse names: the coordinate ``vary``, or several if it is a mapping."""
    return name if isinstance(name, dict) else {vary: name}


def _combinations(lists: dict[str, list[str]]) -> Iterator[dict[str, str]]:
    for values in product(*lists.values()):
        yield dict(zip(lists, values, strict=True))


# --- what is known


@dataclass(frozen=True)
class Evidence:
    """Our numbers: by (table, dataset, codec), by panel, by (row, metric, place)."""

    tables: dict[tuple[str, str, str], dict[str, dict[tuple[str, str, str], Value]]]

    @classmethod
    def load(cls, paths: list[str]) -> "Evidence":
        """From tidy tables of papers, and from tables of projections (told by their column ``space``)."""
        found: dict = defaultdict(lambda: defaultdict(dict))
        projected = defaultdict(list)
        for path in paths:
            for row in read_csv(path):
                if "space" in row:
                    metric = f"{row['metric']}_{row['label']}"
                    key = (row["dataset"], row["codec"], row["space"], row["system"], metric, row["frames"])
                    projected[key].append(float(row["value"]) if row["value"] else None)
                else:
                    place = (row["row"], row["metric"], row["place"])
                    found[row["table"], row["dataset"], row["codec"]][row["panel"]][place] = _value(row)
        for (dataset, codec, space, system, metric, frames), values in projected.items():
            numbers = [value for value in values if value is not None]
            cell = Value(statistics.fmean(numbers), *seed_interval(numbers), len(numbers)) if numbers else Value()
            found["projection", dataset, codec][space][system, metric, frames] = cell
        return cls(found)

    def panels(self, table: str, dataset: str, codec: str) -> dict[str, dict[tuple[str, str, str], Value]]:
        return self.tables.get((table, dataset, codec), {})


def _value(row: dict[str, str]) -> Value:
    cells = [float(row[name]) if row[name] else None for name in ("value", "ci_low", "ci_high")]
    return Value(*cells, int(row["n"]) if row["n"] else None, row["note"])


@dataclass(frozen=True)
class Place:
    """Where our numbers of a claim are looked up."""

    paper: Paper
    known: Evidence
    dataset: str
    codec: str
    panel: str
    reading: str

    def value(self, cell: Cell, row: str = "") -> Value | None:
        """Ours for ``cell``; ``row`` asks for another line (a floor) of the same column."""
        panels = self.known.panels(cell["table"], self.dataset, self.codec)
        if not panels:
            return None
        values = panels.get(self.panel) or next(iter(panels.values()))
        system, level = self.paper.ours(cell["row"], cell["level"])
        frames = sorted({place for _, _, place in values if place.isdigit()}, key=int)
        value = values.get((row or system, self.paper.our_metric(cell["metric"]), self.place(level, frames)))
        return value if value is not None and value.value is not None else None

    def place(self, level: str, frames: list[str]) -> str:
        """Our column of the document's ``level``."""
        for place, names in self.paper.facts.get("places", {}).items():
            if names["level"] == level:
                return place
        levels = self.paper.readings[self.reading or next(iter(self.paper.readings))]
        return frames[levels.index(level)] if level in levels and len(frames) == len(levels) else level


def printed_value(paper: Paper, cell: Cell) -> Value | None:
    """What the document prints for ``cell``, as certain."""
    row = next(
        (
            names["row"]
            for names in paper.facts.get("places", {}).values()
            if names["level"] == cell["level"] and "row" in names
        ),
        cell["row"],
    )
    for line in paper.table(cell["table"]):
        found = (line["row"], line["metric"], line["level"], line["dataset"])
        if found == (row, cell["metric"], cell["level"], cell["dataset"]):
            return verdicts.exact(Value(float(line["value"])))
    return None


# --- the judgement


def judge(claim: dict[str, Any], paper: Paper, known: Evidence, grid) -> Iterator[dict[str, Any]]:
    """The lines of one claim."""
    chains = chains_of(claim)
    where = chains[0][0]
    printed, supports = judge_printed(claim, chains, paper)
    common = {"claim": claim["id"], "says": claim["says"], "printed": printed, "printed_supports": supports}
    common["table"] = " and ".join(dict.fromkeys(cell["table"] for chain in chains for cell in chain))
    ours = [name for name in grid.datasets if paper.dataset(name) == where["dataset"]]
    for dataset, codec in product(ours or [where["dataset"]], grid.codecs):
        panels = [
            panel
            for panel, values in known.panels(where["table"], dataset, codec).items()
            if any(metric == paper.our_metric(where["metric"]) for _, metric, _ in values)
        ]
        for panel, reading in product(panels or [""], readings(claim, chains, paper)):
            place = Place(paper, known, dataset, codec, panel, reading)
            labels = {"reading": reading, "dataset": dataset, "codec": codec, "panel": panel}
            yield common | labels | judge_ours(claim, chains, place)


def readings(claim: dict[str, Any], chains: Chains, paper: Paper) -> list[str]:
    """Both, when the claim names levels that they tell apart, and the answer depends on it."""
    levels = {level for names in paper.readings.values() for level in names}
    if "against" in claim or not any(cell["level"] in levels for chain in chains for cell in chain):
        return [""]
    return claim.get("readings", list(paper.readings)) or [""]


def judge_ours(claim: dict[str, Any], chains: Chains, place: Place) -> dict[str, Any]:
    values = [[place.value(cell) for cell in chain] for chain in chains]
    options = dict(claim.get("options", {}))
    options.pop("printed_floor", None)
    if "floor" in options:
        options["floor"] = place.value(chains[0][0], options["floor"])
    empty = dict.fromkeys(("statistic", "value", "ci_low", "ci_high", "ours"), "")
    if None in options.values() or any(value is None for chain in values for value in chain):
        return empty | {"verdict": ABSENT}
    found = _decide(claim, values, chains, place.paper, options)
    return {
        "verdict": found.verdict,
        "statistic": found.statistic,
        "value": number(found.value),
        "ci_low": number(found.low),
        "ci_high": number(found.high),
        "ours": _in_words(place.paper, chains, values, show),
    }


def judge_printed(claim: dict[str, Any], chains: Chains, paper: Paper) -> tuple[str, str]:
    """The document's own numbers, and whether they say what it says: yes, no, a tie."""
    values = [[printed_value(paper, cell) for cell in chain] for chain in chains]
    if any(value is None for chain in values for value in chain):
        return "", "not printed"
    options = dict(claim.get("options", {}))
    if "printed_floor" in options:
        options["floor"] = Value(options.pop("printed_floor"))
    words = _in_words(paper, chains, values, lambda value: f"{value.value:g}")
    supports = SUPPORTS[_decide(claim, values, chains, paper, options).verdict]
    if "against" in claim:
        turned = _decide(claim, [values[0], values[1][::-1]], chains, paper, options)
        supports += f"; with h1 and h3 of Table {chains[1][0]['table']} exchanged: {SUPPORTS[turned.verdict]}"
    return words, supports


def _decide(claim: dict[str, Any], values, chains: Chains, paper: Paper, options: dict[str, Any]) -> verdicts.Verdict:
    decide = getattr(verdicts, claim["decide"], None)
    if decide is None:
        raise UserError(
            f"claim {claim['id']}: decide is {claim['decide']!r}, and stages/report/verdicts.py has no such function"
        )
    lower = [chain[0]["metric"] != "" and paper.lower_is_better(chain[0]["metric"]) for chain in chains]
    return decide(values, lower, **options)


def _in_words(paper: Paper, chains: Chains, values, say) -> str:
    """Each cell once: what tells it from the others, and its number; metric by metric."""
    cells = {
        tuple(cell.items()): value
        for chain, found in zip(chains, values, strict=True)
        for cell, value in zip(chain, found, strict=True)
    }
    differs = {key for key in ("row", "metric") if len({dict(cell)[key] for cell in cells}) > 1}
    words: dict[str, list[str]] = defaultdict(list)
    for cell, value in cells.items():
        where = dict(cell)
        group = " ".join(
            text for key, text in (("row", where["row"]), ("metric", paper.heading(where["metric"]))) if key in differs
        )
        words[group].append(f"{where['level']} {say(value)}".strip())
    return "; ".join(f"{group + ': ' if group else ''}{', '.join(numbers)}" for group, numbers in words.items())


# --- the page


def markdown(rows: list[dict[str, Any]], paper: Paper, scale: str) -> str:
    lines = [
        {
            "claim": row["claim"],
            "what it says": row["says"],
            "on": ", ".join(filter(None, [row["dataset"], row["panel"]])),
            **({"h1": row["reading"]} if len(paper.readings) > 1 else {}),
            "verdict": f"**{row['verdict']}**",
            "because": _because(row),
            "its own numbers": _own(row),
        }
        for row in rows
    ]
    counts = Counter(row["verdict"] for row in rows)
    return "\n".join(
        [
            f"# What {paper.name} says, judged by our numbers",
            "",
            ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()) + f" (scale {scale}).",
            "",
            tabulate(lines, headers="keys", tablefmt="pipe", disable_numparse=True),
            "",
            (READING_WORDS if len(paper.readings) > 1 else "")
            + "holds, fails: the 95 % interval of the deciding number is wholly on "
            "that side; cannot tell: it is not, or there is one seed. its own numbers: whether what the document "
            "prints says what it claims, and what it prints. All numbers of every line: claims.csv.",
            "",
        ]
    )


def _because(row: dict[str, Any]) -> str:
    if row["verdict"] == ABSENT:
        return f"table {row['table']} has no such numbers"
    if row["value"] == "":
        return "no interval"
    interval = f" ({float(row['ci_low']):.3g} .. {float(row['ci_high']):.3g})" if row["ci_low"] else ""
    words = f"{row['statistic']} {float(row['value']):.3g}{interval}"
    return f"{words}. {row['ours']}"


def _own(row: dict[str, Any]) -> str:
    return row["printed_supports"] + (f". {row['printed']}" if row["printed"] else "")


if __name__ == "__main__":
    run_stage(
        main,
        claims="path of the list of claims",
        printed="path of the paper's printed numbers",
        evidence="tidy tables to judge by, paths joined by commas",
        csv="path of the table to write",
        md="path of the readable table to write",
    )
