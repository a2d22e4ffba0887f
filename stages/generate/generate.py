"""Reconstruct clips: encode each into its three levels, sample latents given them, decode to audio (P-21).

``settings.source`` says by what: a ``trained`` system; the same network ``untrained``, which every score should beat;
or the ``codec`` alone, which no system on its latents can beat. The noise that sampling starts from depends on the clip
and on ``noise_seed`` only, so that all systems, seeds and columns of a table share it.
"""

from pathlib import Path

import torch
from torch import Tensor

from etude.audio.clips import clip_ids
from etude.diffusion.samplers import SamplerSettings
from etude.pipeline.progress import progress
from etude.pipeline.stage import plain, run_stage
from etude.training.arrays import EncodedSplit
from stages.generate.sounding import ClipWriter, starting_noise
from stages.generate.system import load_system


def main(settings, data: Path, codec: Path, weights: Path, out: Path) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    split = EncodedSplit(data.parent, settings.split, ("latents", "mel1", "mel2", "mel3"))
    # The same choice as the reference's, so that both sets hold the same clips.
    clips = clip_ids(data, settings.split, settings.clips or None)
    positions = torch.tensor([split.clips.index(clip) for clip in clips])
    system = None if settings.source == "codec" else load_system(settings, split, weights)
    writer = ClipWriter(out, codec, settings)
    title = f"generate {data.parent.parent.name} {out.parent.name} {out.name}"
    for start in progress(range(0, len(clips), settings.batch), title):
        names = clips[start : start + settings.batch]
        chosen = positions[start : start + settings.batch]
        batch = {name: array.to(device) for name, array in split.batch(chosen).items()}
        latents = batch["latents"] if system is None else _reconstruct(system, batch, names, settings)
        writer.write(latents, [{"clip": name} for name in names], weights)
    writer.finish()


@torch.inference_mode()
def _reconstruct(system, batch: dict[str, Tensor], names: list[str], settings) -> Tensor:
    noise = starting_noise(names, batch["latents"].shape[1:], settings.noise_seed).to(batch["latents"].device)
    sampler = plain(settings.sampler)
    return system.generate(system.levels(batch), noise, sampler.pop("name"), SamplerSettings(**sampler))


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the encoded data set's index.csv",
        codec="path of codec.json",
        weights="path of the system's weights.safetensors, or none",
        out="path of the folder to write into",
    )
