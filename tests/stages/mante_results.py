"""Evaluations of Manté's cells with chosen numbers, as the stages leave them, and the tables made of them."""

from pathlib import Path

import numpy as np

from etude.pipeline.files import read_csv, write_csv, write_json
from etude.pipeline.stage import namespace
from stages.report import claims, controlled_fad, controlled_table, fidelity_table
from stages.report.fad import PROTOCOL

ROOT = Path(__file__).parents[2]
PRINTED = ROOT / "papers/mante2024_tables.csv"
FIVE = ["ddpm_cqt", "edm_cqt", "ddpm_latents", "edm_latents", "discdpm_codes"]
FADS = dict(zip(FIVE, (7.0, 4.0, 70.0, 8.0, 50.0), strict=True)) | {"edm_best": 4.0, "edm_film": 30.0}
SHAPES = {"cqt": ((2, 216, 1921), 240.0), "latents": ((128, 600), 75.0), "codes": ((16, 600), 75.0)}
CELLS = {
    name: {
        "format": name.partition("_")[2] if name in FIVE else "latents",
        "seconds": 8.0 if name == "edm_best" else 4.0,
        "round_trip": "round_trip",
        "originals": "originals",
        "untrained": "untrained" if name == "edm_latents" else "",
        "slow": {"edm_cqt": "ddpm_cqt", "edm_latents": "ddpm_latents"}.get(name, ""),
    }
    for name in FADS
}
COMMON = {
    "datasets": ["gm_melodies"],
    "embeddings": ["gm_cnn"],
    "seeds": [0, 1],
    "scale": "laptop",
    "metric_code": "abc",
}
HEARD = (
    "edm_latents", "edm_best", "edm_film", "edm_attention", "free_velocity_edm_best", "free_pitch_edm_best",
    "originals_4s",
)  # fmt: skip
FOLLOWED = ("chroma_accuracy", "voicing_accuracy", "velocity_correlation", "instrument_accuracy")


def evaluate(root: Path) -> Path:
    """Write reports/evaluate, models and formats below ``root``; returns it."""
    sets = FADS | {"round_trip": 1.0, "originals": 0.5, "untrained": 200.0}
    for name, value in sets.items():
        for seed in (0, 1):
            row = {"fad": value + 1, "fad_jack": value + 0.1 * seed, "ci_low": value - 0.2, "ci_high": value + 0.2}
            row |= {"floor": 0.3, "floor_jack": 0.01, "floor_se_jack": 0.1} | dict.fromkeys(PROTOCOL, "")
            path = root / f"reports/evaluate/controlled/gm_melodies/{name}/{seed}/gm_cnn.csv"
            write_csv(path, [row], list(row))
    rows = []
    for repeat in range(3):
        for name in FADS:
            seconds = (25.0 if name.startswith("ddpm") else 1.0) + 0.01 * repeat
            times = {"inference_seconds": seconds, "calls": 35, "calls_made": 35, "device": "a machine", "threads": 1}
            rows.append({"cell": name, "repeat": repeat} | times)
    write_csv(root / "reports/evaluate/speed/gm_melodies.csv", rows, list(rows[0]))
    for name, cell in CELLS.items():
        for seed in (0, 1):
            folder = root / f"models/controlled/gm_melodies/{name}/{seed}"
            step = 0.1 + 0.0001 * seed
            facts = {
                "steps": 400,
                "batch": 8,
                "parameters": 56_900_000,
                "seconds": 400 * step,
                "seconds_per_step": step,
            }
            write_json(folder / "training.json", facts)
            curve = [{"loss": 1.0 - 0.01 * k + 0.0001 * (k % 2)} for k in range(40)]
            write_csv(folder / "loss.csv", curve, ["loss"])
        folder = root / f"data/formats/gm_melodies/{cell['format']}"
        shape, rate = SHAPES[cell["format"]]
        write_json(folder / "format.json", {"frames_per_second": rate})
        np.save(folder / "clips.npy", np.zeros((1, *shape), np.int8))
    for name in HEARD:
        for seed in (0, 1):
            rows = []
            for against, value in (("own", 0.4 if name.startswith(("free", "edm_film")) else 0.8), ("shuffled", 0.1)):
                for metric in (*FOLLOWED, "silence_at_c", "silence_elsewhere"):
                    score = {"silence_at_c": 0.6, "silence_elsewhere": 0.1}.get(metric, value)
                    rows.append({"metric": metric, "against": against, "value": score, "ci_low": score - 0.05})
                    rows[-1] |= {"ci_high": score + 0.05, "n": 8}
            write_csv(root / f"reports/evaluate/fidelity/gm_melodies/{name}/{seed}.csv", rows, list(rows[0]))
    return root


def table(root: Path, number: str = "4.1", here: Path | None = None):
    """Table ``number``, written into ``here``: its rows and its page."""
    chosen = {name: cell for name, cell in CELLS.items() if (name == "edm_best") == (number == "4.2")}
    settings = COMMON | {"table": number, "order": list(chosen), "cells": chosen, "clips": 64, "batch": 8}
    csv = (here or root) / f"table{number.replace('.', '_')}.csv"
    paths = root / "reports", root / "models/controlled", root / "data/formats"
    controlled_table.main(namespace(settings), PRINTED, *paths, csv, csv.with_suffix(".md"))
    return read_csv(csv), csv.with_suffix(".md").read_text()


def fidelity(root: Path, here: Path | None = None):
    """The table of control fidelity, likewise."""
    sets = {
        name: {
            "kind": "ceiling" if name == "originals_4s" else "system",
            "seeds": [0, 1],
            "shuffled": name.startswith("edm"),
        }
        for name in HEARD
    }
    csv = (here or root) / "fidelity.csv"
    settings = namespace(COMMON | {"order": list(sets), "sets": sets})
    fidelity_table.main(settings, PRINTED, root / "reports/evaluate/fidelity", csv, csv.with_suffix(".md"))
    return read_csv(csv), csv.with_suffix(".md").read_text()


def fads(root: Path, here: Path) -> list[dict[str, str]]:
    """fad.csv of the cells, written into ``here``: its rows."""
    settings = namespace(COMMON | {"variant": "corrected", "order": list(CELLS), "cells": CELLS})
    controlled_fad.main(settings, PRINTED, root / "reports/evaluate/controlled", here / "fad.csv")
    return read_csv(here / "fad.csv")


def judged(here: Path):
    """The claims that the tables in ``here`` decide, written there: rows and page."""
    evidence = ",".join(str(here / name) for name in ("table4_1.csv", "table4_2.csv", "fidelity.csv"))
    grid = {"datasets": ["gm_melodies"], "codecs": [""], "seeds": [0, 1]}
    settings = namespace({"scale": "laptop", "variant": "corrected", "grid": grid})
    csv = here / "claims.csv"
    claims.main(settings, ROOT / "papers/mante2024_claims.yaml", PRINTED, evidence, csv, csv.with_suffix(".md"))
    return read_csv(csv), csv.with_suffix(".md").read_text()
