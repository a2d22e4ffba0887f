"""Manté's page with everything that it shows, from small sets of sines under controls of their own."""

from pathlib import Path

import numpy as np

from etude.audio.clips import clip_ids
from etude.controls.tracks import control_names, control_tracks
from etude.pipeline.files import read_csv, write_csv, write_json
from etude.pipeline.stage import namespace
from stages.report import control_figures, page, sounds, sweep, toys_table
from stages.report.pages.plan import Plan
from stages.train.toys import COLUMNS as TOY_COLUMNS
from tests.conftest import make_generated, make_prepared, note
from tests.stages import mante_results

ROOT = Path(__file__).parents[3]
DATASET, PLAYERS, RATE = "gm_melodies", ["piano", "violin", "trumpet"], 75.0
SECONDS, FREE = 2.0, "velocity"
PARAMS = {
    "mante2024": {
        "datasets": [DATASET],
        "seeds": [0, 1],
        "cells": {
            name: {"format": cell["format"], "seconds": None if cell["seconds"] == 4 else SECONDS}
            for name, cell in mante_results.CELLS.items()
        },
        "generate": {"seconds": SECONDS, "untrained": ["edm_latents"]},
        "fidelity": {"free": ["edm_latents"]},
        "figures": {"cells": ["edm_best"]},
        "sweeps": {"cell": "edm_latents", "churn": [40.0], "steps": [8], "guidance": [1.0]},
    },
    "toys": {"runs": {"roll_mlp": {}}},
}


def build(folder: Path, reports: Path, plan: Plan, style: Path, curve) -> Path:
    """Make the data, the tables and the page below ``reports``; ``curve(path)`` writes a loss. Returns the page."""
    here = reports / "mante2024"
    here.mkdir(parents=True)
    prepared = make_prepared(folder / f"data/prepared/{DATASET}", pitches=range(48, 60))
    names = clip_ids(prepared, "valid")
    melodies(folder, prepared)
    for group in plan.listen(DATASET):
        drawn = group["controls"].get("files")
        clips = [path.stem for path in sorted(Path(drawn).glob("*.csv"))] if drawn else names
        for one in group["sets"]:
            target = Path(one["folder"])
            if not target.exists():
                sound = {clip: note("flute", 60 + k).astype(np.float64) / 32768 for k, clip in enumerate(clips)}
                make_generated(target, sound)
                free = [FREE] if f"free_{FREE}" in one["label"] else []
                write_json(target / "protocol.json", {"sample_rate": 16000, "settings": {"free": free}})
    for one in plan.curves():
        curve(Path(one["path"]))
    results = tables(folder, here)
    out = reports / f"paper_assets/mante2024/{DATASET}/index.csv"
    settings = {"clips": 3, "sounding": 8, "groups": plan.listen(DATASET), "points": []}
    sounds.main(namespace(settings), prepared, out)
    settings = {
        "scale": "laptop", "variant": "corrected", "seeds": [0, 1], "results": results, "results_root": str(reports),
        "fad": plan.protocols, "curves": plan.curves(), "points": plan.points(),
        "sounds": [{"dataset": DATASET, "groups": plan.listen(DATASET)}],
    }  # fmt: skip
    page.main(namespace(settings), ROOT / "papers/mante2024.yaml", style, out.parents[1], here / "index.html")
    return here / "index.html"


def melodies(folder: Path, prepared: Path) -> None:
    """The CQT's folder of formats: of each clip two notes with a rest between them, by one of three players."""
    rows = read_csv(prepared)
    frames = round(SECONDS * RATE)
    tracks = [
        control_tracks(
            [[int(row["pitch"]), 0.0, 0.8, 100], [60, 1.0, 2.0, 60]], PLAYERS[k % 3], PLAYERS, frames, RATE
        )
        for k, row in enumerate(rows)
    ]  # fmt: skip
    form = folder / f"data/formats/{DATASET}/cqt"
    form.mkdir(parents=True)
    write_csv(form / "index.csv", [{"clip": row["clip"], "row": row["row"], "split": row["split"]} for row in rows],
              ["clip", "row", "split"])  # fmt: skip
    np.save(form / "controls.npy", np.stack(tracks))
    np.save(form / "clips.npy", np.zeros((len(rows), 1, frames), np.int8))
    facts = {"frames_per_second": RATE, "controls": control_names(PLAYERS), "codec": "cqt", "array": "latents"}
    write_json(form / "format.json", facts)


def tables(folder: Path, here: Path) -> list[str]:
    """Tables 4.1 and 4.2, fidelity, claims, toys, a sweep and a figure; paths of all, as the collector lists them."""
    root = mante_results.evaluate(folder / "evaluated")
    mante_results.table(root, "4.1", here), mante_results.table(root, "4.2", here)
    mante_results.fidelity(root, here), mante_results.judged(here), mante_results.fads(root, here)
    row = dict.fromkeys(TOY_COLUMNS, "1") | {"toy": "roll_mlp", "figure": "Figure 3.1", "metric": "energy distance"}
    write_csv(folder / "models/toys/roll_mlp/numbers.csv", [row], TOY_COLUMNS)
    toys = namespace({"toys": ["roll_mlp"], "scale": "laptop"})
    toys_table.main(toys, folder / "models/toys", here / "toys.csv", here / "toys.md")
    points = namespace(mante_results.COMMON | {"cell": "edm_latents", "knob": "churn",
                       "points": [[0.0, "edm_latents"], [40.0, "edm_film"]], "seed": 0})  # fmt: skip
    sweep.main(points, root / "reports", *(here / f"sweep_churn.{kind}" for kind in ("csv", "svg", "png")))
    form = folder / f"data/formats/{DATASET}/cqt/format.json"
    shown = {"figure": "3.5", "name": "3_5", "cell": "", "triplets": 1, "noise_seed": 0, "title": "3.5", "scale": ""}
    kinds = [here / f"figure3_5.{kind}" for kind in ("csv", "svg", "png")]
    control_figures.main(namespace(shown), form, "none", "none", "none", *kinds)
    readable = ["table4_1", "table4_2", "fidelity", "claims", "toys"]
    names = [f"{name}.{kind}" for name in readable for kind in ("md", "csv")]
    return [str(here / name) for name in (*names, "fad.csv", "sweep_churn.svg", "figure3_5.svg")]
