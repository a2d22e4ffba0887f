"""The FAD table (Pichard 2024, Table 1): one row per data set, codec, system and embedding, seeds averaged.

Beside each distance stand what it has to be read against: the floor (one half of the reference against the other half),
the ceiling (the codec's round trip, which no system on its latents can beat), the same network untrained, and the
number that the paper prints. Two intervals: over files (jackknife) and over seeds (Student's t).
"""

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from tabulate import tabulate

from etude.metrics.seeds import seed_interval
from etude.pipeline.files import atomic, read_csv, write_csv
from etude.pipeline.stage import run_stage

PROTOCOL = [
    "n_reference", "n_generated", "windows_generated", "dimension", "caution", "sample_rate", "resampler", "loudness",
    "embedding_sha256", "weights_sha256", "reference_sha256",
]  # fmt: skip
COLUMNS = [
    "paper", "table", "dataset", "codec", "system", "embedding",
    "fad", "fad_jack", "ci_low", "ci_high", "seed_mean", "seed_low", "seed_high",
    "floor", "floor_jack", "floor_se", "ceiling", "ceiling_jack", "untrained", "untrained_jack",
    "paper_value", "paper_metric", "paper_dataset", *PROTOCOL, "code", "seeds", "scale", "variant",
]  # fmt: skip

# What a set of samples, called <kind>_<system>, is given in place of a clip's levels.
SAMPLES = {
    "prior": "levels drawn from a trained prior, no clip is given",
    "gaussian": "levels drawn from Gaussians, each level by itself, the floor of a prior",
    "seen": "levels of training clips, what a prior that knew its data perfectly would draw",
}


def main(settings, evaluated: Path, printed: Path, further: str, csv: Path, md: Path) -> None:
    paper = yaml.safe_load(printed.with_name(printed.name.replace("_tables.csv", ".yaml")).read_text(encoding="utf-8"))
    values = read_csv(printed)
    grid = settings.grid
    # A set of samples is called <where its levels come from>_<system>.
    sets = [(system, system, grid.seeds) for system in grid.systems]
    sets += [(name, name.partition("_")[2], settings.sample_seeds) for name in settings.samples]
    rows = [
        row(settings, evaluated, paper, values, dataset, codec, embedding, *cell)
        for dataset in grid.datasets
        for codec in grid.codecs
        for embedding in grid.embeddings
        for cell in sets
    ]
    rows += [row for path in further.split(",") if path != "none" for row in read_csv(path)]
    write_csv(csv, rows, COLUMNS)
    with atomic(md) as part:
        part.write_text(markdown(rows, paper, settings.scale), encoding="utf-8")


def row(
    settings, evaluated: Path, paper, values, dataset: str, codec: str, embedding: str, name: str, system: str, seeds
) -> dict[str, Any]:
    """One cell of the table with its protocol: the set called ``name``, made by ``system``."""

    def scores(name: str, seed: int) -> dict[str, str]:
        folder = evaluated.with_name("samples") if name in settings.samples else evaluated
        return read_csv(folder / dataset / codec / name / str(seed) / f"{embedding}.csv")[0]

    runs = [scores(name, seed) for seed in seeds]
    place = {"paper": paper["paper"], "table": "1", "dataset": dataset, "codec": codec, "system": name}
    return described(
        settings,
        place | {"embedding": embedding},
        seeds,
        runs,
        scores(f"untrained_{system}", 0),
        scores("round_trip", 0),
        printed_value(paper, values, dataset, name),
    )


def described(
    settings,
    place: dict[str, str],
    seeds,
    runs: list[dict[str, str]],
    untrained: dict[str, str] | None,
    trip: dict[str, str],
    printed: dict[str, str],
) -> dict[str, Any]:
    """One row of the table: at ``place`` the mean of ``runs``, one per seed, beside its floor and its ceiling."""
    jack = mean(run["fad_jack"] for run in runs)
    # Seeds share the reference and the clips, so their file errors do not average out: the mean of the standard errors.
    half = mean(run["ci_high"] for run in runs) - jack
    low, high = seed_interval([float(run["fad_jack"]) for run in runs])
    cells = {
        "fad": mean(run["fad"] for run in runs),
        "fad_jack": jack,
        "ci_low": jack - half,
        "ci_high": jack + half,
        "seed_mean": jack,
        "seed_low": low,
        "seed_high": high,
        "floor": runs[0]["floor"],
        "floor_jack": runs[0]["floor_jack"],
        "floor_se": runs[0]["floor_se_jack"],
        "ceiling": trip["fad"],
        "ceiling_jack": trip["fad_jack"],
        "untrained": untrained and untrained["fad"],
        "untrained_jack": untrained and untrained["fad_jack"],
    }
    return {
        **place,
        **{key: number(value) for key, value in cells.items()},
        **printed,
        **{key: runs[0][key] for key in PROTOCOL},
        "code": settings.metric_code,
        "seeds": " ".join(map(str, seeds)),
        "scale": settings.scale,
        "variant": settings.variant,
    }


def printed_value(paper, values: list[dict[str, str]], dataset: str, system: str) -> dict[str, str]:
    """What the document prints in this cell; empty where it has none."""
    metric = paper["tables"]["1"]["metric"]
    column, line = paper["datasets"].get(dataset, ""), paper["rows"].get(system, "")
    found = [
        value["value"]
        for value in values
        if (value["table"], value["row"], value["metric"], value["dataset"]) == ("1", line, metric, column)
    ]
    return {
        "paper_value": found[0] if found else "",
        "paper_metric": metric if found else "",
        "paper_dataset": column if found else "",
    }


def explained(names: Iterable[str]) -> str:
    """Words for those of ``names`` that are sets of samples; empty when none is."""
    kinds = {name.partition("_")[0] for name in names}
    return " ".join(f"{kind}_...: {words}." for kind, words in SAMPLES.items() if kind in kinds)


def mean(texts) -> float:
    return statistics.fmean(float(text) for text in texts)


def number(value: float | str | None) -> str:
    """Six significant digits: more than any interval here can tell apart."""
    return "" if value in (None, "") else f"{float(value):.6g}"


def markdown(rows: list[dict[str, Any]], paper, scale: str) -> str:
    """The table to read."""
    lines = [
        {
            "data set": row["dataset"],
            "system": f"{row['system']} ({paper['rows'].get(row['system'], 'not in the paper')})",
            "embedding": row["embedding"],
            "FAD": f"{float(row['fad_jack']):.3g}",
            "95 %, files": f"{float(row['ci_low']):.3g} .. {float(row['ci_high']):.3g}",
            "95 %, seeds": f"{float(row['seed_low']):.3g} .. {float(row['seed_high']):.3g}"
            if row["seed_low"]
            else "one seed",
            "floor": f"{float(row['floor_jack']):.2g} ± {float(row['floor_se']):.2g}" if row["floor_jack"] else "",
            "codec": f"{float(row['ceiling_jack']):.3g}",
            "untrained": f"{float(row['untrained_jack']):.3g}" if row["untrained_jack"] else "",
            "printed": f"{row['paper_value']} ({row['paper_metric']}, {row['paper_dataset']})"
            if row["paper_value"]
            else "",
        }
        for row in rows
    ]
    table = tabulate(lines, headers="keys", tablefmt="pipe", disable_numparse=True)
    cautions = sorted({f"- {row['dataset']}, {row['embedding']}: {row['caution']}" for row in rows if row["caution"]})
    first = rows[0]
    return "\n".join(
        [
            f"# Fréchet audio distance of reconstructions ({paper['author']} {paper['year']}, Table 1)",
            "",
            table,
            "",
            "FAD with the bias of a finite set taken away (jackknife), lower is better, mean over seeds "
            f"{first['seeds']}. floor: one half of the reference against the other. codec: its round trip, "
            "the best a system on its latents can do. untrained: the same network before training. printed: "
            "what the paper prints; another embedding and other data: compare the order of systems, not the numbers.",
            *(["", sampled] if (sampled := explained(row["system"] for row in rows)) else []),
            "",
            f"Scale {scale}, variant {first['variant']}, {first['n_generated']} clips against {first['n_reference']} "
            f"(first row), {first['sample_rate']} Hz, resampler {first['resampler']}, loudness {first['loudness']}, "
            f"metric code {first['code']}. Every row's protocol is in fad.csv.",
            *(["", "Cautions:", *cautions] if cautions else []),
            "",
        ]
    )


if __name__ == "__main__":
    run_stage(
        main,
        evaluated="path of the folder with one CSV per evaluated set",
        printed="path of the paper's printed numbers",
        further="tables of other papers with the same columns whose rows follow, paths joined by commas, or none",
        csv="path of the tidy table to write",
        md="path of the readable table to write",
    )
