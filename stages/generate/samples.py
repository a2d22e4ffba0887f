"""Clips that no clip was given for: levels drawn from a prior, latents sampled given them, decoded to audio (P-72).

The prior is a trained one, or one with a closed form that is fitted here: Gaussians, level by level, are the floor. All
randomness of a sample depends on its number and on ``noise_seed`` alone, so that priors and systems share it. The index
says how new each sample is (:mod:`etude.metrics.novelty`): 1, as far from the nearest training clip as that is from the
next; 0, a copy of it.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from etude.diffusion.samplers import SamplerSettings
from etude.metrics.novelty import Novelty
from etude.pipeline.progress import progress
from etude.pipeline.stage import plain, run_stage
from etude.priors import Prior, plugin
from etude.training.arrays import EncodedSplit
from etude.training.weights import load_weights
from stages.generate.level_names import level_names
from stages.generate.sounding import ClipWriter, starting_noise
from stages.generate.system import load_system


def main(settings, data: Path, levels: Path, codec: Path, weights: Path, prior: Path, out: Path) -> None:
    encoded = EncodedSplit(data.parent, settings.split, ("latents", "mel1", "mel2", "mel3"))
    system = load_system(settings, encoded, weights)
    device = next(system.parameters()).device
    known = EncodedSplit(levels.parent, "train", level_names(levels.parent))
    source = _prior(settings.prior, known, prior).to(device).eval()
    novelty = Novelty(_features(list(known.batch(slice(None)).values())))

    # As many as there are reconstructions, so that their distances have the same bias.
    clips = [f"sample_{number:05d}" for number in range(settings.clips or len(encoded))]
    writer = ClipWriter(out, codec, settings)
    for start in progress(range(0, len(clips), settings.batch), f"samples {out.parent.name} {out.name}"):
        names = clips[start : start + settings.batch]
        drawn = _draw(source, known.shapes, names, settings, device)
        noise = starting_noise(names, encoded.shapes["latents"], settings.noise_seed).to(device)
        sampler = plain(settings.sampler)
        latents = system.generate(drawn, noise, sampler.pop("name"), SamplerSettings(**sampler))
        news = novelty.of(_features(drawn))
        rows = [{"clip": name, "novelty": f"{new:.4f}"} for name, new in zip(names, news, strict=True)]
        writer.write(latents, rows, weights)
    writer.finish(["novelty"])


def _prior(settings, levels: EncodedSplit, weights: Path) -> Prior:
    """Prior ``settings.name``: with its trained weights, or fitted to ``levels`` where there is nothing to train."""
    prior = plugin(settings.name).build(settings.model, levels.shapes)
    if str(weights) == "none":
        prior.fit(levels)
    else:
        load_weights(prior, weights, "priors.model describes", kind="prior")
    return prior


@torch.inference_mode()
def _draw(prior: Prior, shapes, names: list[str], settings, device: torch.device) -> list[Tensor]:
    """Levels for the samples called ``names``, coarse to fine. A level ends in a tanh, so it is kept in its range."""
    noise = [
        starting_noise([f"{name} {level}" for name in names], shapes[level], settings.noise_seed).to(device)
        for level in prior.names
    ]
    sampler = plain(settings.prior.sampler)
    drawn = prior.sample(noise, sampler.pop("name", ""), SamplerSettings(**sampler))
    return [level.clamp(-1.0, 1.0) for level in drawn]


def _features(levels: list[Tensor]) -> np.ndarray:
    """All levels of each clip in one row [clips, features]."""
    return torch.cat([level.flatten(1) for level in levels], dim=1).cpu().numpy()


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the encoded data set's index.csv",
        levels="path of the index.csv of the system's levels",
        codec="path of codec.json",
        weights="path of the system's weights.safetensors",
        prior="path of the prior's weights.safetensors, or none",
        out="path of the folder to write into",
    )
