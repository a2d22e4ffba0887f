"""Train one cell of the memoir's tables with one seed (M-35 to M-42).

Clips and their controls are read from memory maps, as parts of ``train.crop_seconds`` where a step cannot afford whole
clips; features of the controls are hidden at random, so that the same network also generates without them (M-10). The
loop is the one that trains everything here. What comes out is the averaged network, the loss curve, and what the
training cost.
"""

import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from etude.errors import UserError
from etude.pipeline import ran
from etude.pipeline.digest import code_digest
from etude.pipeline.files import atomic, write_csv, write_json
from etude.pipeline.stage import plain, run_stage
from etude.systems.cell import build_cell, read_format
from etude.training.arrays import EncodedSplit
from etude.training.checkpoint import Checkpoint
from etude.training.curves import write_tensorboard
from etude.training.fingerprint import fingerprint
from etude.training.loop import train
from etude.training.windows import Windows


def main(settings, data: Path, scratch: Path, tensorboard: Path, out: Path) -> None:
    folder = data.parent
    split = EncodedSplit(folder, "train", ("clips", "controls"))
    facts = read_format(folder)
    system = build_cell(settings, folder, split.shapes)
    if facts.get("classes"):
        _check_codes(split, facts["classes"], folder)
    else:
        system.fit_scale(*split.mean_and_std("clips"))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    system.to(device)
    windows = Windows(split, round(settings.train.crop_seconds * facts["frames_per_second"]))

    arrays = [folder / f"{name}.npy" for name in system.arrays]
    code = code_digest("stages.train.controlled", f"etude.systems.{settings.system}")
    run = scratch / fingerprint("train", {"controlled": plain(settings), "code": code}, data, *arrays)
    title = f"train {settings.cell} on {folder.parent.name}, seed {settings.seed}"
    checkpoint = Checkpoint(run)
    began = time.perf_counter()
    curve = train(system, windows, settings.train, settings.seed, checkpoint, title)
    if device == "cuda":
        torch.cuda.synchronize()
    took = time.perf_counter() - began

    write_tensorboard(tensorboard, curve)
    write_csv(out / "loss.csv", curve, ["stage", "step", "loss"])
    with atomic(out / "weights.safetensors") as part:
        save_file({name: value.cpu().contiguous() for name, value in system.state_dict().items()}, part)
    write_json(out / "training.json", _cost(system, windows, settings, took))
    checkpoint.remove()


def _check_codes(split: EncodedSplit, classes: int, folder: Path) -> None:
    codes = split.arrays["clips"]
    for row in split.rows:
        low, high = int(codes[row].min()), int(codes[row].max())
        if low < 0 or high >= classes:
            raise UserError(
                f"{folder / 'clips.npy'}: row {row} has codes from {low} to {high}, and format.json says {classes} "
                f"classes, 0 to {classes - 1}; encode the format {folder.name} again"
            )


def _cost(system, windows: Windows, settings, took: float) -> dict:
    """What the training cost (M-42, M-44, M-46).

    A training that was resumed knows the time of the steps since then only: ``timed_steps``; ``seconds`` are those of
    all steps at that pace.
    """
    timed = max(1, windows.batches)
    here = ran.note()
    return {
        "steps": settings.train.steps,
        "batch": settings.train.batch,
        "frames": windows.frames,
        "parameters": system.learnable,
        "seconds": round(took * settings.train.steps / timed, 3),
        "timed_steps": windows.batches,
        "seconds_per_step": round(took / timed, 6),
        "reading_share": round(windows.seconds / max(took, 1e-9), 6),
        "bytes_read_per_step": int(
            settings.train.batch
            * sum(np.prod(shape) * windows.split.arrays[name].itemsize for name, shape in windows.shapes.items())
        ),
        "machine": {key: here[key] for key in ("host", "processor", "cores", "gpus")}
        | {"threads": torch.get_num_threads(), "torch": torch.__version__},
    }


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the format's index.csv",
        scratch="path of the folder for checkpoints",
        tensorboard="path of the folder for TensorBoard's event file",
        out="path of the folder to write into",
    )
