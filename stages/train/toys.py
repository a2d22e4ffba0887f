"""Train one toy and sample from it: each paradigm on data that one can see (M-31 to M-34; Figures 3.1, 3.2, 3.3, 3.6).

The systems are those of the tables with another network, or with the same one made small, and no controls; the loop is
the one that trains everything here. Beside the samples stand numbers, each with what true samples would get and what
noise would get.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from etude.networks.point_mlp import PointMlp
from etude.pipeline.digest import code_digest
from etude.pipeline.files import atomic, write_csv
from etude.pipeline.stage import namespace, plain, run_stage
from etude.systems.controlled import ControlledSystem, build_controlled, system_around
from etude.training.checkpoint import Checkpoint
from etude.training.curves import write_tensorboard
from etude.training.fingerprint import fingerprint
from etude.training.loop import Batch, train
from etude.training.seeds import generator_at
from stages.train.toy_data import TOYS

COLUMNS = ["toy", "figure", "data", "system", "metric", "value", "true", "chance", "direction", "parameters"]
UNCONTROLLED = namespace({"how": "none", "channels": 0, "side": "encoder", "decimate": 1, "lift": 0, "dropout": 0.0})


class InMemory:
    """Clips that fit into memory, as :func:`etude.training.loop.train` wants them."""

    def __init__(self, clips: Tensor):
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips)

    def batch(self, clips: Tensor | slice, names: tuple[str, ...]) -> Batch:
        return {"clips": self.clips[clips]}


def build(settings, data) -> ControlledSystem:
    """The toy's system: around the perceptron of points, or around the tables' U-Net."""
    torch.manual_seed(settings.seed)
    if hasattr(settings.network, "layers"):
        network = PointMlp(data.shape[-1], settings.network.width, settings.network.layers, settings.network.embedding)
        return system_around(network, settings.system, settings.block, data.shape, data.classes)
    shapes = {"clips": data.shape, "controls": (0, data.shape[-1])}
    return build_controlled(settings.system, settings.block, settings.network, UNCONTROLLED, shapes, data.classes, [])


def main(settings, scratch: Path, tensorboard: Path, out: Path) -> None:
    data = TOYS[settings.data](settings.source, settings.seed)
    system = build(settings, data)
    code = code_digest("stages.train.toys", f"etude.systems.{settings.system}")
    run = scratch / fingerprint("train", {"toy": plain(settings), "code": code})
    checkpoint = Checkpoint(run)
    curve = train(system, InMemory(data.clips), settings.train, settings.seed, checkpoint, f"toy {settings.toy}")

    system.eval()
    noise = torch.randn(settings.samples, *system.noise_shape(data.shape[-1]), generator=_at(settings.seed, "noise"))
    with torch.no_grad():
        shown = data.generate(system, noise, settings.sampler, _at(settings.seed, "steps"))
    facts = {key: getattr(settings, key) for key in ("toy", "data", "system")}
    facts |= {"figure": f"Figure {settings.figure}", "parameters": system.learnable}
    numbers = [facts | row for row in data.numbers(shown)]

    write_tensorboard(tensorboard, curve)
    write_csv(out / "loss.csv", curve, ["stage", "step", "loss"])
    write_csv(out / "numbers.csv", numbers, COLUMNS)
    for name, array in shown.items():
        with atomic(out / f"{name}.npy") as part:
            np.save(part, array)
    with atomic(out / "weights.safetensors") as part:
        save_file({name: value.contiguous() for name, value in system.state_dict().items()}, part)
    checkpoint.remove()


def _at(seed: int, what: str) -> torch.Generator:
    return generator_at(seed, "toy", what)


if __name__ == "__main__":
    run_stage(
        main,
        scratch="path of the folder for checkpoints",
        tensorboard="path of the folder for TensorBoard's event file",
        out="path of the folder to write into",
    )
