"""The transfer tables (Pichard 2024, Tables 4 and 5): what each level carries over, beside what is there without it.

A panel is a data set under one protocol. Its columns are the numbers of frames of the exchanged level, and ``rec``, the
reconstruction, in which nothing is exchanged. Lines are the systems; the floors: nothing exchanged, an untouched
source, random pairs; the ceilings: all levels exchanged, the codec's round trip, the transcriber on the originals.

Panels A and "A, these systems" have the same numbers and different intervals: over the pairs and over the seeds of the
system, halves joined as root of the sum of squares (what holds for systems trained alike); and over the pairs alone
(what holds for the systems that were trained here).
"""

import json
import math
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from scipy import stats
from tabulate import tabulate

from etude.metrics.seeds import seed_interval
from etude.pipeline.files import read_csv
from etude.pipeline.stage import run_stage
from stages.report.paper import Paper
from stages.report.paper_table import Column, Line, Panel, Value, write


class Score(NamedTuple):
    """A score as the evaluation calls it."""

    metric: str
    statistic: str = "mean"


class At(NamedTuple):
    """Where the evaluation keeps it: protocol and frames."""

    protocol: str
    frames: str


Scores = dict[tuple[At, Score], Value]

PITCH, TIMBRE, MELODY = Score("pitch_accuracy"), Score("timbre_similarity"), Score("note_f1")
UNTRAINED = Score("timbre_similarity_untrained")
TRANSCRIBED = (PITCH, Score("pitch_accuracy_folded"), Score("note_f1_midi"), Score("note_offset_f1_midi"))
# What the document prints; the same held against the source; and what it does not print.
MAIN = {
    "4": {"pitch_transfer_accuracy": PITCH, "timbre_similarity": TIMBRE},
    "5": {"melody_transfer_f1": MELODY, "timbre_similarity": TIMBRE},
}
KEPT = {
    "4": {"pitch_kept_accuracy": PITCH, "timbre_kept": TIMBRE},
    "5": {"melody_kept_f1": MELODY, "timbre_kept": TIMBRE},
}
FURTHER = {
    "4": {
        "pitch_transfer_folded": Score("pitch_accuracy_folded"),
        "pitch_transfer_transcribed": Score("pitch_accuracy_transcribed"),
    },
    "5": {
        "melody_transfer_f1_offset": Score("note_offset_f1"),
        "melody_transfer_f1_onset": Score("onset_f1"),
        "melody_transfer_f1_chroma": Score("chroma_f1"),
        "melody_transfer_f1_micro": Score("note_f1", "micro"),
        "melody_transfer_f1_midi": Score("note_f1_midi"),
        "melody_transfer_f1_offset_midi": Score("note_offset_f1_midi"),
    },
}
ENVELOPE = {
    "contour_correlation": Score("contour_correlation"),
    "attack_difference": Score("attack_difference"),
    "clips_without_notes": Score("without_notes"),
}
SIDE_BY_SIDE = 2  # metrics of a panel: more do not fit a page
# By which probe a level should rank as it does by a transfer; in which table of the document both stand.
PROBES = {
    "4": ("2", {"pitch_transfer_accuracy": "pitch_probe_accuracy", "timbre_similarity": "instrument_probe_accuracy"}),
    "5": ("3", {"melody_transfer_f1": "melody_probe_bce", "timbre_similarity": "instrument_probe_accuracy"}),
}
NOTES = [
    "One level is the target's, the others are the source's; the sound is held against the target (protocol A). rec: "
    "nothing exchanged, held against itself. Pitch: the main note that Basic Pitch hears (amplitude x duration) is the "
    "labelled one; none is wrong. Melody: F1 of notes by mir_eval, onset within 50 ms, pitch within 50 cents, offsets "
    "ignored, against what Basic Pitch hears in the target; mean over clips; a target in which it hears nothing is not "
    "counted. Timbre: cosine of the triplet network, trained here on the train split.",
    "A level carries something over where it exceeds `nothing exchanged`, what the source's reconstruction has in "
    "common with the target. Random pairs: originals against other originals.",
]
AGREEMENT = (
    "Do the levels that a probe reads best also carry the most over? Spearman's correlation of the two orders of the "
    "three levels: ours, as printed, and as printed with h1 and h3 exchanged in this table (1: the same order, -1: the "
    "reverse; intervals in claims.md)."
)


def main(settings, evaluated: Path, timbre: str, probes: Path, printed: Path, csv: Path, md: Path) -> None:
    paper, known = Paper.load(printed), read_csv(probes)
    panels, ranks = [], []
    for dataset in settings.datasets:
        for codec in settings.grid.codecs:
            found = panels_of(Runs.load(evaluated / dataset / codec, settings.grid), settings.table, dataset, codec)
            panels += found
            ranks += agreement(paper, settings.table, found[0], known)
    context = {
        "seeds": " ".join(map(str, settings.grid.seeds)),
        "pairs": settings.transfer.pairs,
        "triples": settings.transfer.triples,
        "pairing": settings.transfer.pairing,
        "recombination": settings.transfer.recombination,
        "scale": settings.scale,
        "variant": settings.variant,
        "code": settings.metric_code,
    }
    how = (
        f"Scale {settings.scale}, variant {settings.variant}, {context['pairs']} pairs ({context['pairing']}) and "
        f"{context['triples']} triples, recombination {context['recombination']}, seeds {context['seeds']}, metric "
        f"code {settings.metric_code}."
    )
    notes = [*NOTES, *(judged(Path(path)) for path in timbre.split(",") if path), how]
    if ranks:
        notes += [AGREEMENT, tabulate(ranks, headers="keys", tablefmt="pipe", disable_numparse=True)]
    write(paper, settings.table, panels, notes, context, csv, md)


class Runs:
    """The scores of one data set and codec: of each system, seed by seed, and the bounds."""

    def __init__(self, systems: dict[str, list[Scores]], bounds: Scores):
        self.systems, self.bounds = systems, bounds
        places = {at for runs in systems.values() for run in runs for at, _ in run}
        self.frames = sorted({at.frames for at in places if at.protocol == "A" and at.frames.isdigit()}, key=int)

    @classmethod
    def load(cls, folder: Path, grid) -> "Runs":
        systems = {name: [_read(folder / name / f"{seed}.csv") for seed in grid.seeds] for name in grid.systems}
        return cls(systems, _read(folder / "bounds" / "0.csv"))

    def value(self, system: str, at: At, score: Score, seeds: bool) -> Value | None:
        """Mean over seeds. Its interval over the pairs does not shrink with the number of seeds, which share them;
        ``seeds`` joins it with the one over the seeds."""
        runs = [run[at, score] for run in self.systems[system] if (at, score) in run]
        known = [run for run in runs if run.value is not None]
        if not known:
            return runs[0] if runs else None
        value = statistics.fmean(run.value for run in known)
        below = statistics.fmean(run.value - run.low for run in known)
        above = statistics.fmean(run.high - run.value for run in known)
        if not seeds:
            return Value(value, value - below, value + above, len(known))
        low, high = seed_interval([run.value for run in known])
        half = 0.0 if low is None else (high - low) / 2
        note = "one seed" if low is None else ""
        return Value(value, value - math.hypot(below, half), value + math.hypot(above, half), len(known), note)


def _read(path: Path) -> Scores:
    scores = {}
    for row in read_csv(path):
        key = At(row["protocol"], row["frames"]), Score(row["metric"], row["statistic"])
        numbers = [float(row[name]) for name in ("value", "ci_low", "ci_high") if row[name]]
        scores[key] = Value(*numbers, int(row["n"])) if numbers else Value(note="no labels")
    return scores


def panels_of(runs: Runs, table: str, dataset: str, codec: str) -> list[Panel]:
    """All panels of one data set; the first is the document's own."""
    main, title = MAIN[table], f"{dataset}, {codec}: "
    rows = [
        ("A", "one level of the target; 95 % over pairs and seeds", main, _exchanged(runs)),
        ("A, these systems", "the same, 95 % over pairs alone: these systems, not others trained alike", main,
         _exchanged(runs, seeds=False, bounds=False)),
        ("B", "each level of another clip, held against the clip that gave it", main, _exchanged(runs, "B")),
        ("A, source", "as A, held against the source: what stays", KEPT[table], _kept(runs)),
    ]  # fmt: skip
    further = list((FURTHER[table] | ENVELOPE).items())
    for k in range(0, len(further), SIDE_BY_SIDE):
        part = dict(further[k : k + SIDE_BY_SIDE])
        rows.append((f"A, further {k // SIDE_BY_SIDE + 1}", "as A, further scores", part, _exchanged(runs)))
    return [_panel(key, title + words, codec, runs, scores, lines, dataset) for key, words, scores, lines in rows]


def _panel(key, title: str, codec: str, runs: Runs, scores: dict[str, Score], lines, dataset: str) -> Panel:
    columns = {
        Column(metric, dataset, place): (score, place)
        for metric, score in scores.items()
        for place in (*runs.frames, "rec")
    }
    cells = {
        (line.key, column): value
        for line, cell in lines
        for column, (score, place) in columns.items()
        if (value := cell(score, place)) is not None
    }
    filled = [line for line, _ in lines if any(of == line.key for of, _ in cells)]
    return Panel(key, title, codec, filled, list(columns), cells)


def _exchanged(runs: Runs, protocol: str = "A", seeds: bool = True, bounds: bool = True) -> list:
    """Pairs of a line and a function from (score, place) to its cell."""

    def system(name: str, always: At | None = None, untrained: bool = False):
        def cell(score: Score, place: str) -> Value | None:
            if untrained:
                if score != TIMBRE:
                    return None
                score = UNTRAINED
            if always:
                return None if place == "rec" else runs.value(name, always, score, seeds)
            return runs.value(name, At("rec", "rec") if place == "rec" else At(protocol, place), score, seeds)

        return cell

    def bound(at: At, only: tuple[Score, ...] = (), rec: bool = True, untrained: bool = False):
        def cell(score: Score, place: str) -> Value | None:
            if (only and score not in only) or (place == "rec" and not rec):
                return None
            return runs.bounds.get((at, UNTRAINED if untrained else score))

        return cell

    lines = [(Line(name), system(name)) for name in runs.systems]
    if protocol == "A":
        for name in runs.systems:
            line = Line(f"nothing_{name}", "floor", f"floor: nothing exchanged, {name}")
            lines.append((line, system(name, At("A", "none"))))
    if not bounds:
        return lines
    if protocol == "A":
        line = Line("unchanged", "floor", "floor: the untouched source")
        lines.append((line, bound(At("floor", "unchanged"), rec=False)))
    lines.append((Line("random", "floor", "floor: random pairs"), bound(At("floor", "random"))))
    for name in runs.systems:
        line = Line(f"untrained_timbre_{name}", "floor", f"floor: timbre network untrained, {name}")
        lines.append((line, system(name, untrained=True)))
    line = Line("untrained_timbre_random", "floor", "floor: timbre network untrained, random pairs")
    lines.append((line, bound(At("floor", "random"), (TIMBRE,), untrained=True)))
    if protocol == "A":
        for name in runs.systems:
            line = Line(f"all_{name}", "ceiling", f"ceiling: all levels exchanged, {name}")
            lines.append((line, system(name, At("A", "all"))))
    lines.append((Line("codec", "ceiling", "ceiling: codec round trip"), bound(At("ceiling", "codec"))))
    line = Line("transcriber", "ceiling", "ceiling: the transcriber on the originals")
    lines.append((line, bound(At("ceiling", "transcriber"), TRANSCRIBED)))
    return lines


def _kept(runs: Runs) -> list:
    """As :func:`_exchanged`, for sounds held against their source; its floor is what is left when all levels go."""

    def system(name: str, always: str = ""):
        def cell(score: Score, place: str) -> Value | None:
            if place == "rec":
                return None if always else runs.value(name, At("rec", "rec"), score, True)
            return runs.value(name, At("A_source", always or place), score, True)

        return cell

    lines = [(Line(name), system(name)) for name in runs.systems]
    return lines + [
        (Line(f"all_{name}", "floor", f"floor: all levels exchanged, {name}"), system(name, "all"))
        for name in runs.systems
    ]


def agreement(paper: Paper, table: str, panel: Panel, probes: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """Rank correlation of probe and transfer over the levels: ours, the document's, and the document's with h1 and h3
    exchanged in this table."""
    probe_table, metrics = PROBES[table]
    dataset = panel.columns[0].dataset
    for line in panel.lines:
        for metric, probe in metrics.items():
            columns = [column for column in panel.columns if column.metric == metric and column.place.isdigit()]
            carried = [panel.cells.get((line.key, column), Value()).value for column in columns]
            for split in dict.fromkeys(row["panel"] for row in probes):
                read = [
                    _read_by(probes, line.key, probe, split, panel.codec, dataset, column.place) for column in columns
                ]
                if line.kind != "system" or None in carried or None in read:
                    continue
                sign = -1 if paper.lower_is_better(probe) else 1
                there = _printed(paper, table, line.key, metric, dataset)
                probed = _printed(paper, probe_table, line.key, probe, dataset)
                yield {
                    "data set": dataset,
                    "system": line.key,
                    "by probe": f"{paper.heading(probe)}, {split}",
                    "by transfer": paper.heading(metric),
                    "ours": _spearman(read, carried, sign),
                    "printed": _spearman(probed, there, sign),
                    "printed, exchanged": _spearman(probed, there[::-1], sign),
                }


def _read_by(probes: list[dict[str, str]], system: str, metric: str, split: str, codec: str, dataset: str, place: str):
    wanted = {"row": system, "metric": metric, "panel": split, "codec": codec, "dataset": dataset, "place": place}
    found = [row["value"] for row in probes if all(row[key] == value for key, value in wanted.items())]
    return float(found[0]) if found and found[0] else None


def _printed(paper: Paper, table: str, system: str, metric: str, dataset: str) -> list[float]:
    """h1, h2, h3 as printed."""
    wanted = {"row": paper.row(system), "metric": metric, "dataset": paper.dataset(dataset)}
    levels = {
        number["level"]: float(number["value"])
        for number in paper.table(table)
        if all(number[key] == value for key, value in wanted.items())
    }
    return [levels[name] for name in ("h1", "h2", "h3") if name in levels]


def _spearman(probed: list[float], carried: list[float], sign: int) -> str:
    if len(probed) < 2 or len(probed) != len(carried) or len(set(probed)) == 1 or len(set(carried)) == 1:
        return ""
    return f"{sign * stats.spearmanr(probed, carried).statistic:.2f}"


def judged(facts: Path) -> str:
    """What the timbre network of one data set is worth, in a sentence."""
    said = json.loads(facts.read_text(encoding="utf-8"))
    names = {"trained": "trained", "untrained": "untrained", "mean_mfcc": "the mean MFCC alone"}
    words = ", ".join(
        f"{words} {said['validation'][name]['hard_accuracy']:.2f} (AUC of pairs {said['validation'][name]['auc']:.2f})"
        for name, words in names.items()
    )
    shared = ", ".join(f"{count} {name}" for name, count in said["validation"]["trained"]["negatives_share"].items())
    return (
        f"Timbre network of {facts.parent.name} ({', '.join(said['trained_on'])}), share of hard triplets solved, "
        f"anchor and positive held out: {words}; the negatives share with the anchor: {shared}."
    )


if __name__ == "__main__":
    run_stage(
        main,
        evaluated="path of the folder with the transfer scores",
        timbre="timbre.json of each data set, paths joined by commas",
        probes="path of the probe table (tidy) to compare ranks with",
        printed="path of the paper's printed numbers",
        csv="path of the tidy table to write",
        md="path of the readable table to write",
    )
