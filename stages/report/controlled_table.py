"""Tables 4.1 and 4.2 of Manté 2024: cells side by side, what each costs and how far it is from the real clips.

A cell's interval of FAD joins that over clips (jackknife) with that over the seeds of its training; one of time is over
repetitions. Printed times are those of the memoir's machines and numbers of steps: what compares is their ratios.
"""

import json
import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from etude.metrics.seeds import seed_interval
from etude.pipeline.files import read_csv
from etude.pipeline.stage import run_stage
from stages.report.paper import Paper
from stages.report.paper_table import Column, Line, Panel, Value, write
from stages.report.verdicts import exact

NOTES = [
    "FAD with the bias of a finite set taken away (jackknife), lower is better, 95 % in brackets. Untrained: the same "
    "network before training (floor). Round trip: the codec alone on the clips whose controls were given, originals: "
    "these clips themselves (ceilings). Halves: one half of the reference against the other. Another embedding has "
    "another scale, and our clips and steps are fewer: compare the order of cells, not the numbers.",
    "Times are of one machine, printed ones of another: compare ratios. Inference is one batch: calls of the network "
    "times the seconds of one, and decoding; of many calls the first few are timed and the rest multiplied. "
    "Faster than DDPM: on the same network and format, in the same job. Loss still falls by: the mean loss of the last "
    "tenth of the training below that of the tenth before; loss at the end: that mean, which compares only within a "
    "paradigm and a format.",
    "Parameters are the memoir's at scale `paper`; here networks are cut down, the unequal sizes in its proportions. "
    "`..._equal` have as many as the CQT's, because it says that sizes bias its FADs.",
]
METRICS = (
    "learnable_parameters", "batch_size", "values_per_second", "training_time", "step_time", "loss_fall", "loss_end",
    "calls_made", "calls", "inference_time", "speed_ratio", "FAD", "FAD_untrained", "FAD_round_trip",
    "FAD_originals", "FAD_halves",
)  # fmt: skip


def main(settings, printed: Path, reports: Path, models: Path, formats: Path, csv: Path, md: Path) -> None:
    paper = Paper.load(printed)
    panels, machines = [], set()
    for dataset in settings.datasets:
        times = timed(reports / "evaluate/speed" / f"{dataset}.csv")
        machines |= {f"{row['device']}, {row['threads']} thread(s)" for rows in times.values() for row in rows}
        for embedding in settings.embeddings:
            columns = [Column(metric, dataset, title=paper.heading(metric)) for metric in METRICS]
            cells = {}
            for name in settings.order:
                cell = getattr(settings.cells, name)
                found = costs(paper, settings.table, name, cell, settings, models / dataset, formats / dataset, times)
                found |= distances(name, cell, settings, reports / "evaluate/controlled" / dataset, embedding)
                cells |= {(name, column): found[column.metric] for column in columns if column.metric in found}
            lines = [Line(name, title=name) for name in settings.order]
            shown = [column for column in columns if any((line.key, column) in cells for line in lines)]
            panels.append(Panel(embedding, f"{dataset}, FAD by {embedding}", "", lines, shown, cells))
    context = {"seeds": " ".join(map(str, settings.seeds)), "scale": settings.scale, "code": settings.metric_code}
    lengths = ", ".join(sorted({f"{cell.seconds:g} s" for cell in vars(settings.cells).values()}))
    last = (
        f"Scale {settings.scale}, seeds {context['seeds']}, {settings.clips or 'all'} clips of {lengths}, timed in "
        f"batches of {settings.batch} on {'; '.join(sorted(machines))}, metric code {settings.metric_code}."
    )
    write(paper, settings.table, panels, [*NOTES, last], context, csv, md)


def timed(path: Path) -> dict[str, list[dict[str, str]]]:
    """Rows of the table of times, by cell."""
    rows: dict[str, list[dict[str, str]]] = {}
    for row in read_csv(path):
        rows.setdefault(row["cell"], []).append(row)
    return rows


def costs(
    paper: Paper, table: str, name: str, cell, settings, models: Path, formats: Path, times: dict[str, Any]
) -> dict[str, Value]:
    """What a cell costs, by metric."""
    folders = [models / name / str(seed) for seed in settings.seeds]
    runs = [json.loads((folder / "training.json").read_text(encoding="utf-8")) for folder in folders]
    shape = np.load(formats / cell.format / "clips.npy", mmap_mode="r").shape[1:]
    rate = json.loads((formats / cell.format / "format.json").read_text(encoding="utf-8"))["frames_per_second"]
    steps = f"{runs[0]['steps']} steps"
    curves = [read_csv(folder / "loss.csv") for folder in folders]
    found = {
        "learnable_parameters": exact(Value(runs[0]["parameters"] / 1e6)),
        "batch_size": exact(Value(runs[0]["batch"])),
        "values_per_second": exact(Value(math.prod(shape[:-1]) * rate)),
        "training_time": over_seeds([run["seconds"] / 3600 for run in runs], note=steps),
        "step_time": over_seeds([run["seconds_per_step"] for run in runs]),
        "loss_fall": loss_fall(curves),
        "loss_end": loss_end(curves),
    }
    if name in times:
        rows = times[name]
        found |= {name: exact(Value(int(rows[0][name]))) for name in ("calls", "calls_made")}
        found["inference_time"] = over_seeds([float(row["inference_seconds"]) for row in rows])
        if cell.slow and cell.slow in times:
            found["speed_ratio"] = speed_ratio(paper, table, name, cell.slow, rows, times[cell.slow])
    return found


def speed_ratio(
    paper: Paper, table: str, name: str, slow: str, ours: list[dict[str, str]], theirs: list[dict[str, str]]
) -> Value:
    """How many times faster ``name`` is than ``slow``: over the turns that they took side by side."""
    pairs = zip(theirs, ours, strict=True)
    value = over_seeds([float(one["inference_seconds"]) / float(two["inference_seconds"]) for one, two in pairs])
    metric = paper.printed_metric(table, "inference_time")
    at = {
        (number["row"], number["level"]): number["value"] for number in paper.table(table) if number["metric"] == metric
    }
    both = [at.get((paper.row(cell), paper.level(cell))) for cell in (slow, name)]
    note = f"printed {float(both[0]) / float(both[1]):.1f}" if all(both) and paper.row(name) else ""
    return Value(value.value, value.low, value.high, value.n, note)


def over_seeds(values: list[float], note: str = "") -> Value:
    """Mean of repeated runs with its interval; without one where there is a single run."""
    return Value(statistics.fmean(values), *seed_interval(values), len(values), note)


def loss_fall(curves: list[list[dict[str, str]]]) -> Value:
    """By how many per cent the loss of the last tenth of the curve is below that of the tenth before (claim 9)."""
    falls, errors = [], []
    for curve in curves:
        before, after = last_tenths(curve)
        if not len(before):
            return Value(note="too few rows of the loss")
        falls.append(100 * (1 - after.mean() / before.mean()))
        spread = math.hypot(before.std(ddof=1), after.std(ddof=1)) / len(after) ** 0.5
        errors.append(100 * spread / before.mean())
    return _averaged(falls, errors)


def loss_end(curves: list[list[dict[str, str]]]) -> Value:
    """The mean loss of the last tenth of the curve: to be compared within a paradigm and a format (M-20)."""
    ends = [last_tenths(curve)[1] for curve in curves]
    if min(map(len, ends)) < 2:
        return Value(note="too few rows of the loss")
    return _averaged([end.mean() for end in ends], [end.std(ddof=1) / len(end) ** 0.5 for end in ends])


def last_tenths(curve: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    """The losses of the last tenth but one, none where the curve is too short for it, and of the last."""
    losses = np.array([float(row["loss"]) for row in curve])
    part = max(2, len(losses) // 10)
    return losses[-2 * part : -part] if len(losses) >= 2 * part else losses[:0], losses[-part:]


def _averaged(values: list[float], errors: list[float]) -> Value:
    """Mean over seeds; its interval from the standard errors of each."""
    mean, half = statistics.fmean(values), 1.96 * statistics.fmean(errors) / len(values) ** 0.5
    return Value(mean, mean - half, mean + half, len(values))


def distances(name: str, cell, settings, folder: Path, embedding: str) -> dict[str, Value]:
    """FAD of a cell, and of what it has to be read against, by metric."""

    def scores(of: str, seed: int = 0) -> dict[str, str]:
        return read_csv(folder / of / str(seed) / f"{embedding}.csv")[0]

    runs = [scores(name, seed) for seed in settings.seeds]
    found = {
        "FAD": joined(runs, "one seed" if len(runs) == 1 else ""),
        "FAD_round_trip": joined([scores(cell.round_trip)]),
        "FAD_originals": joined([scores(cell.originals)]),
        "FAD_halves": _value(runs[0], "floor_jack", "floor_se_jack"),
    }
    if cell.untrained:
        found["FAD_untrained"] = joined([scores(cell.untrained)])
    return found


def joined(runs: list[dict[str, str]], note: str = "") -> Value:
    """Mean over seeds; the half of its interval over clips joined with that over seeds."""
    if not runs[0]["fad_jack"]:
        return Value(float(runs[0]["fad"]), note="too few clips for an interval")
    value = over_seeds([float(run["fad_jack"]) for run in runs])
    halves = [statistics.fmean(float(run["ci_high"]) - float(run["fad_jack"]) for run in runs)]
    halves += [] if value.high is None else [value.high - value.value]
    half = math.hypot(*halves)
    return Value(value.value, value.value - half, value.value + half, len(runs), note)


def _value(row: dict[str, str], name: str, error: str) -> Value:
    if not row[name]:
        return Value(note="too few clips")
    value, half = float(row[name]), 1.96 * float(row[error])
    return Value(value, value - half, value + half)


if __name__ == "__main__":
    run_stage(
        main,
        printed="path of the paper's printed numbers",
        reports="path of the folder reports",
        models="path of the folder of trained cells",
        formats="path of the folder of formats",
        csv="path of the tidy table to write",
        md="path of the readable table to write",
    )
