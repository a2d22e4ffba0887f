"""Train one system with one seed (P-15 to P-17).

The network is built for the shapes of the encoded clips, its latent scaling fitted on the train split, and trained by
:func:`etude.training.loop.train`: Adam on the EDM loss, averaged weights, in as many stages as the system has. What
comes out is the averaged network and the loss curve; what a kill leaves behind is a checkpoint from which the same
command goes on.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

from etude.pipeline.files import atomic, write_csv
from etude.pipeline.stage import plain, run_stage
from etude.systems import plugin
from etude.training.arrays import EncodedSplit
from etude.training.checkpoint import Checkpoint
from etude.training.curves import write_tensorboard
from etude.training.fingerprint import fingerprint
from etude.training.loop import train


def main(settings, data: Path, scratch: Path, tensorboard: Path, out: Path) -> None:
    systems = plugin(settings.name)
    split = EncodedSplit(data.parent, "train", ("latents", "mel1", "mel2", "mel3"))
    torch.manual_seed(settings.seed)
    system = systems.build(settings.system, split.shapes)
    system.fit_scale(*split.mean_and_std("latents"))
    system.to("cuda" if torch.cuda.is_available() else "cpu")

    # The index knows the clips, not what a codec made of them: the arrays themselves decide whose checkpoint this is.
    arrays = [data.with_name(f"{name}.npy") for name in system.arrays]
    run = scratch / fingerprint("train", plain(settings), data, *arrays, plugin=systems.__name__)
    title = f"train {settings.name} on {data.parent.parent.name}, seed {settings.seed}"
    checkpoint = Checkpoint(run)
    curve = train(system, split, settings.train, settings.seed, checkpoint, title)

    write_tensorboard(tensorboard, curve)
    write_csv(out / "loss.csv", curve, ["stage", "step", "loss"])
    with atomic(out / "weights.safetensors") as part:
        save_file({name: value.cpu().contiguous() for name, value in system.state_dict().items()}, part)
    checkpoint.remove()


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the encoded data set's index.csv",
        scratch="path of the folder for checkpoints",
        tensorboard="path of the folder for TensorBoard's event file",
        out="path of the folder to write into",
    )
