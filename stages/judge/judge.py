"""Make or find a network that measures, and write down what it is.

    python -m stages.judge.judge --settings '{"embedding": "gm_cnn", "seed": 0, ...}'
        --data data/prepared/gm_notes/index.csv --out models/judges/gm_notes/gm_cnn/judge.json

An embedding that is trained here learns from the labels of the data set's train split; a pretrained one is a weight
file of the user's, which is checked. `judge.json` says which it is, how long its windows are, and the hash of its
weights.
"""

import os
from pathlib import Path
from types import SimpleNamespace

import torch

from etude.embeddings import plugin
from etude.pipeline.files import write_json
from etude.pipeline.stage import run_stage


def judge(settings: SimpleNamespace, data: Path, out: Path) -> None:
    """Obtain embedding settings.embedding; the rest of settings is its block of params.yaml and a seed."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.use_deterministic_algorithms(True)
    out.parent.mkdir(parents=True, exist_ok=True)
    facts = plugin(settings.embedding).obtain(out.parent, data, settings)
    write_json(out, {"embedding": settings.embedding, **facts})
    found = ", ".join(f"{name} {value:.3g}" for name, value in facts.get("validation", {}).items())
    print(
        f"{settings.embedding}: {facts['dimension']} dimensions, weights {facts['weights_sha256'][:12]}"
        + (f"; {found}" if found else "")
    )


if __name__ == "__main__":
    run_stage(
        judge, data="path of a prepared data set's index.csv", out="path of judge.json to write, weights beside it"
    )
