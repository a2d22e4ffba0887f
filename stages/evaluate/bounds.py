"""What the transfer scores have to be read against: floors that need no system, and ceilings that no system can pass.

python -m stages.evaluate.bounds --settings '{"labels": {...}, "pairs": 100, "pairing": "uniform", ...}'
    --data data/prepared/gm_notes/index.csv --timbre models/timbre/gm_notes/timbre.json
    --originals data/transcriptions/.../notes.csv --trips data/generated/.../round_trip/0/index.csv
    --tripped data/transcriptions/.../notes.csv --out reports/evaluate/transfer/.../bounds/0.csv

floor     random       originals against other originals drawn at random
floor     unchanged    the source of each pair, as it is, against its target
ceiling   codec        the codec's round trip against its original
ceiling   transcriber  originals against themselves: what the transcriber finds of the labels and the true notes; the
                       other metrics are 1 here by their definition
"""

import random
from pathlib import Path
from types import SimpleNamespace

from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import plain, run_stage
from etude.training.seeds import seed_of
from stages.evaluate.hearing import Judges, compare, read_labels, summarise
from stages.evaluate.transfer import COLUMNS
from stages.generate.swaps import pairs

RANDOM_PAIRS = 1000


def bounds(
    settings: SimpleNamespace, data: Path, timbre: Path, originals: Path, trips: Path, tripped: Path, out: Path
) -> None:
    judges, labels = Judges(timbre), read_labels(data)
    original = judges.hear(data, originals, settings.split, settings.clips or None)
    trip = judges.hear(trips, tripped)
    # The clips that have a round trip are those between which levels are exchanged.
    rows = [row for row in read_csv(data) if row["clip"] in trip]
    drawn = random_pairs([row["clip"] for row in rows], RANDOM_PAIRS, settings.seed)
    chosen = pairs(rows, settings.pairs, settings.pairing, settings.seed)
    cells = {
        ("floor", "random"): [(original[a], b) for a, b in drawn],
        ("floor", "unchanged"): [(original[source], target) for source, target in chosen],
        ("ceiling", "codec"): [(heard, clip) for clip, heard in trip.items()],
        ("ceiling", "transcriber"): [(original[clip], clip) for clip in trip],
    }
    named = plain(settings.labels)
    write_csv(
        out,
        [
            {**named, "protocol": protocol, "frames": frames, **row}
            for (protocol, frames), found in cells.items()
            for row in summarise(
                [compare(heard, original[clip], labels[clip]) for heard, clip in found],
                settings.resamples,
                settings.seed,
            )
        ],
        [*named, *COLUMNS],
    )


def random_pairs(clips: list[str], number: int, seed: int) -> list[tuple[str, str]]:
    """``number`` ordered pairs of two different clips."""
    generator = random.Random(seed_of("random pairs", seed))
    return [tuple(generator.sample(clips, 2)) for _ in range(number)]


if __name__ == "__main__":
    run_stage(
        bounds,
        data="path of the prepared data set's index.csv",
        timbre="path of timbre.json",
        originals="path of the transcription of the originals",
        trips="path of the index.csv of the codec's round trips",
        tripped="path of their transcription",
        out="path of the CSV to write",
    )
