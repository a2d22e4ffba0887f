"""How well each cell follows its controls (M-48), which the memoir says it cannot tell.

Lines are the sets of clips: cells, cells of which one control was left free when they were made (and which are held
against it all the same), then the floors: each cell against another clip's controls, and untrained networks; and the
ceilings: the true clips, and the codec's round trip of them.
"""

import math
from pathlib import Path

from etude.pipeline.files import read_csv
from etude.pipeline.stage import run_stage
from stages.report.controlled_table import over_seeds
from stages.report.paper import Paper
from stages.report.paper_table import Column, Line, Panel, Value, write

METRICS = (
    "chroma_accuracy", "voicing_accuracy", "velocity_correlation", "instrument_accuracy", "silence_at_c",
    "silence_elsewhere",
)  # fmt: skip
NOTES = [
    "95 % intervals over clips, joined with those over seeds. chroma: frames that sound and have the pitch class that "
    "was asked for (YIN, octaves ignored; by chance 1/12). voicing: mean of sounding frames that sound and silent ones "
    "that are silent (by chance 1/2), a note's release left out. velocity: correlation of a note's log velocity and "
    "the level of its first 200 ms, within clips. instrument: clips whose instrument a classifier finds (chance 1/3).",
    "silent where chroma is 0, or not: share of frames that are silent, told by level; a C and a rest have one chroma "
    "(M-08), so that without velocity nobody can know which is meant.",
    "shuffled: against the controls of another clip, the floor. originals: the clips themselves, round trip: through "
    "the codec, the ceilings.",
]


def main(settings, printed: Path, evaluated: Path, csv: Path, md: Path) -> None:
    paper = Paper.load(printed)
    panels = [panel(paper, dataset, settings, evaluated / dataset) for dataset in settings.datasets]
    context = {"seeds": " ".join(map(str, settings.seeds)), "scale": settings.scale, "code": settings.metric_code}
    last = f"Scale {settings.scale}, seeds {context['seeds']}, metric code {settings.metric_code}."
    write(paper, "fidelity", panels, [*NOTES, last], context, csv, md)


def panel(paper: Paper, dataset: str, settings, folder: Path) -> Panel:
    """All sets of one data set."""
    columns = [Column(metric, dataset, title=paper.heading(metric)) for metric in METRICS]
    own, shuffled, cells = [], [], {}
    for name in settings.order:
        one = getattr(settings.sets, name)
        tables = [read_csv(folder / name / f"{seed}.csv") for seed in one.seeds]
        own.append(Line(name, one.kind, name))
        for against, line in (("own", own[-1]), ("shuffled", Line(f"shuffled_{name}", "floor", f"shuffled: {name}"))):
            values = {column: joined(tables, column.metric, against) for column in columns}
            cells |= {(line.key, column): value for column, value in values.items() if value is not None}
            if against == "shuffled" and one.shuffled:
                shuffled.append(line)
    order = {"system": 0, "floor": 1, "ceiling": 2}
    lines = sorted([*own, *shuffled], key=lambda line: order[line.kind])
    return Panel("fidelity", dataset, "", lines, columns, cells)


def joined(tables: list[list[dict[str, str]]], metric: str, against: str) -> Value | None:
    """Mean over seeds of one score, intervals over clips and over seeds joined; None where nothing tells it."""
    rows = [row for table in tables for row in table if (row["metric"], row["against"]) == (metric, against)]
    if not rows or any(not row["value"] for row in rows):
        return None
    value = over_seeds([float(row["value"]) for row in rows])
    # Halves of either side may differ: a share near 1 has little room above it.
    sides = [
        sum(sign * (float(row[end]) - float(row["value"])) for row in rows) / len(rows)
        for end, sign in (("ci_low", -1), ("ci_high", 1))
    ]
    if value.high is not None:
        sides = [math.hypot(side, value.high - value.value) for side in sides]
    return Value(value.value, value.value - sides[0], value.value + sides[1], len(rows))


if __name__ == "__main__":
    run_stage(
        main,
        printed="path of the paper's printed numbers",
        evaluated="path of the folder with one table of scores per set",
        csv="path of the tidy table to write",
        md="path of the readable table to write",
    )
