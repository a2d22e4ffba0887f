"""The metrics of grid.metrics: one row per data set, codec, system and metric, seeds averaged.

As in the FAD table, each value stands between what it has to be read against: the same network untrained, and the
codec's round trip, which no system on its latents can beat. Two intervals: over clips and over seeds.
"""

import statistics
from pathlib import Path
from typing import Any

from tabulate import tabulate

from etude.metrics.seeds import seed_interval
from etude.pipeline.files import atomic, read_csv, write_csv
from etude.pipeline.stage import run_stage

PROTOCOL = ["n", "undefined", "sample_rate", "resampler", "reference_sha256"]
COLUMNS = [
    "dataset", "codec", "system", "metric", "unit", "better", "value", "ci_low", "ci_high", "seed_low", "seed_high",
    "ceiling", "untrained", *PROTOCOL, "seeds", "scale", "variant",
]  # fmt: skip


def main(settings, evaluated: Path, csv: Path, md: Path) -> None:
    grid = settings.grid
    rows = [
        row(settings, evaluated / dataset / codec, dataset, codec, system, metric)
        for dataset in grid.datasets
        for codec in grid.codecs
        for metric in settings.metrics
        for system in grid.systems
    ]
    write_csv(csv, rows, COLUMNS)
    with atomic(md) as part:
        part.write_text(markdown(rows), encoding="utf-8")


def row(settings, folder: Path, dataset: str, codec: str, system: str, metric: str) -> dict[str, Any]:
    """One cell with its protocol."""

    def score(name: str, seed: int) -> dict[str, str]:
        return read_csv(folder / name / str(seed) / f"{metric}.csv")[0]

    runs = [score(system, seed) for seed in settings.grid.seeds]
    values = [float(run["value"]) for run in runs if run["value"]]
    mean = statistics.fmean(values) if values else None
    # Seeds share the clips, so what the clips add to the error does not average out over them.
    halves = [float(run["ci_high"]) - float(run["value"]) for run in runs if run["ci_high"]]
    half = statistics.fmean(halves) if halves else None
    low, high = seed_interval(values)
    cells = {
        "value": mean,
        "ci_low": None if half is None else mean - half,
        "ci_high": None if half is None else mean + half,
        "seed_low": low,
        "seed_high": high,
        "ceiling": score("round_trip", 0)["value"],
        "untrained": score(f"untrained_{system}", 0)["value"],
    }
    return {
        "dataset": dataset,
        "codec": codec,
        "system": system,
        "metric": metric,
        "unit": runs[0]["unit"],
        "better": runs[0]["better"],
        **{key: "" if value in (None, "") else f"{float(value):.6g}" for key, value in cells.items()},
        **{key: runs[0][key] for key in PROTOCOL},
        "seeds": " ".join(map(str, settings.grid.seeds)),
        "scale": settings.scale,
        "variant": settings.variant,
    }


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table to read."""
    lines = [
        {
            "data set": row["dataset"],
            "metric": f"{row['metric']}, {row['unit']}, {row['better']} is better",
            "system": row["system"],
            "value": _short(row["value"]),
            "95 %, clips": _between(row["ci_low"], row["ci_high"]),
            "95 %, seeds": _between(row["seed_low"], row["seed_high"]) or "one seed",
            "codec": _short(row["ceiling"]),
            "untrained": _short(row["untrained"]),
            "clips": row["n"],
        }
        for row in rows
    ]
    first = rows[0]
    return "\n".join(
        [
            "# Reconstructions beside their originals, metric by metric",
            "",
            tabulate(lines, headers="keys", tablefmt="pipe", disable_numparse=True),
            "",
            f"Mean over clips and over seeds {first['seeds']}. codec: its round trip, the best a system on its latents "
            "can do. untrained: the same network before training.",
            "",
            f"Scale {first['scale']}, variant {first['variant']}, {first['sample_rate']} Hz, resampler "
            f"{first['resampler']}. Every row's protocol is in metrics.csv.",
            "",
        ]
    )


def _short(value: str) -> str:
    return f"{float(value):.3g}" if value else "not defined"


def _between(low: str, high: str) -> str:
    return f"{float(low):.3g} .. {float(high):.3g}" if low and high else ""


if __name__ == "__main__":
    run_stage(
        main,
        evaluated="path of the folder with one CSV per evaluated set",
        csv="path of the tidy table to write",
        md="path of the readable table to write",
    )
