"""Train the timbre metric on the sounds of a data set's train split, and say what it is worth (P-32).

    python -m stages.judge.timbre --settings '{"steps": 900, "batch": 16, "lr": 0.001, ...}'
        --data data/prepared/gm_notes/index.csv --out models/timbre/gm_notes/timbre.json

Two clips of one instrument and one of another make a triplet; Adam on the hinge loss. Beside the weights the same
network before training is kept, as the floor of every similarity. Neither saw the splits ``valid`` and ``test``, from
which the anchors and positives come on which both are compared (nothing is chosen by them), and with them the cosine of
mean MFCCs, which needs no network at all. Easy triplets tell little: on many sets a random network solves nearly all of
them. The hard ones have a negative of the anchor's own pitch and family, which may be a sound of the train split:
data sets hold out few instruments of a family.
"""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from etude.errors import UserError
from etude.metrics.timbre import FRONT_END, TimbreMetric, TripletNetwork, triplet_loss
from etude.pipeline.files import atomic, sha256_file, write_json
from etude.pipeline.progress import progress
from etude.pipeline.stage import run_stage
from stages.judge.segments import Segments, Triplets, of_dataset, of_folder

WEIGHTS, UNTRAINED = "weights.safetensors", "untrained.safetensors"
BLOCK = 64  # triplets at a time in validation


def timbre(settings: SimpleNamespace, data: Path, out: Path) -> None:
    """Settings: steps, batch, lr, hard (share of hard negatives), clips (at most), triplets (of the validation),
    positive (instrument | file), mixing_secrets (folder or null), seed."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.use_deterministic_algorithms(True)
    train = of_dataset(data, ("train",), settings.clips, settings.positive)
    sources = {data.parent.name: len(train)}
    if settings.mixing_secrets:
        folder = Path(settings.mixing_secrets)
        if not folder.is_dir():
            raise UserError(
                f"{folder}: no such folder; timbre.mixing_secrets in params.yaml names the folder of the songs, or null"
            )
        more = of_folder(folder, settings.seed)
        train, sources = train + more, sources | {"mixing_secrets": len(more)}
    held_out = of_dataset(data, ("valid", "test"), settings.clips, settings.positive)

    torch.manual_seed(settings.seed)
    network = TripletNetwork()
    _settle(network, train)
    _save(network, out.with_name(UNTRAINED))
    loss = _fit(network, train, settings)
    _save(network, out.with_name(WEIGHTS))
    measures: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "trained": TimbreMetric.load(out.with_name(WEIGHTS)).vectors,
        "untrained": TimbreMetric.load(out.with_name(UNTRAINED)).vectors,
        "mean_mfcc": _mean_mfcc,
    }
    scores = validate(train, held_out, measures, settings)
    write_json(
        out,
        {
            "metric": "triplet network of SS-VQ-VAE, trained here",
            "front_end": FRONT_END,
            "weights": WEIGHTS,
            "weights_sha256": sha256_file(out.with_name(WEIGHTS)),
            "untrained": UNTRAINED,
            "untrained_sha256": sha256_file(out.with_name(UNTRAINED)),
            "trained_on": sources,
            "instruments": len(set(train.instrument)),
            "final_loss": loss,
            "validation": scores,
        },
    )
    said = ", ".join(f"{name} {value['hard_accuracy']:.3g} (AUC {value['auc']:.3g})" for name, value in scores.items())
    print(f"{data.parent.name}: hard triplets {said}")


def _settle(network: TripletNetwork, train: Segments) -> None:
    """Give the untrained network the moments of the data, so that it is random and not merely badly scaled."""
    network.train()
    with torch.no_grad():
        for start in range(0, len(train), BLOCK):
            network(torch.from_numpy(train.features[start : start + BLOCK]))


def _fit(network: TripletNetwork, train: Segments, settings: SimpleNamespace) -> float:
    """Train in place; the mean loss of the last tenth of the steps."""
    triplets, generator = Triplets(train), Random(settings.seed)
    optimiser = torch.optim.Adam(network.parameters(), settings.lr)
    losses: list[float] = []
    network.train()
    for _ in progress(range(settings.steps), "timbre metric", note=lambda: f"loss {losses[-1]:.4f}" if losses else ""):
        chosen = np.array([triplets.draw(generator, settings.hard) for _ in range(settings.batch)])
        vectors = network(torch.from_numpy(train.features[chosen.T.ravel()]))
        loss = triplet_loss(*vectors.chunk(3))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    if not np.isfinite(losses).all():
        raise UserError("the timbre metric diverged: lower timbre.lr in params.yaml")
    return float(np.mean(losses[-max(1, len(losses) // 10) :]))


def validate(
    train: Segments,
    held_out: Segments,
    measures: dict[str, Callable[[np.ndarray], np.ndarray]],
    settings: SimpleNamespace,
) -> dict[str, dict[str, Any]]:
    """Scores of each of ``measures`` (features to vectors of length 1) on the same triplets: anchors and positives of
    ``held_out``, negatives of both.

    ``easy_accuracy``, ``hard_accuracy``: share of triplets whose positive is nearer; ``auc``: probability that a pair
    of one instrument is more similar than a pair of two; ``negatives_share``: what the hard negatives have in common
    with their anchors, and how often.
    """
    everything = train + held_out
    triplets = Triplets(everything, first=len(train))
    generator = Random(settings.seed)
    easy = np.array([triplets.draw(generator, 0.0) for _ in range(settings.triplets)])
    hard, shared = zip(*triplets.hardest(generator, settings.triplets), strict=True)
    counts = dict(Counter(shared))
    scores = {}
    for name, measure in measures.items():
        vectors = measure(everything.features)
        near, far = _similarities(vectors, easy)
        found = {
            "easy_accuracy": _accuracy(near, far),
            "hard_accuracy": _accuracy(*_similarities(vectors, np.array(hard))),
            "auc": float(np.mean((near[:, None] > far) + 0.5 * (near[:, None] == far))),
            "same_instrument": float(near.mean()),
            "other_instrument": float(far.mean()),
        }
        scores[name] = found | {"triplets": settings.triplets, "negatives_share": counts}
    return scores


def _similarities(vectors: np.ndarray, triplets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    anchor, positive, negative = (vectors[column] for column in triplets.T)
    return (anchor * positive).sum(axis=1), (anchor * negative).sum(axis=1)


def _accuracy(near: np.ndarray, far: np.ndarray) -> float:
    return float((near > far).mean())


def _mean_mfcc(features: np.ndarray) -> np.ndarray:
    means = features.mean(axis=2)
    return means / np.linalg.norm(means, axis=1, keepdims=True).clip(1e-12)


def _save(network: TripletNetwork, path: Path) -> None:
    with atomic(path) as part:
        save_file(network.state_dict(), part)


if __name__ == "__main__":
    run_stage(
        timbre,
        data="path of a prepared data set's index.csv",
        out="path of timbre.json to write, weights beside it",
    )
