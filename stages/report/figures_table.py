"""The numbers beside the figures, over all seeds: neighbours that agree, silhouettes, trustworthiness (P-30).

A figure shows one seed, and the place of a cloud in a UMAP means nothing; what can be compared between systems and runs
is here, each number beside what it would be by chance.
"""

import statistics
from pathlib import Path
from typing import Any

import yaml
from tabulate import tabulate

from etude.metrics.seeds import seed_interval
from etude.pipeline.files import atomic, read_csv, write_csv
from etude.pipeline.stage import run_stage
from stages.report.fad import number

COLUMNS = [
    "paper", "figure", "dataset", "codec", "system", "frames", "label", "space", "metric",
    "value", "seed_low", "seed_high", "floor", "n", "note", "paper_row", "paper_dataset",
    "neighbours", "min_dist", "agreement", "split", "code", "seeds", "scale", "variant",
]  # fmt: skip


def main(settings, evaluated: Path, paper: Path, csv: Path, md: Path) -> None:
    words = yaml.safe_load(paper.read_text(encoding="utf-8"))
    rows = [
        row
        for figure, cell in vars(settings.figures).items()
        for row in figure_rows(settings, evaluated, words, figure, cell)
    ]
    write_csv(csv, rows, COLUMNS)
    with atomic(md) as part:
        part.write_text(markdown(rows, settings, words), encoding="utf-8")


def figure_rows(settings, evaluated: Path, paper, figure: str, cell) -> list[dict[str, Any]]:
    """Every number of one figure, its seeds averaged."""
    folder = evaluated / cell.dataset / cell.codec / cell.system
    runs = [read_csv(folder / f"{seed}.csv") for seed in settings.seeds]
    rows = []
    for same in zip(*runs, strict=True):  # one stage wrote them, in one order
        values = [float(row["value"]) for row in same if row["value"]]
        floors = [float(row["floor"]) for row in same if row["floor"]]
        whole = len(values) == len(runs)
        low, high = seed_interval(values) if whole else (None, None)
        names = ("dataset", "codec", "system", "frames", "label", "space", "metric", "n")
        rows.append(
            {name: same[0][name] for name in names}
            | {
                "paper": paper["paper"],
                "figure": figure,
                "value": number(statistics.fmean(values)) if whole else "",
                "seed_low": number(low),
                "seed_high": number(high),
                "floor": number(statistics.fmean(floors)) if floors else "",
                "note": "; ".join(sorted({row["note"] for row in same} - {""})),
                "paper_row": paper["rows"].get(cell.system, ""),
                "paper_dataset": paper["datasets"].get(cell.dataset, ""),
                **{name: getattr(settings, name) for name in ("neighbours", "min_dist", "agreement", "split")},
                "code": settings.metric_code,
                "seeds": " ".join(map(str, settings.seeds)),
                "scale": settings.scale,
                "variant": settings.variant,
            }
        )
    return rows


def markdown(rows: list[dict[str, Any]], settings, paper) -> str:
    """The figures with their numbers, to read."""
    seeds = ", ".join(map(str, settings.seeds))
    lines = [
        f"# The levels in a plane ({paper['author']} {paper['year']}, Figures {', '.join(vars(settings.figures))})",
        "",
        f"UMAP of the time-averaged levels ({settings.neighbours} neighbours, minimal distance {settings.min_dist:g}), "
        f"{settings.split} split. Agreement: the share of a clip's {settings.agreement} nearest that have its label. "
        "In other recordings: neighbours cut from the same recording are passed over (every note is its own). Chance: "
        "with labels dealt out at random. The pictures show the first seed, the tables the mean of "
        f"seeds {seeds} with its 95 % interval. The paper prints no number for these figures. Compare numbers, never "
        "the shape or the place of a cloud.",
    ]
    for figure, cell in vars(settings.figures).items():
        mine = [row for row in rows if row["figure"] == figure]
        row_name, data = mine[0]["paper_row"], mine[0]["paper_dataset"]
        lines += [
            "",
            f"## Figure {figure}: {cell.system} ({row_name}) on {cell.dataset} ({data}), {mine[0]['n']} clips",
            "",
            f"![Figure {figure}](figure{figure}.png)",
            "",
            tabulate(table_lines(mine), headers="keys", tablefmt="pipe", disable_numparse=True),
        ]
        lines += ["", *notes] if (notes := sentences(mine)) else []
    lines += ["", f"Scale {settings.scale}, variant {settings.variant}, metric code {settings.metric_code}.", ""]
    return "\n".join(lines)


def sentences(rows: list[dict[str, Any]]) -> list[str]:
    """What is to be said of the numbers, each thing once, with the levels that it is true of."""
    frames: dict[str, list[str]] = {}
    for row in rows:
        if row["note"]:
            where = frames.setdefault(f"{row['label'] or 'plane'}: {row['note']}", [])
            where += [row["frames"]] if row["frames"] not in where else []
    return [f"- {sentence} ({', '.join(where)} frames)" for sentence, where in frames.items()]


def table_lines(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """One line per level and label."""
    lines = []
    for frames in sorted({int(row["frames"]) for row in rows}):
        here = {(r["label"], r["space"], r["metric"]): r for r in rows if int(r["frames"]) == frames}
        for label in ("instrument", "pitch"):
            latent = here[(label, "latent", "knn_purity")]
            lines.append(
                {
                    "frames": str(frames),
                    "label": label,
                    "agreement, latent": interval(latent),
                    "plane": interval(here[(label, "plane", "knn_purity")]),
                    "in other recordings, latent": interval(here[(label, "latent", "knn_purity_across")]),
                    "chance": short(latent["floor"]),
                    "silhouette, latent": interval(here[(label, "latent", "silhouette")]),
                    "plane ": interval(here[(label, "plane", "silhouette")]),
                    "chance ": short(here[(label, "latent", "silhouette")]["floor"]),
                    "trustworthiness": interval(here[("", "plane", "trustworthiness")]),
                    "chance  ": short(here[("", "plane", "trustworthiness")]["floor"]),
                }
            )
    return lines


def interval(row: dict[str, Any]) -> str:
    """The mean with its interval over seeds; a dash where there is no number."""
    if row["value"] == "":
        return "–"
    if row["seed_low"] == "":
        return short(row["value"])
    return f"{short(row['value'])} ({short(row['seed_low'])} .. {short(row['seed_high'])})"


def short(text: str) -> str:
    return "–" if text == "" else f"{float(text):.2f}"


if __name__ == "__main__":
    run_stage(
        main,
        evaluated="path of the folder with one CSV per data set, codec, system and seed",
        paper="path of the paper's YAML",
        csv="path of the tidy table to write",
        md="path of the readable table to write",
    )
