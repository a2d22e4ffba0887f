"""Get or train a codec, and measure its ceiling: what its round trip costs before any system has done anything.

The ceiling on single notes is Basic Pitch's: how often it still finds the right pitch after encoding and decoding,
beside how often it does on the originals. For other data the spectral error is the ceiling.
"""

import json
from pathlib import Path

import numpy as np

from etude.codecs import plugin
from etude.errors import UserError
from etude.pipeline.files import read_csv, write_json
from etude.pipeline.stage import plain, run_stage
from etude.training.checkpoint import Checkpoint
from etude.training.fingerprint import fingerprint
from stages.codec.ceiling import ceiling


def main(settings, data: Path, scratch: Path, out: Path) -> None:
    rows = read_csv(data)
    protocol = json.loads(data.with_name("protocol.json").read_text(encoding="utf-8"))
    audio = np.load(data.with_name("audio.npy"), mmap_mode="r")
    train = [int(row["row"]) for row in rows if row["split"] == "train"]
    if not train:
        raise UserError(f"{data}: no clips in split 'train', so no codec can be fitted; check prepare.split")
    # Rows are sorted by split, train first: a slice stays a memory map where a list of rows would be a copy.
    clips = audio[min(train) : max(train) + 1]
    codec = plugin(settings.codec)
    checkpoint = Checkpoint(scratch / fingerprint("codec", plain(settings), data, plugin=codec.__name__))
    out.parent.mkdir(parents=True, exist_ok=True)
    facts = codec.obtain(out.parent, clips, protocol["sample_rate"], settings.block, checkpoint)
    measured = ceiling(codec.load(out.parent, settings.block), data)
    for name, value in measured.items():
        print(f"{settings.codec} on {data.parent.name}: {name} = {value:.4g}", flush=True)
    write_json(
        out,
        facts
        | {
            "codec": settings.codec,
            "sample_rate": protocol["sample_rate"],
            "chunk_samples": audio.shape[1],
            "ceiling": measured,
        },
    )
    checkpoint.remove()


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the prepared data set's index.csv",
        scratch="path of the folder for checkpoints",
        out="path of codec.json to write",
    )
