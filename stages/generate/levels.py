"""The latents h of every clip: what probes, projections and priors look at (P-09, P-10, P-26 v).

A level is known by its number of frames, never by an index: the documents contradict each other on which end is h_1.
``level4.npy``, ``level8.npy``, ``level16.npy`` are float32 [clips, width of the level, frames], in the order of
``index.csv``. Where a system makes a finer level a residual on the coarser ones, the sum h̃ that its U-Net sees lies
beside it (``refined8.npy``, ``refined16.npy``). ``index.csv`` is the encoded data set's, plus a hash of each clip's
levels, so that what depends on it is made again when they change.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from etude.errors import UserError
from etude.pipeline.files import read_csv, write_csv, write_json
from etude.pipeline.progress import progress
from etude.pipeline.stage import plain, run_stage
from etude.systems.diffusion_autoencoder import DiffusionAutoencoder
from etude.training.arrays import EncodedSplit
from stages.encode.arrays import ArrayWriter
from stages.generate.system import load_system


def main(settings, data: Path, weights: Path, out: Path) -> None:
    rows = read_csv(data)
    split = EncodedSplit(data.parent, "train", ("latents", "mel1", "mel2", "mel3"))
    system = load_system(settings, split, weights)
    device = next(system.parameters()).device
    shapes = {name: array.shape[1:] for name, array in _encode(system, split.arrays, slice(0, 1), device).items()}
    types = dict.fromkeys(shapes, np.float32)
    with ArrayWriter(out, len(rows), shapes, types) as writer:
        for start in progress(
            range(0, len(rows), settings.batch), f"levels {data.parent.parent.name} {out.parent.name} {out.name}"
        ):
            clips = slice(start, start + settings.batch)
            arrays = _encode(system, split.arrays, clips, device)
            for name, block in arrays.items():
                if not np.isfinite(block).all():
                    raise UserError(f"{weights}: {name} is not finite; train it again with a lower train.lr")
                writer.write(name, start, block)
            for row, *levels in zip(rows[clips], *arrays.values(), strict=True):
                row["levels_sha256"] = hashlib.sha256(b"".join(level.tobytes() for level in levels)).hexdigest()
    write_json(out / "protocol.json", {"arrays": shapes, "settings": plain(settings)})
    write_csv(out / "index.csv", rows, list(rows[0]))


@torch.inference_mode()
def _encode(
    system: DiffusionAutoencoder, arrays: dict[str, np.ndarray], clips: slice, device: torch.device
) -> dict[str, np.ndarray]:
    """The levels of ``clips`` by the names of their files, each [clips, width, frames]."""
    batch = {name: torch.from_numpy(arrays[name][clips].astype(np.float32)).to(device) for name in system.arrays}
    levels = system.levels(batch)
    named = {f"level{level.shape[-1]}": level for level in levels}
    named |= {f"refined{level.shape[-1]}": level for level in _refined(system, levels)}
    return {name: np.ascontiguousarray(level.cpu().numpy()) for name, level in named.items()}


def _refined(system: DiffusionAutoencoder, levels: list[Tensor]) -> list[Tensor]:
    """Those h̃ that contain more than their own level: which is asked of the system by moving the coarser ones."""
    refined = system.refine(levels)
    found = []
    for k in range(1, len(levels)):
        moved = system.refine([level + 1 for level in levels[:k]] + levels[k:])
        if not torch.equal(moved[k], refined[k]):
            found.append(refined[k])
    return found


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the encoded data set's index.csv",
        weights="path of the system's weights.safetensors, or none",
        out="path of the folder to write into",
    )
