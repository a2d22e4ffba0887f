"""Train a prior over the levels of one trained system (P-72).

The levels of the train split are computed already, so a step is small: one denoiser per level in turn, coarse to fine,
each given the coarser levels of the same clips, in the loop that trains everything here. What comes out is the averaged
network and the loss curve; a killed training goes on from its checkpoint.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

from etude.pipeline.files import atomic, write_csv
from etude.pipeline.stage import plain, run_stage
from etude.priors import plugin
from etude.training.arrays import EncodedSplit
from etude.training.checkpoint import Checkpoint
from etude.training.curves import write_tensorboard
from etude.training.fingerprint import fingerprint
from etude.training.loop import train
from stages.generate.level_names import level_names


def main(settings, levels: Path, scratch: Path, tensorboard: Path, out: Path) -> None:
    priors = plugin(settings.prior)
    split = EncodedSplit(levels.parent, "train", level_names(levels.parent))
    torch.manual_seed(settings.seed)
    prior = priors.build(settings.model, split.shapes)
    prior.fit(split)
    prior.to("cuda" if torch.cuda.is_available() else "cpu")

    # The index has a hash of the levels of every clip, so it decides alone whose checkpoint this is.
    run = scratch / fingerprint("train", {"prior": plain(settings)}, levels, plugin="stages.train.priors")
    system, dataset = levels.parent.parent.name, levels.parents[3].name
    checkpoint = Checkpoint(run)
    title = f"prior of {system} on {dataset}, seed {settings.seed}"
    curve = train(prior, split, settings.train, settings.seed, checkpoint, title)

    write_tensorboard(tensorboard, curve)
    write_csv(out / "loss.csv", curve, ["stage", "step", "loss"])
    with atomic(out / "weights.safetensors") as part:
        save_file({name: value.cpu().contiguous() for name, value in prior.state_dict().items()}, part)
    checkpoint.remove()


if __name__ == "__main__":
    run_stage(
        main,
        levels="path of the index.csv of a system's levels",
        scratch="path of the folder for checkpoints",
        tensorboard="path of the folder for TensorBoard's event file",
        out="path of the folder to write into",
    )
