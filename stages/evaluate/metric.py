"""One metric of grid.metrics on one set of reconstructions: each clip beside its original, and the mean over all.

    python -m stages.evaluate.metric --settings '{"metric": "...", "split": "test", "groups": 20, "labels": {...}}'
        --data data/prepared/gm_notes/index.csv --clips data/generated/gm_notes/spectral/hdae/0/index.csv
        --out .../<metric>.csv

Writes one row, and beside it ``<metric>.files.csv`` with the value of each clip. The reconstruction is brought to the
original's sample rate and both are cut to the shorter. A clip for which the metric is not defined (None) is left out of
the mean and counted. The interval is over groups of clips, as for FAD.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from etude.audio import clips as sets
from etude.audio.resample import RESAMPLER, resample
from etude.errors import UserError
from etude.metrics import plugin
from etude.metrics.jackknife import jackknife
from etude.pipeline.files import write_csv
from etude.pipeline.progress import progress
from etude.pipeline.stage import plain, run_stage


def main(settings: SimpleNamespace, data: Path, clips: Path, out: Path) -> None:
    metric = plugin(settings.metric)
    rate, made_rate = sets.sample_rate(data), sets.sample_rate(clips)
    wanted = set(sets.clip_ids(clips))
    originals = {name: audio for name, audio in sets.read_clips(data, settings.split) if name in wanted}
    if missing := sorted(wanted - originals.keys()):
        raise UserError(
            f"{clips}: clip {missing[0]} is not in split {settings.split} of {data}, so it has no original; make the "
            "set again"
        )
    scores: dict[str, float | None] = {}
    for name, audio in progress(sets.read_clips(clips), f"{settings.metric} of {clips.parent}", total=len(wanted)):
        made, original = resample(audio, made_rate, rate), originals[name]
        length = min(len(made), len(original))
        scores[name] = metric.score(original[:length], made[:length], rate)
    values = np.array([score for score in scores.values() if score is not None], dtype=np.float64)
    if not np.isfinite(values).all():
        bad = next(name for name, score in scores.items() if score is not None and not np.isfinite(score))
        raise UserError(
            f"etude/metrics/{settings.metric}.py: score of clip {bad} is {scores[bad]}; let it be a number, or None"
        )
    low, high = interval(values, settings.groups)
    row = {
        **plain(settings.labels),
        "unit": metric.UNIT,
        "better": metric.BETTER,
        "value": values.mean() if len(values) else None,
        "ci_low": low,
        "ci_high": high,
        "n": len(values),
        "undefined": len(scores) - len(values),
        "sample_rate": rate,
        "resampler": "none" if rate == made_rate else RESAMPLER,
        "reference_sha256": sets.set_hash(data, settings.split),
        "generated_sha256": sets.set_hash(clips),
    }
    files = ({"clip": name, "value": value} for name, value in sorted(scores.items()))
    write_csv(out.with_suffix(".files.csv"), files, ["clip", "value"])
    write_csv(out, [row], list(row))


def interval(values: np.ndarray, groups: int) -> tuple[float | None, float | None]:
    """95 % interval of the mean of ``values`` [clips], by leaving groups of clips out; none for a single clip."""
    if len(values) < 2:
        return None, None
    parts = np.array_split(np.arange(len(values)), min(groups, len(values)))
    found = jackknife(values.mean(), [np.delete(values, part).mean() for part in parts])
    return found.low, found.high


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the prepared data set's index.csv",
        clips="path of the reconstructions' index.csv",
        out="path of the one-row CSV to write",
    )
