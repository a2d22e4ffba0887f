"""Fréchet audio distance of a generated set from its reference (P-27), with bias, interval and floor.

    python -m stages.evaluate.fad --settings '{"groups": 20, "seed": 0, "labels": {"dataset": "gm_notes", ...}}'
        --reference .../embeddings.npz --generated .../embeddings.npz --out .../fad.csv

Writes one row, and beside it ``fad.files.csv`` with the distance of each clip. `fad` is the plain distance, too great
when there are few windows; `fad_jack` has that bias taken away and its interval is over clips; `fad_inf` is the
extrapolation to infinitely many generated windows. Clips of both sets with one id (reconstructions, `n_paired`) come
and go together in these. `floor` and `floor_jack` are the same for one half of the reference against the other half.
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from etude.errors import UserError
from etude.metrics.embedded import EmbeddedSet
from etude.metrics.extrapolate import frechet_infinity
from etude.metrics.frechet import frechet, root
from etude.metrics.halves import frechet_between_halves
from etude.metrics.jackknife import frechet_jackknife
from etude.metrics.perfile import frechet_per_file
from etude.pipeline.files import write_csv
from etude.pipeline.stage import plain, run_stage

FEW = 4  # windows per dimension below which a row is marked


def fad(settings: SimpleNamespace, reference: Path, generated: Path, out: Path) -> None:
    """One row of numbers for one pair of sets; settings: groups, seed (of fad_inf), labels (first columns)."""
    ours, theirs = EmbeddedSet.load(generated), EmbeddedSet.load(reference)
    _comparable(theirs, ours, reference, generated)
    row = {
        **plain(settings.labels),
        **distances(theirs, ours, settings.groups, settings.seed),
        **_protocol(theirs, ours),
    }
    files = frechet_per_file(root(theirs.gaussian()), ours)
    write_csv(
        out.with_suffix(".files.csv"),
        ({"clip": clip, "fad": value} for clip, value in sorted(files.items())),
        ["clip", "fad"],
    )
    write_csv(out, [row], list(row))


def distances(reference: EmbeddedSet, generated: EmbeddedSet, groups: int, seed: int) -> dict[str, Any]:
    """All distances between two sets. What cannot be had from so few files is None (an empty cell)."""
    target, found = root(reference.gaussian()), root(generated.gaussian())
    plain_distance = frechet(target, found)
    paired = len(reference.positions(generated.clips))
    jack = frechet_jackknife(reference, generated, groups)
    infinity = frechet_infinity(reference, generated, seed)
    floor, floor_jack = frechet_between_halves(reference, groups) if len(reference) > 1 else (None, None)
    return {
        "fad": plain_distance,
        "fad_jack": jack and jack.estimate,
        "se_jack": jack and jack.se,
        "ci_low": jack and jack.low,
        "ci_high": jack and jack.high,
        "fad_inf": infinity and infinity.limit,
        "fad_inf_slope": infinity and infinity.slope,
        "fad_inf_r2": infinity and infinity.r2,
        "floor": floor,
        "floor_jack": floor_jack and floor_jack.estimate,
        "floor_se_jack": floor_jack and floor_jack.se,
        "n_reference": len(reference),
        "n_generated": len(generated),
        "n_paired": paired,
        "windows_reference": reference.windows,
        "windows_generated": generated.windows,
        "dimension": generated.dimension,
        "n_over_d": min(reference.windows, generated.windows) / generated.dimension,
        "rank_reference": target.rank,
        "rank": found.rank,
        "caution": caution(reference, generated),
    }


def caution(reference: EmbeddedSet, generated: EmbeddedSet) -> str:
    """Words for what makes a row doubtful; empty when nothing does."""
    words = []
    for name, found in (("reference", reference), ("generated", generated)):
        for times, meaning in (
            (1, "covariance not of full rank, do not compare"),
            (FEW, "strong bias, compare fad_jack only"),
        ):
            if found.windows < times * found.dimension:
                words.append(f"{name}: {found.windows} windows < {times} x {found.dimension} dimensions ({meaning})")
                break
    return "; ".join(words)


def _comparable(reference: EmbeddedSet, generated: EmbeddedSet, left: Path, right: Path) -> None:
    mine, other = (found.protocol.get("embedding_sha256") for found in (reference, generated))
    if mine != other or reference.dimension != generated.dimension:
        raise UserError(
            f"{left} and {right} are not of one embedding (embedding_sha256 {mine} and {other}): embed both sets with "
            "the same judge.json"
        )


def _protocol(reference: EmbeddedSet, generated: EmbeddedSet) -> dict[str, Any]:
    """How the numbers were made: the columns every report carries."""
    theirs, ours = reference.protocol, generated.protocol
    resamplers = {theirs["resampler"], ours["resampler"]} - {"none"}
    return {
        "seconds_reference": theirs["seconds"],
        "seconds_generated": ours["seconds"],
        "sample_rate": ours["sample_rate"],
        "sample_rate_reference": theirs["sample_rate"],
        "model_sample_rate": ours["model_sample_rate"],
        "resampler": ", ".join(sorted(resamplers)) or "none",
        "loudness": json.dumps(theirs["loudness"], sort_keys=True) if theirs["loudness"] else "none",
        "embedding_sha256": ours["embedding_sha256"],
        "weights_sha256": ours["weights_sha256"],
        "reference_sha256": theirs["set_sha256"],
        "generated_sha256": ours["set_sha256"],
    }


if __name__ == "__main__":
    run_stage(
        fad,
        reference="path of the reference's embeddings.npz",
        generated="path of the generated set's embeddings.npz",
        out="path of the one-row CSV to write",
    )
