"""What a document says and what our numbers say of it: the lines of claims.csv, claim by claim."""

from collections import Counter
from dataclasses import dataclass

from stages.report import verdicts
from stages.report.claims import ABSENT, READINGS

MIXED = "depends"
ORDER = (verdicts.HOLDS, verdicts.FAILS, verdicts.OPEN, MIXED, ABSENT)
TITLES = {
    verdicts.HOLDS: "Holds",
    verdicts.FAILS: "Fails",
    verdicts.OPEN: "Cannot be decided",
    MIXED: "Depends",
    ABSENT: "Not measured",
}
MEANING = {
    verdicts.HOLDS: "the 95 % interval of the deciding number is wholly on the claim's side",
    verdicts.FAILS: "the interval is wholly on the other side",
    verdicts.OPEN: "the interval holds both, or there is one seed",
    MIXED: "on the data, the split, or which level is taken for h1",
    ABSENT: "this run has no such numbers",
}
CLASSES = {
    verdicts.HOLDS: "holds",
    verdicts.FAILS: "fails",
    verdicts.OPEN: "open",
    MIXED: "mixed",
    ABSENT: "absent",
}

Row = dict[str, str]


@dataclass
class Claim:
    """One statement of the document. ``verdict``: that of all its lines, or :data:`MIXED`."""

    name: str
    says: str
    tables: list[str]
    verdict: str
    printed: str
    supports: str
    lines: list[Row]
    counts: list[tuple[str, int]]


def claims(rows: list[Row]) -> list[Claim]:
    """The statements, in the order of the file."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["claim"], []).append(row)
    return [_claim(name, lines) for name, lines in found.items()]


def _claim(name: str, rows: list[Row]) -> Claim:
    counts = Counter(row["verdict"] for row in rows)
    # What was not measured on one of several data sets does not change what the others say.
    said = [verdict for verdict in ORDER if verdict in counts and verdict != ABSENT] or [ABSENT]
    lines = [
        {
            "on": ", ".join(filter(None, [row["dataset"], row["panel"]])),
            "reading": READINGS[row["reading"]] if row["reading"] else "",
            "verdict": row["verdict"],
            "because": because(row),
            "ours": row["ours"],
        }
        for row in rows
    ]
    return Claim(
        name,
        rows[0]["says"],
        rows[0]["table"].split(" and "),
        said[0] if len(said) == 1 else MIXED,
        rows[0]["printed"],
        rows[0]["printed_supports"],
        lines,
        [(verdict, counts[verdict]) for verdict in ORDER if verdict in counts],
    )


def because(row: Row) -> str:
    """The deciding number in words."""
    if row["verdict"] == ABSENT:
        return f"table {row['table']} has no such numbers in this run"
    value = f"{float(row['value']):.3g}" if row["value"] else ""
    interval = f" ({float(row['ci_low']):.3g} to {float(row['ci_high']):.3g})" if row["ci_low"] else ""
    return f"{row['statistic']} {value}{interval}".replace("-", "−")


def summary(found: list[Claim]) -> list[tuple[str, list[Claim]]]:
    """By verdict, in a fixed order; those that no claim has are left out, but for the first three."""
    return [
        (verdict, mine)
        for verdict in ORDER
        if (mine := [claim for claim in found if claim.verdict == verdict]) or verdict in ORDER[:3]
    ]
