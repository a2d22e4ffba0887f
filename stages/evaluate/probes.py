"""What can be read from each level: pitch, instrument, melody (P-25, P-28, P-29; Pichard 2024, Tables 2 and 3).

    python -m stages.evaluate.probes --settings '{"seeds": [0, 1, 2], "mlp": {...}, "bilstm": {...}, "samples": 32768,
        "arrays": ["level"], "labels": {"dataset": "gm_notes", ...}}' --data data/levels/.../index.csv
        --notes data/prepared/gm_notes/notes.csv --out reports/evaluate/probes/.../0.csv

Pitch and instrument (its family) are asked of the time average, by an MLP; melody, for stems, of the sequence, by a
BiLSTM. Features are standardised over the probe's own training clips. Every probe is fitted with several seeds, and
once with the labels of other clips (``shuffled``): what a probe of this size makes of nothing. ``majority`` and
``prior`` are the two constant answers. The best epoch is chosen on the valid part, the numbers are of the test part.

One row for each array, attribute, split, probe seed and metric. What cannot be asked is a row whose ``note`` says why.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from etude.metrics.labels import accuracy, majority_accuracy
from etude.metrics.rolls import average_precision, binary_cross_entropy, entropy, frame_f1, marginals, piano_roll
from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.progress import progress
from etude.pipeline.stage import plain, run_stage
from etude.probes.bilstm import BiLSTMProbe, roll_loss
from etude.probes.fit import fit, outputs, paired
from etude.probes.mlp import MLPProbe, label_loss, time_average
from etude.training.seeds import generator_at
from stages.evaluate.probe_splits import PROTOCOLS, Parts

COLUMNS = [
    "dataset", "codec", "system", "seed", "input", "frames", "width", "attribute", "split", "kind", "probe_seed",
    "metric", "value", "epoch", "n_train", "n_valid", "n_test", "classes", "note",
]  # fmt: skip
PITCHES = 128
INPUTS = {"level": "h", "refined": "refined", "latents": "codec"}
Row = dict[str, Any]


def main(settings, data: Path, notes: Path, out: Path) -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    rows = read_csv(data)
    arrays = find_arrays(data.parent, settings.arrays)
    tasks = [
        (question, split, parts)
        for question in questions(rows, notes, settings)
        for split, parts in ((name, protocol(rows)) for name, protocol in PROTOCOLS.items())
    ]
    found: list[Row] = []
    for question, split, parts in progress(tasks, f"probes {settings.labels.system} on {settings.labels.dataset}"):
        common = {**plain(settings.labels), "attribute": question.attribute, "split": split}
        parts = question.usable(parts)
        if problem := question.problem or missing(parts):
            found.append(row(common, note=problem))
            continue
        common |= {f"n_{name}": len(clips) for name, clips in parts.items()} | {"classes": question.classes(parts)}
        found += [row(common, kind=kind, **scores) for kind, scores in question.floors(parts)]
        for array in arrays:
            place = {"input": array.input, "frames": array.frames, "width": array.width}
            found += [row(common | place, **scores) for scores in question.ask(array.values, parts, split)]
    write_csv(out, found, COLUMNS)


@dataclass(frozen=True)
class Levels:
    """One array of levels: ``values`` float32 [clips, width, frames]."""

    input: str
    values: np.ndarray

    @property
    def width(self) -> int:
        return self.values.shape[1]

    @property
    def frames(self) -> int:
        return self.values.shape[2]


def find_arrays(folder: Path, kinds: list[str]) -> list[Levels]:
    """The arrays ``<kind><frames>.npy`` (or ``<kind>.npy``) in ``folder``, short ones first."""
    named = [(match[1], path) for path in folder.glob("*.npy") if (match := re.fullmatch(r"([a-z]+)\d*", path.stem))]
    arrays = [Levels(INPUTS[kind], np.load(path, mmap_mode="r")) for kind, path in named if kind in kinds]
    return sorted(arrays, key=lambda array: (array.input, array.frames))


def missing(parts: Parts) -> str:
    """Why nothing can be asked of these parts; empty when it can."""
    return ", ".join(f"no clips in {name}" for name, clips in parts.items() if not len(clips))


def row(common: Row, **cells: Any) -> Row:
    """One line of the table; what is not said is empty."""
    return dict.fromkeys(COLUMNS, "") | common | cells


def questions(rows: list[dict[str, str]], notes: Path, settings) -> "Iterator[Label | Melody]":
    """What this data set can be asked: of single notes their pitch, of stems their melody, of both the instrument."""
    pitches = [row["pitch"] for row in rows]
    if any(pitches):
        yield Label("pitch", pitches, settings)
    else:
        yield Melody(rows, read_csv(notes), notes.parent, settings)
    yield Label("instrument", [row["family"] for row in rows], settings)


class Label:
    """One label per clip, asked of the time average by an MLP."""

    def __init__(self, attribute: str, labels: list[str], settings):
        self.attribute, self.labels, self.settings = attribute, np.array(labels), settings
        self.problem = "" if any(labels) else "no labels"

    def usable(self, parts: Parts) -> Parts:
        """Without the clips that have no label."""
        return {name: clips[self.labels[clips] != ""] for name, clips in parts.items()}

    def classes(self, parts: Parts) -> int:
        return len(np.unique(self.labels[parts["train"]]))

    def numbers(self, parts: Parts) -> dict[str, np.ndarray]:
        """Labels as numbers in the order of the train part's; -1 for one that it lacks."""
        known = {label: number for number, label in enumerate(np.unique(self.labels[parts["train"]]))}
        return {name: np.array([known.get(label, -1) for label in self.labels[clips]]) for name, clips in parts.items()}

    def floors(self, parts: Parts) -> Iterator[tuple[str, Row]]:
        targets = self.numbers(parts)
        yield "majority", {"metric": "accuracy", "value": majority_accuracy(targets["train"], targets["test"])}

    def ask(self, levels: np.ndarray, parts: Parts, split: str) -> Iterator[Row]:
        options, members = self.settings.mlp, Members(self.settings.seeds, self.attribute, split)
        targets = {name: torch.from_numpy(numbers) for name, numbers in self.numbers(parts).items()}
        features = {name: time_average(torch.from_numpy(levels[clips])) for name, clips in parts.items()}
        mean, std = features["train"].mean(dim=0), features["train"].std(dim=0).clamp(min=1e-6)
        features = {name: ((values - mean) / std).to(members.device) for name, values in features.items()}
        probe = MLPProbe(len(mean), options.hidden, self.classes(parts), members.generators).to(members.device)
        cases = members.cases(features, targets)
        _, epochs = fit(probe, probe, label_loss, cases["train"], cases["valid"], options, members.generators)
        guesses = outputs(probe, features["test"], len(members), options.batch).argmax(dim=-1).cpu().numpy()
        for said, guess, epoch in zip(members.said, guesses, epochs.tolist(), strict=True):
            value = accuracy(guess, targets["test"].numpy())
            yield {**said, "metric": "accuracy", "value": value, "epoch": epoch}


class Melody:
    """Which pitches sound in which frame, asked of the sequence by a BiLSTM."""

    attribute = "melody"

    def __init__(self, rows: list[dict[str, str]], notes: list[dict[str, str]], prepared: Path, settings):
        self.settings = settings
        self.names = np.array([row["clip"] for row in rows])
        self.problem = "" if notes else "no labels"
        protocol = json.loads((prepared / "protocol.json").read_text(encoding="utf-8"))
        self.seconds = settings.samples / protocol["sample_rate"]
        self.notes: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        for note in notes:
            self.notes[note["clip"]].append((float(note["pitch"]), float(note["onset"]), float(note["offset"])))

    def usable(self, parts: Parts) -> Parts:
        """At most so many clips of each part, from everywhere in it."""
        limit = self.settings.bilstm.clips or len(self.names)
        orders = {name: torch.randperm(len(clips), generator=generator_at(name)) for name, clips in parts.items()}
        return {name: clips[orders[name][:limit].sort().values.numpy()] for name, clips in parts.items()}

    def rolls(self, clips: np.ndarray) -> np.ndarray:
        """bool [clips, label frames, 128]: what sounds in the part of each clip that the levels describe."""
        frames = self.settings.bilstm.label_frames
        notes = [np.array(self.notes[name]).reshape(-1, 3) for name in self.names[clips]]
        return np.array([piano_roll(found, frames, self.seconds, PITCHES) for found in notes])

    def classes(self, parts: Parts) -> int:
        return int(self.rolls(parts["train"]).any(axis=(0, 1)).sum())

    def floors(self, parts: Parts) -> Iterator[tuple[str, Row]]:
        """Each pitch as often as in the train part; for the cross-entropy also all 128 alike (``entropy``)."""
        train, test = self.rolls(parts["train"]), self.rolls(parts["test"])
        prior = marginals(train)
        logits = np.broadcast_to(np.log(prior / (1 - prior)), test.shape)
        for metric, value in roll_scores(logits, test).items():
            yield "prior", {"metric": metric, "value": value}
        yield "entropy", {"metric": "bce", "value": float(entropy(test.mean()))}

    def ask(self, levels: np.ndarray, parts: Parts, split: str) -> Iterator[Row]:
        options, members = self.settings.bilstm, Members(self.settings.seeds, self.attribute, split)
        rolls = {name: torch.from_numpy(self.rolls(clips)) for name, clips in parts.items()}
        inputs = {name: torch.from_numpy(levels[clips]) for name, clips in parts.items()}
        mean = inputs["train"].mean(dim=(0, 2))[:, None]
        std = inputs["train"].std(dim=(0, 2))[:, None].clamp(min=1e-6)
        inputs = {name: ((values - mean) / std).to(members.device) for name, values in inputs.items()}
        heard = rolls["train"].any(dim=1).any(dim=0)
        prior = torch.from_numpy(marginals(rolls["train"].numpy()))
        probe = BiLSTMProbe(len(mean), options.hidden, options.label_frames, prior, heard, members.generators)
        probe = probe.to(members.device)
        cases = members.cases(inputs, {name: roll[..., heard] for name, roll in rolls.items()})
        _, epochs = fit(
            probe, probe.heard_logits, roll_loss, cases["train"], cases["valid"], options, members.generators
        )
        answers = outputs(probe, inputs["test"], len(members), options.batch)
        for said, logits, epoch in zip(members.said, answers, epochs.tolist(), strict=True):
            for metric, value in roll_scores(logits.cpu().numpy(), rolls["test"].numpy()).items():
                yield {**said, "metric": metric, "value": value, "epoch": epoch}


def roll_scores(logits: np.ndarray, truth: np.ndarray) -> dict[str, float | None]:
    """Cross-entropy as in the thesis, and two scores that do not hang on how many notes there are."""
    return {
        "bce": binary_cross_entropy(logits, truth),
        "frame_f1": frame_f1(logits, truth),
        "average_precision": average_precision(logits, truth),
    }


class Members:
    """One probe per seed, and with the first seed one more whose labels belong to other clips."""

    def __init__(self, seeds: list[int], *place: str):
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.said = [{"kind": "probe", "probe_seed": seed} for seed in seeds]
        self.said.append({"kind": "shuffled", "probe_seed": seeds[0]})
        self.generators = [generator_at(said["probe_seed"], *place) for said in self.said]
        self.place = place

    def __len__(self) -> int:
        return len(self.said)

    def cases(self, inputs: dict[str, Tensor], targets: dict[str, Tensor]):
        """Training and valid clips with the label each member is told."""

        def shuffles(part: str) -> list[torch.Generator | None]:
            return [
                generator_at(said["probe_seed"], "shuffle", part, *self.place) if said["kind"] == "shuffled" else None
                for said in self.said
            ]

        return {
            part: paired(inputs[part], targets[part].to(self.device), shuffles(part)) for part in ("train", "valid")
        }


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the index.csv of the levels, or of the encoded data set for the codec's latents",
        notes="path of the prepared data set's notes.csv",
        out="path of the table to write",
    )
