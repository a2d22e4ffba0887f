"""Lay the levels of a system out in a plane (UMAP) and measure what the picture shows (P-30, Figures 18-21).

Each level is averaged over time, projected by UMAP with a fixed seed on one thread, and its coordinates are saved. The
numbers beside the picture, in the latent space and in the plane: 10-NN label agreement (``knn_purity``) and silhouette,
for the pitch and for the instrument; and the ``trustworthiness`` of the plane, which needs no label. Clips cut from one
recording are neighbours of course, so ``knn_purity_across`` looks for neighbours in other recordings only (for notes,
each of which is its own recording, it is the same number). ``floor`` is what a number is when labels are permuted (for
trustworthiness: the points of the plane).

The instrument is the family (NSynth) or class (Slakh). The pitch is that of the note, and of a stem that of the notes
which sound longest in the clip. What cannot be computed (no labels, a single class, a level that never varies) leaves
the value empty and says why in ``note``.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from etude.audio.clips import sample
from etude.errors import UserError
from etude.metrics.neighbours import (
    chance_purity,
    distance_matrix,
    knn_purity,
    neighbours,
    permuted_silhouette,
    permuted_trustworthiness,
    silhouette,
    trustworthiness,
)
from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.progress import progress
from etude.pipeline.stage import plain, run_stage

LABELS = ("pitch", "instrument")
PER_LABEL = ("knn_purity", "knn_purity_across", "silhouette")
FEWEST = 10  # points: fewer have no neighbourhoods to speak of
COLUMNS = [
    "dataset", "codec", "system", "seed", "frames", "label", "space", "metric", "value", "floor", "n", "note",
]  # fmt: skip


def main(settings, levels: Path, notes: Path, csv: Path, out: Path) -> None:
    rows = [row for row in read_csv(levels) if row["split"] == settings.split]
    if not rows:
        raise UserError(f"{levels}: no clips in split {settings.split!r}; choose another as projection.split")
    chosen = sample([row["clip"] for row in rows], settings.clips or len(rows))
    rows = [row for row in rows if row["clip"] in chosen]
    labels = {"pitch": _pitches(rows, notes), "instrument": [row["family"] for row in rows]}
    measured, placed = [], []
    for frames, path in progress(
        _levels(levels.parent), f"project {' '.join(map(str, vars(settings.labels).values()))}"
    ):
        points = np.load(path, mmap_mode="r")[[int(row["row"]) for row in rows]].mean(axis=2)
        plane, problem = project(points, settings)
        measured += [
            {**plain(settings.labels), "frames": frames, **row}
            for row in measure(points, plane, problem, labels, [row["source"] for row in rows], settings)
        ]
        for k, row in enumerate(rows):
            place = ("", "") if plane is None else (f"{plane[k, 0]:.6g}", f"{plane[k, 1]:.6g}")
            placed.append(
                {"frames": frames, "clip": row["clip"], "x": place[0], "y": place[1], "note": problem}
                | {name: labels[name][k] for name in LABELS}
            )
    write_csv(out, placed, ["frames", "clip", "x", "y", *LABELS, "note"])
    write_csv(csv, measured, COLUMNS)


def _levels(folder: Path) -> list[tuple[int, Path]]:
    """(frames, path) of each level that lies in ``folder``, coarse to fine."""
    found = sorted((int(path.stem.removeprefix("level")), path) for path in folder.glob("level[0-9]*.npy"))
    if not found:
        raise UserError(f"{folder}: no level<frames>.npy found beside index.csv; make the levels again")
    return found


def _pitches(rows: list[dict[str, str]], notes: Path) -> list[str]:
    """The pitch of each clip: of its row, else the one whose notes sound longest (the lowest of equals), else ''."""
    missing = {row["clip"] for row in rows if not row["pitch"]}
    sounding: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for note in read_csv(notes) if missing else []:
        if note["clip"] in missing:
            sounding[note["clip"]][int(note["pitch"])] += float(note["offset"]) - float(note["onset"])
    longest = {clip: max(sorted(pitches), key=pitches.__getitem__) for clip, pitches in sounding.items()}
    return [row["pitch"] or str(longest.get(row["clip"], "")) for row in rows]


def project(points: np.ndarray, settings) -> tuple[np.ndarray | None, str]:
    """UMAP of ``points`` [n, width]: coordinates [n, 2], or None and a sentence that says why there are none."""
    if len(points) < FEWEST:
        return None, f"{len(points)} clips, {FEWEST} needed"
    if not np.isfinite(points).all():
        raise UserError("a level has values that are not finite; train the system again with a lower train.lr")
    if np.ptp(points, axis=0).max() < 1e-6:
        return None, "this level is the same for all clips: it carries nothing"
    from umap import UMAP  # compiles for ten seconds, so only where it is needed

    mapper = UMAP(
        n_neighbors=min(settings.neighbours, len(points) - 1),
        min_dist=settings.min_dist,
        metric="euclidean",
        init="pca",  # spectral initialisation depends on the platform's eigenvalue solver
        random_state=settings.seed,
        n_jobs=1,
    )
    return mapper.fit_transform(points.astype(np.float32)).astype(np.float64), ""


def measure(
    points: np.ndarray, plane: np.ndarray | None, problem: str, labels: dict[str, list[str]], recordings: list[str],
    settings,
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of label, space, metric, value, floor, n, note for one level."""
    empty = plane is None
    distances = {} if empty else {"latent": distance_matrix(points), "plane": distance_matrix(plane)}
    rows = []
    for label in LABELS:
        known = np.array([value != "" for value in labels[label]])
        values, groups = np.array(labels[label])[known], np.array(recordings)[known]
        reason = problem or _unusable(values, label)
        for space in ("latent", "plane"):
            inside = None if reason else distances[space][np.ix_(known, known)]
            found = dict.fromkeys(PER_LABEL, (None, None)) if reason else _agreement(inside, values, groups, settings)
            for metric, (value, floor) in found.items():
                note = reason or ("not defined for these clips" if value is None else _lonely(values))
                rows.append(_row(label, space, metric, value, floor, int(known.sum()), note))
    true = floor = None
    if not empty:
        arguments = distances["latent"], plane, settings.agreement
        true = trustworthiness(*arguments)
        floor = permuted_trustworthiness(*arguments, settings.permutations, settings.seed)
    note = problem or ("" if true is not None else f"not defined for {len(points)} clips")
    return [*rows, _row("", "plane", "trustworthiness", true, floor, len(points), note)]


def _agreement(distances: np.ndarray, values: np.ndarray, groups: np.ndarray, settings):
    """(value, floor) of each metric of :data:`PER_LABEL`."""
    chance = chance_purity(values)
    return {
        "knn_purity": (knn_purity(neighbours(distances, settings.agreement), values), chance),
        "knn_purity_across": (knn_purity(neighbours(distances, settings.agreement, groups), values), chance),
        "silhouette": (
            silhouette(distances, values),
            permuted_silhouette(distances, values, settings.permutations, settings.seed),
        ),
    }


def _unusable(values: np.ndarray, label: str) -> str:
    """Why these labels allow no number, or ''."""
    if not len(values):
        return f"no {label} labels"
    if len(values) < FEWEST:
        return f"{len(values)} clips with a label, {FEWEST} needed"
    return f"a single {label}: {values[0]}" if len(set(values)) == 1 else ""


def _lonely(values: np.ndarray) -> str:
    """A word on classes of one clip, which no neighbour can agree with."""
    names, counts = np.unique(values, return_counts=True)
    lonely = names[counts == 1]
    return f"classes of one clip: {len(lonely)} of {len(names)}" if len(lonely) else ""


def _row(label: str, space: str, metric: str, value: float | None, floor: float | None, n: int, note: str):
    numbers = {"value": value, "floor": floor}
    texts = {name: "" if number is None else f"{number:.6g}" for name, number in numbers.items()}
    return {"label": label, "space": space, "metric": metric, **texts, "n": n, "note": note}


if __name__ == "__main__":
    run_stage(
        main,
        levels="path of the index.csv of a system's levels",
        notes="path of the prepared data set's notes.csv",
        csv="path of the table of numbers to write",
        out="path of the table of coordinates to write",
    )
