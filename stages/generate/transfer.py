"""Exchange levels between clips and sample again: one level from a target, all of them, or three clips at once (P-31).

Every swap is made once and listed with the clips it comes from; all judges hear the same files. What nothing is
exchanged in, the reconstruction, is what :mod:`stages.generate.generate` makes of the same clips from the same noise.

``settings.recombination`` "joint" exchanges h and lets the system refine the mixture; "tilde" exchanges what each clip
alone would have been refined to (P-22; a difference only for systems whose finer levels are residuals).
"""

from pathlib import Path

import torch

from etude.audio.clips import clip_ids
from etude.diffusion.samplers import SamplerSettings
from etude.pipeline.files import read_csv
from etude.pipeline.progress import progress
from etude.pipeline.stage import plain, run_stage
from etude.systems.recombination import Levels, generate_recombined
from etude.training.arrays import EncodedSplit
from stages.generate.sounding import ClipWriter, starting_noise
from stages.generate.swaps import Swap, swaps
from stages.generate.system import load_system


def main(settings, data: Path, codec: Path, weights: Path, out: Path) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    split = EncodedSplit(data.parent, settings.split, ("latents", "mel1", "mel2", "mel3"))
    pool = clip_ids(data, settings.split, settings.clips or None)
    system = load_system(settings, split, weights)
    levels = _levels(system, split, pool, settings.batch, device)
    rows = {row["clip"]: row for row in read_csv(data)}
    planned = swaps([rows[clip] for clip in pool], [level.shape[-1] for level in levels], settings)

    place = {clip: position for position, clip in enumerate(pool)}
    shape = split.shapes["latents"]
    sampler = plain(settings.sampler)
    name, sampler = sampler.pop("name"), SamplerSettings(**sampler)
    writer = ClipWriter(out, codec, settings)
    title = f"transfer {data.parent.parent.name} {out.parent.name} {out.name}"
    for start in progress(range(0, len(planned), settings.batch), title):
        batch = planned[start : start + settings.batch]
        givers = [
            [level[[place[clip] for clip in clips]] for level in levels]
            for clips in zip(*map(_givers, batch), strict=True)
        ]
        noise = starting_noise([swap.noise for swap in batch], shape, settings.noise_seed).to(device)
        latents = generate_recombined(system, givers, settings.recombination, noise, name, sampler)
        writer.write(latents, [swap._asdict() for swap in batch], weights)
    writer.finish(Swap._fields[1:])


@torch.inference_mode()
def _levels(system, split: EncodedSplit, clips: list[str], batch: int, device: torch.device) -> Levels:
    """h of ``clips``, each level [clips, width, frames]: encoded once, however many swaps a clip is part of."""
    positions = {clip: position for position, clip in enumerate(split.clips)}
    parts = []
    for start in range(0, len(clips), batch):
        names = clips[start : start + batch]
        arrays = split.batch(torch.tensor([positions[name] for name in names]), system.arrays)
        parts.append(system.levels({key: array.to(device) for key, array in arrays.items()}))
    return [torch.cat(level) for level in zip(*parts, strict=True)]


def _givers(swap: Swap) -> tuple[str, str, str]:
    return swap.coarse, swap.middle, swap.fine


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the encoded data set's index.csv",
        codec="path of codec.json",
        weights="path of the system's weights.safetensors",
        out="path of the folder to write into",
    )
