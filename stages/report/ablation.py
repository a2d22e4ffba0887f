"""Table 1 by level: the FAD of reconstructions from which one level, or all, was taken away (P-26 vi).

The paper has no such table. ``rise`` is what the distance gains over the reconstruction with all its levels; ``share``
is that rise as a part of the rise when all three are taken away, so that systems and data sets can be compared: 0,
nobody hears that the level is missing; 1, as if nothing were known of the clip. Shares need not add up to 1: what two
levels both know is missing only when both are gone.
"""

import json
from pathlib import Path
from typing import Any

import yaml
from tabulate import tabulate

from etude.metrics.seeds import seed_interval
from etude.pipeline.files import atomic, read_csv, write_csv
from etude.pipeline.stage import run_stage
from stages.report.fad import PROTOCOL, mean, number

PLACES = ("coarse", "middle", "fine", "all")
WAYS = {"zero": "zeros", "mean": "its mean over the train split"}
COLUMNS = [
    "paper", "table", "dataset", "codec", "system", "frames", "place", "how", "embedding",
    "fad", "fad_jack", "ci_low", "ci_high", "seed_low", "seed_high", "whole_jack", "rise", "share",
    "floor", "floor_jack", "floor_se", "ceiling", "ceiling_jack", "untrained", "untrained_jack",
    *PROTOCOL, "code", "seeds", "scale", "variant",
]  # fmt: skip


def main(settings, evaluated: Path, levels: Path, paper: Path, csv: Path, md: Path) -> None:
    words = yaml.safe_load(paper.read_text(encoding="utf-8"))
    grid = settings.grid
    rows = [
        row
        for dataset in grid.datasets
        for codec in grid.codecs
        for embedding in grid.embeddings
        for system in grid.systems
        for how in settings.how
        for row in system_rows(settings, evaluated, levels, words, dataset, codec, system, embedding, how)
    ]
    write_csv(csv, rows, COLUMNS)
    with atomic(md) as part:
        part.write_text(markdown(rows, words, settings), encoding="utf-8")


def system_rows(
    settings, evaluated: Path, levels: Path, paper, dataset: str, codec: str, system: str, embedding: str, how: str
) -> list[dict[str, Any]]:
    """One row per place, for one system and one way of taking a level away."""

    def scores(name: str, seed: int, kind: str = "fad") -> dict[str, str]:
        return read_csv(evaluated / kind / dataset / codec / name / str(seed) / f"{embedding}.csv")[0]

    def distance(runs: list[dict[str, str]]) -> float:
        return mean(run["fad_jack"] for run in runs)

    seeds = settings.seeds
    whole = [scores(system, seed) for seed in seeds]
    without = {
        place: [scores(f"{system}_without_{place}_{how}", seed, "ablation") for seed in seeds] for place in PLACES
    }
    untrained, trip = scores(f"untrained_{system}", 0), scores("round_trip", 0)
    frames = level_frames(levels / dataset / codec / system / str(seeds[0]))
    most = distance(without["all"]) - distance(whole)
    rows = []
    for place, runs in without.items():
        rise = distance(runs) - distance(whole)
        low, high = seed_interval([float(run["fad_jack"]) for run in runs])
        cells = {
            "fad": mean(run["fad"] for run in runs),
            "fad_jack": distance(runs),
            "ci_low": mean(run["ci_low"] for run in runs),
            "ci_high": mean(run["ci_high"] for run in runs),
            "seed_low": low,
            "seed_high": high,
            "whole_jack": distance(whole),
            "rise": rise,
            "share": rise / most if most > 0 else None,
            "floor": runs[0]["floor"],
            "floor_jack": runs[0]["floor_jack"],
            "floor_se": runs[0]["floor_se_jack"],
            "ceiling": trip["fad"],
            "ceiling_jack": trip["fad_jack"],
            "untrained": untrained["fad"],
            "untrained_jack": untrained["fad_jack"],
        }
        rows.append(
            {
                "paper": paper["paper"],
                "table": "1_ablation",
                "dataset": dataset,
                "codec": codec,
                "system": system,
                "frames": frames[place],
                "place": place,
                "how": how,
                "embedding": embedding,
                **{name: number(value) for name, value in cells.items()},
                **{name: runs[0][name] for name in PROTOCOL},
                "code": settings.metric_code,
                "seeds": " ".join(map(str, seeds)),
                "scale": settings.scale,
                "variant": settings.variant,
            }
        )
    return rows


def level_frames(folder: Path) -> dict[str, str]:
    """Frames of the level at each place, by the levels in ``folder``."""
    arrays = json.loads((folder / "protocol.json").read_text(encoding="utf-8"))["arrays"]
    counts = sorted(int(name.removeprefix("level")) for name in arrays if name.startswith("level"))
    return dict(zip(PLACES, [*map(str, counts), "all"], strict=True))


def markdown(rows: list[dict[str, Any]], paper, settings) -> str:
    """The table to read."""
    lines = [
        {
            "data set": row["dataset"],
            "system": f"{row['system']} ({paper['rows'].get(row['system'], 'not in the paper')})",
            "embedding": row["embedding"],
            "taken away": "all levels" if row["place"] == "all" else f"{row['frames']} frames ({row['place']})",
            "in its place": WAYS[row["how"]],
            "FAD": f"{float(row['fad_jack']):.3g}",
            "95 %, files": f"{float(row['ci_low']):.3g} .. {float(row['ci_high']):.3g}",
            "95 %, seeds": f"{float(row['seed_low']):.3g} .. {float(row['seed_high']):.3g}"
            if row["seed_low"]
            else "one seed",
            "nothing taken": f"{float(row['whole_jack']):.3g}",
            "rise": f"{float(row['rise']):+.3g}",
            "share of the rise": f"{float(row['share']):.2f}" if row["share"] else "–",
            "floor": f"{float(row['floor_jack']):.2g} ± {float(row['floor_se']):.2g}" if row["floor_jack"] else "–",
            "codec": f"{float(row['ceiling_jack']):.3g}",
            "untrained": f"{float(row['untrained_jack']):.3g}",
        }
        for row in rows
    ]  # fmt: skip
    cautions = sorted({f"- {row['dataset']}, {row['embedding']}: {row['caution']}" for row in rows if row["caution"]})
    first = rows[0]
    return "\n".join(
        [
            f"# Fréchet audio distance with a level taken away (to Table 1 of {paper['author']} {paper['year']})",
            "",
            tabulate(lines, headers="keys", tablefmt="pipe", disable_numparse=True),
            "",
            "FAD with the bias of a finite set taken away (jackknife), lower is better, mean over seeds "
            f"{first['seeds']}. The level is replaced before the finer ones are refined by it. rise: over the "
            "reconstruction with all its levels. share: of the rise when all three are taken away; shares need not add "
            "up to 1. floor: one half of the reference against the other. codec: its round trip. untrained: the "
            "network before training. The paper has no such table; levels go by their frames, since its own tables "
            "contradict each other on which end is h\N{SUBSCRIPT ONE}.",
            "",
            f"Scale {settings.scale}, variant {first['variant']}, {first['n_generated']} clips against "
            f"{first['n_reference']} (first row), {first['sample_rate']} Hz, resampler {first['resampler']}, loudness "
            f"{first['loudness']}, metric code {first['code']}. Every row's protocol is in table1_ablation.csv.",
            *(["", "Cautions:", *cautions] if cautions else []),
            "",
        ]
    )


if __name__ == "__main__":
    run_stage(
        main,
        evaluated="path of the folder of evaluated sets: fad/ and ablation/",
        levels="path of the folder with the levels of every system",
        paper="path of the paper's YAML",
        csv="path of the tidy table to write",
        md="path of the readable table to write",
    )
