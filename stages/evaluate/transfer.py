"""How much of a clip travels with each of its levels (P-31; Pichard 2024, Tables 4 and 5).

    python -m stages.evaluate.transfer --settings '{"labels": {...}, "resamples": 2000, "split": "test", ...}'
        --data data/prepared/gm_notes/index.csv --timbre models/timbre/gm_notes/timbre.json
        --originals data/transcriptions/.../notes.csv
        --reconstructions data/generated/.../index.csv --reconstructed .../notes.csv
        --swaps data/transfer/.../index.csv --swapped .../notes.csv --out reports/evaluate/transfer/.../0.csv

One row per protocol, frames and metric:

    rec       rec        reconstruction against its own original
    A         4, 8, 16   level of so many frames from the target, the rest from the source: against the target
    A         all        all levels from the target: as rec, but from another starting noise
    A         none       nothing exchanged, the source's reconstruction against the target: what A must exceed to mean
                         anything
    A_source  4, 8, ...  the same sounds as A, against the source
    B         4, 8, 16   three different clips: against the one that gave the level of so many frames
"""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

from etude.errors import UserError
from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import plain, run_stage
from stages.evaluate.hearing import Judges, compare, read_labels, summarise

COLUMNS = ["protocol", "frames", "metric", "statistic", "value", "ci_low", "ci_high", "n"]
LEVELS = ("coarse", "middle", "fine")
Comparison = tuple[str, str, str, str]


def transfer(
    settings: SimpleNamespace,
    data: Path,
    timbre: Path,
    originals: Path,
    reconstructions: Path,
    reconstructed: Path,
    swaps: Path,
    swapped: Path,
    out: Path,
) -> None:
    judges, labels = Judges(timbre), read_labels(data)
    original = judges.hear(data, originals, settings.split, settings.clips or None)
    made = {
        "rec": judges.hear(reconstructions, reconstructed),
        "swap": judges.hear(swaps, swapped),
    }
    cells: dict[tuple[str, str], list] = {}
    for protocol, frames, (kind, clip), giver in comparisons(list(made["rec"]), read_csv(swaps)):
        if giver not in original or clip not in made[kind]:
            raise UserError(
                f"{swaps}: names clip {giver if giver not in original else clip}, which is not among the "
                f"{len(original)} originals and their reconstructions; generate the swaps again"
            )
        cells.setdefault((protocol, frames), []).append(compare(made[kind][clip], original[giver], labels[giver]))
    named = plain(settings.labels)
    rows = [
        {**named, "protocol": protocol, "frames": frames, **row}
        for (protocol, frames), found in cells.items()
        for row in summarise(found, settings.resamples, settings.seed)
    ]
    write_csv(out, rows, [*named, *COLUMNS])


def comparisons(reconstructed: list[str], swaps: list[dict[str, str]]) -> Iterator[tuple[str, str, tuple, str]]:
    """(protocol, frames, (rec | swap, clip that was made), original to compare it with) of everything."""
    for clip in reconstructed:
        yield "rec", "rec", ("rec", clip), clip
    frames = level_frames(swaps)
    for swap in swaps:
        made = ("swap", swap["clip"])
        if swap["protocol"] == "B":
            for count, level in zip(frames, LEVELS, strict=True):
                yield "B", count, made, swap[level]
            continue
        yield "A", swap["frames"], made, swap["target"]
        yield "A_source", swap["frames"], made, swap["source"]
        if swap["protocol"] == "A_all":  # once per pair
            yield "A", "none", ("rec", swap["source"]), swap["target"]


def level_frames(swaps: list[dict[str, str]]) -> list[str]:
    """Frames of the levels, coarse first."""
    return sorted({swap["frames"] for swap in swaps if swap["protocol"] == "A"}, key=int)


if __name__ == "__main__":
    run_stage(
        transfer,
        data="path of the prepared data set's index.csv",
        timbre="path of timbre.json",
        originals="path of the transcription of the originals",
        reconstructions="path of the reconstructions' index.csv",
        reconstructed="path of their transcription",
        swaps="path of the swaps' index.csv",
        swapped="path of their transcription",
        out="path of the CSV to write",
    )
