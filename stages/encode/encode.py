"""Everything that training reads, computed once: the codec's latents and three mel spectrograms (P-04 to P-06)."""

import json
from pathlib import Path

import numpy as np
import torch

from etude.audio.files import to_float
from etude.audio.mel import mel_pyramid, mel_shapes
from etude.codecs import plugin
from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.progress import progress
from etude.pipeline.stage import run_stage
from stages.encode.arrays import ArrayWriter


def main(settings, data: Path, codec: Path, out: Path) -> None:
    rows = read_csv(data)
    rate = json.loads(data.with_name("protocol.json").read_text(encoding="utf-8"))["sample_rate"]
    audio = np.load(data.with_name("audio.npy"), mmap_mode="r")
    network = plugin(settings.codec).load(codec.parent, settings.block)
    mel = settings.mel
    shapes = {"latents": (network.channels, network.frames(audio.shape[1]))}
    shapes |= {f"mel{k}": shape for k, shape in enumerate(mel_shapes(mel.samples, mel.bands, mel.hop), start=1)}
    # Latents keep single precision; of a log-mel, half precision keeps three digits, as many as mean anything.
    types = {name: np.float32 if name == "latents" else np.float16 for name in shapes}
    with ArrayWriter(out, len(audio), shapes, types) as writer, torch.inference_mode():
        for start in progress(range(0, len(audio), settings.batch), f"encode {data.parent.name}"):
            clips = torch.from_numpy(to_float(audio[start : start + settings.batch]))
            mels = mel_pyramid(clips[:, : mel.samples], rate, mel.bands, mel.hop, mel.window, mel.pyramid)
            writer.write("latents", start, network.encode(clips).numpy())
            for level, block in enumerate(mels, start=1):
                writer.write(f"mel{level}", start, block.numpy())
    write_csv(out / "index.csv", rows, list(rows[0]))


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the prepared data set's index.csv",
        codec="path of codec.json",
        out="path of the folder to write into",
    )
