"""Embed every clip of a set: audio in, one vector per window out.

    python -m stages.evaluate.embed --settings '{"embedding": "gm_cnn", "split": "test", "clips": 300}'
        --judge models/judges/gm_notes/gm_cnn/judge.json --clips data/prepared/gm_notes/index.csv
        --out data/embeddings/gm_notes/gm_cnn/reference/embeddings.npz

The audio contract: float32, mean of channels, soxr VHQ to the network's rate, loudness as it is. A clip that cannot be
read or is too short for a window is an error, never left out.
"""

import json
import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from etude.audio import clips as sets
from etude.audio.resample import RESAMPLER, resample
from etude.embeddings import Embedding, fingerprint, plugin
from etude.errors import UserError
from etude.metrics.embedded import EmbeddedSet
from etude.pipeline.progress import progress
from etude.pipeline.stage import run_stage

BATCH = 16  # clips


def embed(settings: SimpleNamespace, judge: Path, clips: Path, out: Path) -> None:
    """Embed the set behind ``clips``; settings: embedding, split (optional), clips (optional: at most so many)."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    facts = read_facts(judge, settings.embedding)
    chosen = (clips, getattr(settings, "split", None), getattr(settings, "clips", None) or None)
    ids, rate = sets.clip_ids(*chosen), sets.sample_rate(clips)
    embedding = plugin(settings.embedding).load(judge.parent, facts)
    seconds, vectors = 0.0, []
    stream = progress(sets.read_clips(*chosen), f"{settings.embedding} of {clips.parent.name}", total=len(ids))
    for batch in _batches(_checked(stream, rate, embedding, clips), embedding.one_duration, clips):
        seconds += batch.size / embedding.sample_rate
        vectors.extend(embedding.embed(torch.from_numpy(batch)).numpy())
    protocol = {
        "embedding": settings.embedding,
        "embedding_sha256": fingerprint(facts),
        "weights_sha256": facts["weights_sha256"],
        "set_sha256": sets.set_hash(*chosen),
        "clips": len(ids),
        "seconds": round(seconds, 3),
        "sample_rate": rate,
        "model_sample_rate": embedding.sample_rate,
        "resampler": "none" if rate == embedding.sample_rate else RESAMPLER,
        "loudness": sets.protocol(clips).get("loudness"),
    }
    EmbeddedSet.of(ids, vectors, protocol).save(out)


def read_facts(judge: Path, embedding: str) -> dict[str, Any]:
    """judge.json, which must be of ``embedding``."""
    try:
        facts = json.loads(judge.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{judge}: not found; run the judge step for {embedding} first") from None
    except ValueError as error:
        raise UserError(f"{judge}: not valid JSON ({error}); remove it and run the judge step again") from None
    if facts.get("embedding") != embedding:
        raise UserError(
            f"{judge}: describes embedding {facts.get('embedding')!r}, {embedding!r} was asked for; "
            "give the judge.json of that"
        )
    return facts


def _checked(
    clips: Iterator[tuple[str, np.ndarray]], rate: int, embedding: Embedding, index: Path
) -> Iterator[np.ndarray]:
    """Samples at the network's rate, none shorter than its window."""
    for clip, samples in clips:
        samples = resample(samples, rate, embedding.sample_rate)
        if len(samples) < embedding.shortest:
            raise UserError(
                f"{index}: clip {clip} lasts {len(samples) / embedding.sample_rate:.3f} s, the embedding needs "
                f"{embedding.shortest / embedding.sample_rate:.3f} s at least; use longer clips or another embedding"
            )
        yield samples


def _batches(clips: Iterator[np.ndarray], one_duration: bool, index: Path) -> Iterator[np.ndarray]:
    """Neighbours of equal length as arrays [batch <= BATCH, samples], in order."""
    first = None
    for length, same in groupby(clips, key=len):
        first = first or length
        if one_duration and length != first:
            raise UserError(
                f"{index}: clips of {first} and of {length} samples; this embedding cannot compare clips of different "
                "durations, cut them to one (prepare.chunk_samples)"
            )
        batch = []
        for samples in same:
            batch.append(samples)
            if len(batch) == BATCH:
                yield np.stack(batch)
                batch = []
        if batch:
            yield np.stack(batch)


if __name__ == "__main__":
    run_stage(
        embed,
        judge="path of judge.json",
        clips="path of the set's index.csv",
        out="path of embeddings.npz to write",
    )
