"""What the controlled systems diffuse and what controls them, exported once as memory-mapped arrays (M-03).

Beside ``clips.npy`` (latents, codes or CQT of every clip) lies ``controls.npy`` at the same frame rate: velocity,
chroma, and a row for each of the data set's instruments (M-07, M-08, M-09).
"""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from etude.audio.files import to_float
from etude.codecs import plugin
from etude.codecs.codes import CodesCodec
from etude.codecs.framed import FramedCodec
from etude.controls.tracks import control_names, control_tracks
from etude.errors import UserError
from etude.pipeline.files import read_csv, write_csv, write_json
from etude.pipeline.progress import progress
from etude.pipeline.stage import run_stage
from stages.encode.arrays import ArrayWriter

BATCH = 2  # clips of seconds: what a layer makes of more does not stay in the cache, and takes up to twice as long


def main(settings, data: Path, codec: Path, out: Path) -> None:
    rows = read_csv(data)
    audio = np.load(data.with_name("audio.npy"), mmap_mode="r")
    network = plugin(settings.codec).load(codec.parent, settings.block)
    encode = encoder(network, settings)
    shape = encode(torch.zeros(1, audio.shape[1])).shape[1:]
    instruments = sorted({row["instrument"] for row in rows})
    names, notes = control_names(instruments), notes_of(data.with_name("notes.csv"))

    def controls(row: dict[str, str]) -> np.ndarray:
        return control_tracks(
            notes[row["clip"]], row["instrument"], instruments, shape[-1], network.frames_per_second,
            centre=network.centre,
        )  # fmt: skip

    shapes = {"clips": tuple(shape), "controls": (len(names), shape[-1])}
    types = {"clips": np.dtype(settings.storage).type, "controls": np.float32}
    with ArrayWriter(out, len(rows), shapes, types) as writer, torch.inference_mode():
        for start in progress(range(0, len(rows), BATCH), f"export {out.name} of {data.parent.name}"):
            block = rows[start : start + BATCH]
            clips = torch.from_numpy(to_float(audio[start : start + BATCH]))
            writer.write("clips", start, encode(clips).numpy())
            writer.write("controls", start, np.stack([controls(row) for row in block]))
    write_json(
        out / "format.json",
        {
            "codec": settings.codec,
            "array": settings.array,
            "frames": shape[-1],
            "frames_per_second": network.frames_per_second,
            "centre": network.centre,
            "controls": names,
            "classes": network.classes if settings.array == "codes" else None,
        },
    )
    write_csv(out / "index.csv", rows, list(rows[0]))


def encoder(network, settings) -> Callable[[Tensor], Tensor]:
    """What turns audio [batch, samples] into the clips of the format."""
    if not isinstance(network, FramedCodec):
        raise UserError(
            f"formats in params.yaml: codec {settings.codec} does not say where in time its frames lie, so controls "
            "cannot follow it; take cqt, seanet or encodec"
        )
    if settings.array == "latents":
        return network.encode
    if not isinstance(network, CodesCodec):
        raise UserError(f"formats in params.yaml: codec {settings.codec} has no codes; set array to latents")
    return network.encode_codes


def notes_of(path: Path) -> dict[str, list[tuple[float, ...]]]:
    """The notes of each clip as :func:`control_tracks` wants them; of a clip without any, none."""
    notes = defaultdict(list)
    for row in read_csv(path):
        notes[row["clip"]].append(tuple(float(row[key]) for key in ("pitch", "onset", "offset", "velocity")))
    return notes


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the prepared data set's index.csv",
        codec="path of codec.json",
        out="path of the folder to write into",
    )
