"""One knob of a sampler turned: FAD and control fidelity at each of its values, as a figure with its numbers (M-49).

Points share the cell's weights, the starting noise and the controls: only the knob differs.
"""

from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import run_stage
from stages.report.controlled_table import joined as joined_fad
from stages.report.drawing import COLOURS, STYLE, save
from stages.report.fidelity_table import joined as joined_score
from stages.report.paper_table import Value, number

COLUMNS = ["dataset", "cell", "knob", "value", "embedding", "metric", "score", "ci_low", "ci_high", "scale"]
SCORES = ("chroma_accuracy", "voicing_accuracy", "velocity_correlation", "instrument_accuracy")
WORDS = {"churn": "S_churn", "steps": "steps of the sampler", "guidance": "guidance w"}


def main(settings, reports: Path, csv: Path, svg: Path, png: Path) -> None:
    rows = []
    for dataset in settings.datasets:
        for value, name in sorted(settings.points):
            place = {"dataset": dataset, "cell": settings.cell, "knob": settings.knob, "value": f"{value:g}"}
            for embedding in settings.embeddings:
                path = reports / "evaluate/controlled" / dataset / name / str(settings.seed) / f"{embedding}.csv"
                rows.append(place | _row("FAD", joined_fad(read_csv(path)[:1]), embedding, settings.scale))
            scores = read_csv(reports / "evaluate/fidelity" / dataset / name / f"{settings.seed}.csv")
            for metric in SCORES:
                rows.append(place | _row(metric, joined_score([scores], metric, "own"), "", settings.scale))
    write_csv(csv, rows, COLUMNS)
    with matplotlib.rc_context(STYLE):
        save(draw(rows, settings), svg, png)


def _row(metric: str, value: Value | None, embedding: str, scale: str) -> dict[str, str]:
    value = value or Value()
    numbers = {"score": number(value.value), "ci_low": number(value.low), "ci_high": number(value.high)}
    return {"embedding": embedding, "metric": metric, **numbers, "scale": scale}


def draw(rows: list[dict[str, str]], settings) -> Figure:
    """FAD on the left, control fidelity on the right, 95 % over clips as bars."""
    figure = Figure(figsize=(8.2, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{WORDS[settings.knob]} of {settings.cell}, {settings.scale} scale; bars: 95 % over clips")
    for axes, metrics in zip(figure.subplots(1, 2), (("FAD",), SCORES), strict=True):
        lines = dict.fromkeys(
            (row["metric"], row["embedding"], row["dataset"]) for row in rows if row["metric"] in metrics
        )
        for place, line in enumerate(lines):
            chosen = [row for row in rows if (row["metric"], row["embedding"], row["dataset"]) == line and row["score"]]
            x, y = [float(row["value"]) for row in chosen], [float(row["score"]) for row in chosen]
            ends = [
                [abs(float(row[end] or row["score"]) - float(row["score"])) for row in chosen]
                for end in ("ci_low", "ci_high")
            ]
            label = " ".join(filter(None, [line[0].replace("_", " "), line[1] and f"({line[1]})", line[2]]))
            axes.errorbar(x, y, ends, color=COLOURS[place], marker="o", markersize=3, capsize=2, lw=1, label=label)
        axes.set_xlabel(WORDS[settings.knob])
        if settings.knob == "steps":
            axes.set_xscale("log", base=2)
        axes.legend(frameon=False, fontsize=7)
        axes.set_ylabel("FAD" if "FAD" in metrics else "score")
    return figure


if __name__ == "__main__":
    run_stage(
        main,
        reports="path of the folder reports",
        csv="path of the table of numbers to write",
        svg="path of the figure to write",
        png="path of the same as pixels",
    )
