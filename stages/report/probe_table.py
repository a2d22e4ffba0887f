"""The probe tables (Pichard 2024, Tables 2 and 3): what can be read from each level, and what from nothing.

A panel is a data set under one way of splitting; its columns are the numbers of frames of the levels, and the codec's
latents, the ceiling. Lines are the systems, their h̃ (each level with the coarser ones added to it, where a system
does that), and the floors: the same network untrained, labels of other clips, and the constant answer. An interval is
over all runs: probe seeds times seeds of the system.
"""

import statistics
from collections import defaultdict
from pathlib import Path

from etude.metrics.seeds import seed_interval
from etude.pipeline.files import read_csv
from etude.pipeline.stage import run_stage
from stages.report.paper import Paper
from stages.report.paper_table import Column, Line, Panel, Value, write

SPLITS = {
    "random": "clips drawn at random, as the thesis must have done: same instruments or tracks on both sides",
    "grouped": "instruments (notes) or tracks (stems) of the test never trained on",
}
# What the document's tables print; the same panels carry our further scores of the melody.
METRICS = {
    ("pitch", "accuracy"): "pitch_probe_accuracy",
    ("melody", "bce"): "melody_probe_bce",
    ("melody", "frame_f1"): "melody_probe_frame_f1",
    ("melody", "average_precision"): "melody_probe_average_precision",
    ("instrument", "accuracy"): "instrument_probe_accuracy",
}
CONSTANT = {"majority": "commonest class", "prior": "each pitch as often as in training", "entropy": "entropy of p"}
NOTES = [
    "Accuracies in percent, cross-entropies (BCE) in nats, mean over all frames and 128 pitches; F1 and average "
    "precision of frames x pitches. Mean and 95 % interval over all runs (probe seeds x seeds of the system; runs of "
    "one system seed are not quite independent). Probes see the time average of h (MLP), for melody the sequence "
    "(BiLSTM). h̃: the level with the coarser ones added, as the denoiser sees it.",
    "Codec: the same probes on the codec's latents, the ceiling. Floors: the network untrained; a probe told the "
    "labels of other clips; the constant answers.",
]


def main(settings, evaluated: Path, printed: Path, csv: Path, md: Path) -> None:
    paper = Paper.load(printed)
    runs = [row for path in sorted(evaluated.rglob("*.csv")) for row in read_csv(path)]
    panels = [
        panel
        for dataset in settings.datasets
        for codec in settings.grid.codecs
        for split in SPLITS
        for panel in panels_of(runs, dataset, codec, split, settings.grid.systems)
    ]
    context = {
        "seeds": " ".join(map(str, settings.grid.seeds)),
        "probe_seeds": " ".join(map(str, settings.probe_seeds)),
        "scale": settings.scale,
        "variant": settings.variant,
        "code": settings.metric_code,
    }
    scale = f"Scale {settings.scale}, variant {settings.variant}, probe code {settings.metric_code}."
    write(paper, settings.table, panels, [*NOTES, scale], context, csv, md)


def panels_of(runs: list[dict[str, str]], dataset: str, codec: str, split: str, systems: list[str]) -> list[Panel]:
    """What the document's table has, and where there is a melody its scores that do not hang on how many notes there
    are."""
    here = [row for row in runs if (row["dataset"], row["codec"]) == (dataset, codec)]
    asked = list(dict.fromkeys(row["attribute"] for row in here))
    frames = sorted({row["frames"] for row in here if row["input"] == "h"}, key=int)
    main_metrics = [(attribute, "bce" if attribute == "melody" else "accuracy") for attribute in asked]
    further = [("melody", "frame_f1"), ("melody", "average_precision")] if "melody" in asked else []
    title = f"{dataset}, {codec}: {SPLITS[split]}"
    return [
        _panel(here, key, title + more, codec, dataset, split, metrics, frames, systems)
        for key, more, metrics in ((split, "", main_metrics), (f"{split}, further", "; further scores", further))
        if metrics
    ]


def _panel(
    runs: list[dict[str, str]],
    key: str,
    title: str,
    codec: str,
    dataset: str,
    split: str,
    metrics: list[tuple[str, str]],
    frames: list[str],
    systems: list[str],
) -> Panel:
    runs = [row for row in runs if row["split"] in (split, "")]
    places = [*frames, "codec"]
    columns = {
        (attribute, metric, place): Column(METRICS[attribute, metric], dataset, place)
        for attribute, metric in metrics
        for place in places
    }
    lines = list(_lines(runs, systems, frames))
    cells = {
        (line.key, column): value
        for line, sources in lines
        for where, column in columns.items()
        if (value := _value(sources(*where)))
    }
    filled = [line for line, _ in lines if any(of == line.key for of, _ in cells)]
    return Panel(key, title, codec, filled, list(columns.values()), cells)


def _lines(runs: list[dict[str, str]], systems: list[str], frames: list[str]):
    """Pairs of a line and a function from (attribute, metric, place) to the rows of all runs that make its cell."""
    index = defaultdict(list)
    for row in runs:
        if row["note"]:
            index[row["system"], row["attribute"], "note"].append(row)
        elif row["kind"] in ("probe", "shuffled"):
            place = "codec" if row["input"] == "codec" else row["frames"]
            index[row["system"], row["input"], row["kind"], row["attribute"], row["metric"], place].append(row)
        else:
            index[row["kind"], row["attribute"], row["metric"]].append(row)

    def of_system(system: str, *inputs: str):
        def sources(attribute: str, metric: str, place: str) -> list[dict[str, str]]:
            if place == "codec":
                found = index["codec", "codec", "probe", attribute, metric, place]
            else:
                candidates = (index[system, kind, "probe", attribute, metric, place] for kind in inputs)
                found = next(filter(None, candidates), [])
            return found or index[system, attribute, "note"]

        return sources

    def shuffled(attribute: str, metric: str, place: str) -> list[dict[str, str]]:
        kinds = [("codec", "codec")] if place == "codec" else [(system, "h") for system in systems]
        return [row for kind in kinds for row in index[*kind, "shuffled", attribute, metric, place]]

    def constant(kind: str):
        return lambda attribute, metric, place: index[kind, attribute, metric][:1]

    def without_codec(sources):
        return lambda attribute, metric, place: [] if place == "codec" else sources(attribute, metric, place)

    for system in systems:
        yield Line(system), of_system(system, "h")
    for system in systems:
        if any(row["system"] == system and row["input"] == "refined" for row in runs):
            line = Line(f"{system}, refined", title=f"{system}, h̃", system=system)
            yield line, without_codec(of_system(system, "refined", "h"))
    for system in systems:
        name = f"untrained_{system}"
        yield Line(name, "floor", f"floor: {system} untrained"), without_codec(of_system(name, "h"))
    yield Line("shuffled", "floor", "floor: labels of other clips"), shuffled
    for kind, words in CONSTANT.items():
        yield Line(kind, "floor", f"floor: {words}"), constant(kind)


def _value(rows: list[dict[str, str]]) -> Value | None:
    """Mean and interval over runs, accuracies in percent; None without rows."""
    if not rows:
        return None
    if rows[0]["note"]:
        return Value(note=rows[0]["note"])
    scale = 100.0 if rows[0]["metric"] == "accuracy" else 1.0
    values = [scale * float(row["value"]) for row in rows if row["value"] != ""]
    if not values:
        return Value(note="undefined")
    return Value(statistics.fmean(values), *seed_interval(values), len(values))


if __name__ == "__main__":
    run_stage(
        main,
        evaluated="path of the folder with the probes' tables",
        printed="path of the paper's printed numbers",
        csv="path of the tidy table to write",
        md="path of the readable table to write",
    )
