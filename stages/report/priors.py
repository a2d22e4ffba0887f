"""Unconditional samples of every system, from a prior over its levels, beside floor and ceilings (P-72).

Read from left to right, each column gives the system more: levels from independent Gaussians (the floor), from the
trained prior, of training clips (a prior that knew its data perfectly), of the reference's own clips (reconstructions),
the codec's latents themselves. `novelty` says whether a sample is one: 1, as far from the nearest training clip as
training clips are from one another; 0, a copy.
"""

import statistics
from pathlib import Path
from typing import Any

from tabulate import tabulate

from etude.metrics.seeds import seed_interval
from etude.pipeline.files import atomic, read_csv, write_csv
from etude.pipeline.stage import run_stage
from stages.report.fad import PROTOCOL, SAMPLES, explained, mean, number

SETS = {"gaussian": "gaussian_{}", "prior": "prior_{}", "seen": "seen_{}", "reconstructions": "{}"}
DRAWN = ("gaussian", "prior")
NUMBERS = ["fad", "fad_jack", "ci_low", "ci_high", "fad_inf", "floor", "floor_jack"]
COLUMNS = [
    "paper", "dataset", "codec", "system", "embedding", "levels", *NUMBERS, "seed_low", "seed_high", "novelty",
    *PROTOCOL, "generated_sha256", "code", "seeds", "scale", "variant",
]  # fmt: skip


def main(settings, evaluated: Path, samples: Path, csv: Path, md: Path) -> None:
    grid = settings.grid
    cells = [(d, c, e, s) for d in grid.datasets for c in grid.codecs for e in grid.embeddings for s in grid.systems]
    tables = {cell: compared(settings, evaluated, samples, *cell) for cell in cells}
    write_csv(csv, [row for rows in tables.values() for row in rows.values()], COLUMNS)
    with atomic(md) as part:
        part.write_text(markdown(tables, settings), encoding="utf-8")


def compared(
    settings, evaluated: Path, samples: Path, dataset: str, codec: str, embedding: str, system: str
) -> dict[str, dict[str, Any]]:
    """The rows of one system by where the levels of its clips come from, the codec's round trip last."""
    rows = {}
    sets = {kind: (name.format(system), settings.seeds) for kind, name in SETS.items()} | {"codec": ("round_trip", [0])}
    for kind, (name, seeds) in sets.items():
        folder = evaluated / ("samples" if kind in SAMPLES else "fad") / dataset / codec / name
        runs = [read_csv(folder / str(seed) / f"{embedding}.csv")[0] for seed in seeds]
        low, high = seed_interval([float(run["fad_jack"] or run["fad"]) for run in runs])
        rows[kind] = {
            "paper": "pichard2024",
            "dataset": dataset,
            "codec": codec,
            "system": system,
            "embedding": embedding,
            "levels": kind,
            **{key: number(mean(run[key] for run in runs)) if all(run[key] for run in runs) else "" for key in NUMBERS},
            "seed_low": number(low),
            "seed_high": number(high),
            "novelty": novelty(samples / dataset / codec / name, seeds) if kind in DRAWN else "",
            **{key: runs[0][key] for key in [*PROTOCOL, "generated_sha256"]},
            "code": settings.metric_code,
            "seeds": " ".join(map(str, seeds)),
            "scale": settings.scale,
            "variant": settings.variant,
        }
    return rows


def novelty(folder: Path, seeds: list[int]) -> str:
    """Median over the samples in ``folder``."""
    rows = [row for seed in seeds for row in read_csv(folder / str(seed) / "index.csv")]
    return number(statistics.median(float(row["novelty"]) for row in rows))


def markdown(tables: dict[tuple[str, ...], dict[str, dict[str, Any]]], settings) -> str:
    """The table to read: one line per system."""
    lines = []
    for (dataset, _, embedding, system), rows in tables.items():
        line = {"data set": dataset, "system": system, "embedding": embedding}
        for kind, row in rows.items():
            interval = f" ({float(row['ci_low']):.3g} .. {float(row['ci_high']):.3g})" if row["ci_low"] else ""
            line[kind] = f"{float(row['fad_jack'] or row['fad']):.3g}{interval}"
        line["halves"] = f"{float(rows['prior']['floor_jack']):.2g}" if rows["prior"]["floor_jack"] else ""
        line |= {f"novelty, {kind}": f"{float(rows[kind]['novelty']):.2f}" for kind in DRAWN}
        lines.append(line)
    first = next(iter(tables.values()))["prior"]
    return "\n".join(
        [
            "# Priors over the levels: unconditional samples (Pichard 2024, future work)",
            "",
            tabulate(lines, headers="keys", tablefmt="pipe", disable_numparse=True),
            "",
            "FAD against the reference split, bias of a finite set taken away, 95 % over files in brackets; lower is "
            f"better. {explained(SAMPLES)} reconstructions: levels of the reference's own clips. codec: its round "
            "trip. halves: one half of the reference against the other. novelty: median distance of a sample to the "
            "nearest "
            "training clip, in the levels; 1, as far as training clips are from one another; 0, a copy. The thesis "
            "proposes priors and prints no number for them.",
            "",
            f"Scale {settings.scale}, variant {settings.variant}, system seeds {first['seeds']}, "
            f"{first['n_generated']} clips against {first['n_reference']} (first row), metric code {first['code']}. "
            "Every row's protocol is in priors.csv.",
            "",
        ]
    )


if __name__ == "__main__":
    run_stage(
        main,
        evaluated="path of reports/evaluate",
        samples="path of the folder of sets of samples",
        csv="path of the tidy table to write",
        md="path of the readable table to write",
    )
