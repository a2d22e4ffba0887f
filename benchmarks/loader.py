"""Reading what a controlled training uses up: memory-mapped formats against the step that waits for them, and npz.

The arrays are random, in the shapes and types of the formats in params.yaml; the steps are those of the cells named
below, with their batch and their window. The rival is one compressed npz file per clip, as the memoir had it before its
GPUs starved. Files are dropped from the system's cache before each round, where the system lets us.

    python benchmarks/loader.py [--clips 200] [--batches 20] [--scale laptop]
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import yaml

from etude.codecs import plugin
from etude.config import resolve
from etude.pipeline.files import write_csv, write_json
from etude.pipeline.stage import namespace
from etude.systems.cell import build_cell
from etude.training.arrays import EncodedSplit
from etude.training.seeds import generator_at
from etude.training.windows import Windows

CELLS = ("edm_cqt", "edm_latents", "discdpm_codes")
RATE, SECONDS, CONTROLS = 24000, 8, 5


def shape_of(params: dict, block: dict) -> tuple[int, ...]:
    """Shape of a clip of the format ``block``, and its frames a second as the last number."""
    chosen = namespace(params["codec"][block["codec"]])
    if block["codec"] == "cqt":
        codec = plugin("cqt").CqtCodec(chosen)
        return codec.channels, codec.bins, codec.frames(SECONDS * RATE), codec.frames_per_second
    module = plugin("encodec")
    rows = module.codebooks_of(chosen.bandwidth) if block["array"] == "codes" else module.CHANNELS
    return rows, SECONDS * RATE // module.HOP, RATE / module.HOP


def write(folder: Path, shape: tuple[int, ...], block: dict, clips: int) -> None:
    """The format as it is, and beside it each clip as an npz file."""
    generator = np.random.default_rng(0)
    codes = block["array"] == "codes"
    arrays = {
        "controls": np.lib.format.open_memmap(folder / "controls.npy", "w+", np.float32, (clips, CONTROLS, shape[-1]))
    }
    arrays["clips"] = np.lib.format.open_memmap(folder / "clips.npy", "w+", block["storage"], (clips, *shape))
    for k in range(clips):
        arrays["clips"][k] = generator.integers(0, 1024, shape) if codes else generator.standard_normal(shape)
        arrays["controls"][k] = generator.random((CONTROLS, 1))
        np.savez_compressed(folder / f"{k}.npz", **{name: array[k] for name, array in arrays.items()})
    for array in arrays.values():
        array.flush()
    write_csv(
        folder / "index.csv", [{"clip": k, "row": k, "split": "train"} for k in range(clips)], ["clip", "row", "split"]
    )
    write_json(folder / "format.json", {"classes": 1024 if codes else None})


def forget(folder: Path) -> None:
    """Drop the files of ``folder`` from the page cache."""
    for path in [*folder.glob("*.npy"), *folder.glob("*.npz")]:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def seconds_each(action, times: int) -> float:
    """Median seconds of ``action(k)`` for k below ``times``."""
    taken = []
    for k in range(times):
        began = time.perf_counter()
        action(k)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def measure(params: dict, name: str, clips: int, batches: int) -> None:
    mante, cell = params["mante2024"], params["mante2024"]["cells"][name]
    training = mante["train"] | (cell.get("train") or {})
    block = params["formats"][cell["format"]]
    *shape, rate = shape_of(params, block)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder, tuple(shape), block, clips)
        split = EncodedSplit(folder, "train", ("clips", "controls"))
        windows = Windows(split, round(training["crop_seconds"] * rate))
        settings = {"cell": name, "system": cell["system"], "block": params["systems"][cell["system"]], "seed": 0}
        settings |= {"network": mante["networks"][cell["network"]]}
        settings |= {"control": mante["control"] | (cell.get("control") or {})}
        system = build_cell(namespace(settings), folder, split.shapes)
        if block["array"] != "codes":
            system.fit_scale(*split.mean_and_std("clips"))
        optimizer = torch.optim.Adam(system.parameters(), lr=1e-4)
        draw = torch.Generator().manual_seed(0)
        chosen = [torch.randint(len(windows), (training["batch"],), generator=draw) for _ in range(batches)]
        batch = windows.batch(chosen[0])

        def step(k: int) -> None:
            optimizer.zero_grad(set_to_none=True)
            system.loss(batch, 0, generator_at("step", k)).backward()
            optimizer.step()

        def rival(k: int) -> None:
            places = [int(part) // len(windows.starts) for part in chosen[k]]
            read = [dict(np.load(folder / f"{place}.npz")) for place in places]
            for key in ("clips", "controls"):
                torch.from_numpy(np.stack([one[key][..., : windows.frames] for one in read])).float()

        step(0)
        stepping = seconds_each(step, 5)
        forget(folder)
        mapped = seconds_each(lambda k: windows.batch(chosen[k]), batches)
        forget(folder)
        zipped = seconds_each(rival, batches)
    print(
        f"{name}: a step of {training['batch']} x {windows.frames} frames {1000 * stepping:.1f} ms, its batch from "
        f"memory maps {1000 * mapped:.2f} ms ({stepping / mapped:.0f} times as fast as it is used up), from npz "
        f"{1000 * zipped:.1f} ms ({zipped / mapped:.0f} times as slow)"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--scale", default="laptop")
    options = parser.parse_args()
    raw = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8")) | {"scale": options.scale}
    print(
        f"{platform.processor() or platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} threads, "
        f"{options.clips} clips"
    )
    for cell in CELLS:
        measure(resolve(raw), cell, options.clips, options.batches)
