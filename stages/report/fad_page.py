"""The FAD of reconstructions as the document's Table 1 has it (Pichard 2024): systems down, data sets across.

The numbers are those of reports/fad.csv, which has their whole protocol. Here a cell's interval joins the two that
stand there: over the clips, and over the seeds of the system (their halves as root of the sum of squares).
"""

import math
from pathlib import Path

from etude.pipeline.files import read_csv
from etude.pipeline.stage import run_stage
from stages.report.paper import Paper
from stages.report.paper_table import Column, Line, Panel, Value, write

METRIC = "FAD_CLAP"
NOTES = [
    "FAD with the bias of a finite set taken away (jackknife), lower is better; mean over seeds, 95 % interval over "
    "clips and seeds. Another embedding has another scale: compare the order of systems, not the numbers.",
    "Floor: one half of the reference against the other half. Ceiling: the codec's round trip, the best a system on "
    "its latents can do. Untrained: the same network before training. Protocol of each number: fad.csv.",
]


def main(settings, fad: Path, printed: Path, csv: Path, md: Path) -> None:
    paper = Paper.load(printed)
    rows = [row for row in read_csv(fad) if row["paper"] == paper.facts["paper"]]
    pairs = dict.fromkeys((row["embedding"], row["codec"]) for row in rows)
    panels = [panel(rows, embedding, codec, settings.grid) for embedding, codec in pairs]
    context = {
        "seeds": " ".join(map(str, settings.grid.seeds)),
        "scale": settings.scale,
        "variant": settings.variant,
        "code": rows[0]["code"],
    }
    notes = [*NOTES, f"Scale {settings.scale}, variant {settings.variant}, metric code {rows[0]['code']}."]
    write(paper, "1", panels, notes, context, csv, md)


def panel(rows: list[dict[str, str]], embedding: str, codec: str, grid) -> Panel:
    """All data sets under one embedding and codec."""
    columns = [Column(METRIC, dataset) for dataset in grid.datasets]
    systems = [Line(system) for system in grid.systems]
    others = [Line(f"untrained_{system}", "floor", f"floor: {system} untrained") for system in grid.systems]
    others.append(Line("halves", "floor", "floor: half of the reference against the other"))
    others.append(Line("round_trip", "ceiling", "ceiling: codec round trip"))
    cells = {}
    for column in columns:
        for row in rows:
            if (row["dataset"], row["embedding"], row["codec"]) != (column.dataset, embedding, codec):
                continue
            cells[row["system"], column] = score(row)
            cells[f"untrained_{row['system']}", column] = Value(_float(row["untrained_jack"]))
            cells["halves", column] = Value(_float(row["floor_jack"]))
            cells["round_trip", column] = Value(_float(row["ceiling_jack"]))
    return Panel(embedding, f"FAD by {embedding}, codec {codec}", codec, [*systems, *others], columns, cells)


def score(row: dict[str, str]) -> Value:
    """Mean over seeds, and the half of its interval over clips joined with that over seeds."""
    value = _float(row["fad_jack"])
    halves = [_float(row[high]) - value for high in ("ci_high", "seed_high") if row[high]]
    half = math.hypot(*halves)
    note = "" if row["seed_high"] else "one seed"
    return Value(value, value - half, value + half, len(row["seeds"].split()), note)


def _float(text: str) -> float | None:
    return float(text) if text else None


if __name__ == "__main__":
    run_stage(
        main,
        fad="path of fad.csv",
        printed="path of the paper's printed numbers",
        csv="path of the tidy table to write",
        md="path of the readable table to write",
    )
