"""Reconstruct clips: encode each into its three levels, sample latents given them, decode to audio (P-21).

``settings.source`` says by what: a ``trained`` system; the same network ``untrained``, which every score should beat;
or the
``codec`` alone, which no system on its latents can beat. The noise that sampling starts from depends on the clip and on
``noise_seed`` only, so that all systems, seeds and columns of a table share it. A clip that would exceed full scale is
turned down to it, not clipped, and the index says by how much.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from etude.audio.clips import clip_ids
from etude.audio.files import write_audio
from etude.codecs import plugin
from etude.diffusion.samplers import SamplerSettings
from etude.errors import UserError
from etude.pipeline.files import sha256_file, write_csv, write_json
from etude.pipeline.progress import progress
from etude.pipeline.stage import plain, run_stage
from etude.training.arrays import EncodedSplit
from etude.training.seeds import generator_at
from stages.generate.system import load_system


def main(settings, data: Path, codec: Path, weights: Path, out: Path) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = plugin(settings.codec).load(codec.parent, settings.block)
    split = EncodedSplit(data.parent, settings.split, ("latents", "mel1", "mel2", "mel3"))
    # The same choice as the reference's, so that both sets hold the same clips.
    clips = clip_ids(data, settings.split, settings.clips or None)
    positions = torch.tensor([split.clips.index(clip) for clip in clips])
    system = None if settings.source == "codec" else load_system(settings, split, weights)
    samples = json.loads(codec.read_text(encoding="utf-8"))["chunk_samples"]

    _clear(out)
    rows = []
    title = f"generate {data.parent.parent.name} {out.parent.name} {out.name}"
    for start in progress(range(0, len(clips), settings.batch), title):
        names = clips[start : start + settings.batch]
        chosen = positions[start : start + settings.batch]
        batch = {name: array.to(device) for name, array in split.batch(chosen).items()}
        latents = batch["latents"] if system is None else _reconstruct(system, batch, names, settings)
        if not torch.isfinite(latents).all():
            raise UserError(
                f"{weights}: sampling gave latents that are not finite; train it again with a lower train.lr"
            )
        audio = network.decode(latents.cpu(), samples, settings.noise_seed).numpy()
        rows += [_write(out, name, sound, network.sample_rate) for name, sound in zip(names, audio, strict=True)]
    write_json(out / "protocol.json", {"sample_rate": network.sample_rate, "settings": plain(settings)})
    write_csv(out / "index.csv", rows, ["clip", "file", "seconds", "gain_db", "sha256"])


@torch.inference_mode()
def _reconstruct(system, batch: dict[str, Tensor], names: list[str], settings) -> Tensor:
    shape = batch["latents"].shape[1:]
    noise = torch.stack([torch.randn(shape, generator=generator_at(settings.noise_seed, name)) for name in names])
    sampler = plain(settings.sampler)
    return system.generate(
        system.levels(batch), noise.to(batch["latents"].device), sampler.pop("name"), SamplerSettings(**sampler)
    )


def _write(out: Path, clip: str, audio: np.ndarray, rate: int) -> dict[str, str]:
    path = out / f"{clip}.flac"
    over = max(1.0, float(np.abs(audio).max()))
    write_audio(path, audio / over, rate)
    return {
        "clip": clip,
        "file": path.name,
        "seconds": f"{len(audio) / rate:.4f}",
        "gain_db": f"{-20 * np.log10(over):.2f}",
        "sha256": sha256_file(path),
    }


def _clear(out: Path) -> None:
    """Remove what an earlier run left, so that the folder holds just what its index lists."""
    out.mkdir(parents=True, exist_ok=True)
    for old in [*out.glob("*.flac"), *out.glob("*.csv")]:
        old.unlink()


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the encoded data set's index.csv",
        codec="path of codec.json",
        weights="path of the system's weights.safetensors, or none",
        out="path of the folder to write into",
    )
