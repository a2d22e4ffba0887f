"""Does one hear in clips what their controls asked for (M-48)?

    python -m stages.evaluate.fidelity --settings '{"resamples": 2000, "seed": 0, "labels": {...}}'
        --clips data/controlled/.../index.csv --facts data/formats/.../format.json --controls none
        --index data/prepared/.../index.csv --judge models/judges/.../judge.json --out fidelity.csv

One row per score and kind: ``own``, the clip against its own controls, all of them, also those that were left free when
it was made; ``shuffled``, against those of another clip of the set (the floor: what a system that does not listen would
have). Intervals are over clips. What stands beside it, the same on the true sounds and on the codec's round trip of
them, are sets of their own. ``<out>.clips.csv`` has what each clip adds to the scores.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from etude.audio.clips import clip_ids, id_hash, read_clips, sample_rate
from etude.controls.asked import Asked, asked
from etude.controls.file import read_controls
from etude.embeddings._families import FamilyJudge
from etude.errors import UserError
from etude.metrics import controls as fidelity
from etude.metrics.intervals import bootstrap_interval
from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.progress import progress
from etude.pipeline.stage import plain, run_stage
from etude.systems.format import Format

COLUMNS = ["metric", "against", "value", "ci_low", "ci_high", "n"]
INSTRUMENT = ["instrument_right", "instruments"]


def main(settings, clips: Path, facts: Path, controls: Path, index: Path, judge: Path, out: Path) -> None:
    form, rate, names = Format.load(facts.parent), sample_rate(clips), clip_ids(clips)
    family = FamilyJudge.load(judge, index)
    sounds = progress(read_clips(clips), f"listening to {clips.parent.parent.name}", total=len(names))
    heard = [Listened(audio, rate, form, family) for _, audio in sounds]
    wished = [track[:, : sound.frames] for track, sound in zip(wishes(names, form, controls), heard, strict=True)]
    rows, cases = [], []
    # In the order of their hashes the next clip is any other, and not one of the same piece.
    for against, shift in (("own", 0), ("shuffled", 1)):
        if shift and len(names) < 2:
            continue
        order = sorted(range(len(names)), key=lambda position: id_hash(names[position]))
        other = {order[k]: order[(k + shift) % len(order)] for k in range(len(order))}
        found = [
            sound.against(asked(wished[other[k]], form.controls, form.frames_per_second))
            for k, sound in enumerate(heard)
        ]
        table = np.array(found)
        rows += [dict(against=against, **row) for row in scores(table, settings)]
        cases += [
            {
                "clip": name,
                "against": against,
                **dict(zip([*fidelity.COLUMNS, *INSTRUMENT], map(_short, line), strict=True)),
            }
            for name, line in zip(names, found, strict=True)
        ]
    labels = plain(settings.labels)
    write_csv(out.with_suffix(".clips.csv"), cases, ["clip", "against", *fidelity.COLUMNS, *INSTRUMENT])
    write_csv(out, [labels | row for row in rows], [*labels, *COLUMNS])


class Listened:
    """One clip as the judges hear it."""

    def __init__(self, audio: np.ndarray, rate: int, form: Format, family: FamilyJudge):
        self.audio, self.rate, self.form, self.family = audio, rate, form, family
        self.frames = min(round(len(audio) / rate * form.frames_per_second), form.shapes["controls"][-1])
        self.heard = fidelity.hear(audio, rate, self.frames, form.frames_per_second)
        self.shares = family.shares(audio, rate)

    def against(self, wish: Asked) -> np.ndarray:
        """Counts of :data:`etude.metrics.controls.COLUMNS`, then of instruments found and asked for."""
        found = self.family.agreement(self.shares, wish.instrument, wish.players, wish.frame_rate)
        return np.array([*fidelity.counts(wish.velocity, wish.pitch_class, wish.frame_rate, self.heard), *found])


def wishes(names: list[str], form: Format, controls: Path) -> Iterator[np.ndarray]:
    """Controls [rows, frames] of each clip: of the data set's, or of the file of its name in folder ``controls``."""
    if controls.is_dir():
        for name in names:
            path = controls / f"{name}.csv"
            yield read_controls(path, form.controls, form.frames_per_second, centre=form.centre)
        return
    rows = {row["clip"]: int(row["row"]) for row in read_csv(form.folder / "index.csv")}
    array = np.load(form.folder / "controls.npy", mmap_mode="r")
    for name in names:
        if name not in rows:
            raise UserError(f"{form.folder / 'index.csv'}: has no clip {name}; generate the set again")
        yield np.asarray(array[rows[name]])


def scores(table: np.ndarray, settings) -> Iterator[dict[str, object]]:
    """One row per score of counts [clips, columns]."""
    for name in fidelity.SCORES:
        yield _row(name, fidelity.score(name, table, settings.resamples, settings.seed), len(table))
    right, total = table[:, -2], table[:, -1]
    found = None
    if total.sum():
        pairs = np.stack([right, total], axis=1)
        interval = bootstrap_interval(_accuracy, pairs[total > 0], settings.resamples, settings.seed)
        found = (right.sum() / total.sum(), *interval)
    yield _row("instrument_accuracy", found, len(table))


def _accuracy(drawn: np.ndarray) -> np.ndarray:
    return drawn[..., 0].sum(axis=-1) / drawn[..., 1].sum(axis=-1)


def _row(name: str, found: tuple[float, float, float] | None, clips: int) -> dict[str, object]:
    numbers = found or (None, None, None)
    texts = ["" if number is None else f"{number:.6g}" for number in numbers]
    return {"metric": name, "value": texts[0], "ci_low": texts[1], "ci_high": texts[2], "n": clips}


def _short(value: float) -> str:
    return f"{value:.8g}"


if __name__ == "__main__":
    run_stage(
        main,
        clips="path of the set's index.csv",
        facts="path of format.json of the format whose controls were given",
        controls="path of a folder of control files named as the clips, or none: those of the data set",
        index="path of the prepared data set's index.csv",
        judge="path of judge.json of gm_cnn",
        out="path of the CSV to write",
    )
