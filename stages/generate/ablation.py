"""Reconstruct clips with one level taken away, or all: how much each level carries (P-26 vi).

The level h_k of every clip gives place to zeros, or to the mean of h_k over the train split (for each channel and
frame), before the finer levels are refined by it. All else, the starting noise included, is as in the reconstructions
that :mod:`stages.generate.generate` makes, so that these are what nothing is taken away from.

One set of clips per place (coarse, middle, fine, all) and way (zero, mean): all of one system in one job.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from etude.audio.clips import clip_ids, sample
from etude.diffusion.samplers import SamplerSettings
from etude.errors import UserError
from etude.pipeline.files import read_csv
from etude.pipeline.progress import progress
from etude.pipeline.stage import plain, run_stage
from etude.training.arrays import EncodedSplit
from stages.generate.sounding import ClipWriter, starting_noise
from stages.generate.system import load_system

PLACES = {"coarse": [0], "middle": [1], "fine": [2], "all": [0, 1, 2]}


def main(settings, data: Path, codec: Path, weights: Path, levels: Path, out: Path) -> None:
    split = EncodedSplit(data.parent, settings.split, ("latents", "mel1", "mel2", "mel3"))
    system = load_system(settings, split, weights)
    device = next(system.parameters()).device
    pool = clip_ids(data, settings.split, settings.generated or None)
    clips = [clip for clip in pool if clip in sample(pool, settings.clips)]
    stand_ins = {
        "zero": [torch.zeros_like(level) for level in train_means(levels)],
        "mean": train_means(levels),
    }
    sampler = plain(settings.sampler)
    name, sampler = sampler.pop("name"), SamplerSettings(**sampler)
    for place, how in progress(list(_sets(settings)), f"ablation {data.parent.parent.name} {settings.name}"):
        writer = ClipWriter(_folder(out, place, how), codec, settings)
        for start in range(0, len(clips), settings.batch):
            names = clips[start : start + settings.batch]
            chosen = torch.tensor([split.clips.index(clip) for clip in names])
            batch = {key: array.to(device) for key, array in split.batch(chosen).items()}
            noise = starting_noise(names, split.shapes["latents"], settings.noise_seed).to(device)
            with torch.inference_mode():
                kept = without(system.levels(batch), stand_ins[how], PLACES[place])
                latents = system.generate(kept, noise, name, sampler)
            writer.write(latents, [{"clip": clip} for clip in names], weights)
        writer.finish()


def without(levels: list[Tensor], stand_ins: list[Tensor], places: list[int]) -> list[Tensor]:
    """``levels`` [batch, width, frames], at ``places`` replaced by ``stand_ins`` [width, frames] for every clip."""
    return [stand_ins[k].to(level).expand_as(level) if k in places else level for k, level in enumerate(levels)]


def train_means(levels: Path) -> list[Tensor]:
    """Mean of each level over the train split, [width, frames], coarse first."""
    train = [int(row["row"]) for row in read_csv(levels) if row["split"] == "train"]
    if not train:
        raise UserError(f"{levels}: no clips in split 'train', so a level has no mean; check prepare.split")
    files = sorted(levels.parent.glob("level[0-9]*.npy"), key=lambda path: int(path.stem.removeprefix("level")))
    arrays = [np.load(path, mmap_mode="r") for path in files]
    return [torch.from_numpy(np.asarray(array[train].mean(axis=0, dtype=np.float64), np.float32)) for array in arrays]


def _sets(settings) -> Iterator[tuple[str, str]]:
    return ((place, how) for how in settings.how for place in PLACES)


def _folder(out: Path, place: str, how: str) -> Path:
    """The folder of one set; ``out`` is <system>/<seed>."""
    return out.parent.with_name(f"{out.parent.name}_without_{place}_{how}") / out.name


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the encoded data set's index.csv",
        codec="path of codec.json",
        weights="path of the system's weights.safetensors",
        levels="path of the index.csv of the system's levels",
        out="path <system>/<seed>; the sets are written to <system>_without_<place>_<how>/<seed>",
    )
