"""`etude cost`: what a scale needs before a byte is fetched: jobs, GPU hours, disk.

The jobs are those of a dry run of the whole DAG, or of the targets that are named. GPU hours are floating-point
operations, counted on the very networks of params.yaml (without computing anything), divided by what a GPU keeps up;
disk is the size of the arrays to come. Both are estimates and say what they rest on.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tabulate import tabulate

from etude.config import resolve
from etude.errors import UserError
from etude.networks.operations import operations
from etude.pipeline.progress import progress

GIGA = 1e9
# Sustained single-precision rate of these small networks; an assumption, a fifth of what a large GPU can do.
TERAFLOPS = 10.0
# Seconds of a data-centre GPU (H200) for one clip of three seconds, measured with random weights: encode, decode.
CODEC_SECONDS = {"music2latent": (0.0075, 0.043)}
GRID, CELLS = "train_system", "train_controlled"  # the rules that train
CELL_COLUMNS = (
    "cell", "format", "parameters, M", "steps", "TFLOP a step", "GPU hours", "calls for a clip", "seconds for a clip",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `etude cost`."""
    parser.add_argument("target", nargs="*", help="what is to be made, as for snakemake (default: all)")
    parser.add_argument("--scale", help="smoke, laptop, large or paper (default: the one in params.yaml)")
    parser.add_argument(
        "--teraflops", type=float, default=TERAFLOPS, help="sustained by your GPU (default %(default)s)"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print the table; returns the exit status."""
    if not Path("params.yaml").exists():
        raise UserError(f"no params.yaml in {Path.cwd()}; run this in the root of the project")
    raw = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params = resolve(raw | ({"scale": arguments.scale} if arguments.scale else {}))
    jobs = count_jobs(params["scale"], arguments.target)
    cells = cell_costs(params) if CELLS in jobs else {}
    found = estimate(params, arguments.teraflops) if GRID in jobs else []
    found += estimate_cells(params, cells, arguments.teraflops) if cells else []
    needs = {need.rule: need for need in together(need for need in found if need.rule in jobs)}
    rows = [
        (rule, count, *((need.gpu_hours, need.disk, need.note) if (need := needs.get(rule)) else (None, None, "")))
        for rule, count in jobs.items()
    ]
    total = (
        sum(jobs.values()),
        sum(n.gpu_hours or 0 for n in needs.values()),
        sum(n.disk or 0 for n in needs.values()),
    )
    print(f"Scale {params['scale']}, {' '.join(arguments.target) or 'everything'} from nothing:\n")
    rows.append(("in all", *total, f"at {arguments.teraflops:g} TFLOP/s"))
    print(tabulate(rows, ["rule", "jobs", "GPU hours", "disk, GB", ""], floatfmt=".1f", missingval=""))
    if cells:
        print(f"\n{tabulate(cell_rows(cells, arguments.teraflops), CELL_COLUMNS, floatfmt='.3g')}")
    datasets = [
        *(params["grid"]["datasets"] if GRID in jobs else []),
        *(params["mante2024"]["datasets"] if cells else []),
    ]
    for dataset in datasets:
        print(f"\n{dataset}: {where_from(dataset)}")
    return 0


def count_jobs(scale: str, targets: Sequence[str] = ()) -> dict[str, int]:
    """Jobs of the whole DAG, or of ``targets``, by rule, from a dry run that takes nothing as done."""
    if sys.stderr.isatty():
        print(f"etude: building the DAG of scale {scale}", file=sys.stderr)
    command = [
        sys.executable,
        "-m",
        "snakemake",
        *targets,
        "--dry-run",
        "--forceall",
        "--quiet",
        "rules",
        "--cores",
        "1",
    ]
    done = subprocess.run([*command, "--config", f"scale={scale}"], capture_output=True, text=True)
    table = re.search(r"^job +count\n-+ +-+\n(.*?)\n\n", done.stdout + done.stderr + "\n\n", re.DOTALL | re.MULTILINE)
    if done.returncode or not table:
        raise UserError(f"the dry run of scale {scale} failed; `snakemake -n --config scale={scale}` says why")
    rows = (line.split() for line in table[1].splitlines())
    return {rule: int(count) for rule, count in rows if rule not in ("all", "total")}


@dataclass(frozen=True)
class Need:
    """What all jobs of one rule need together; ``None`` where it is too little to count."""

    rule: str
    gpu_hours: float | None = None
    disk: float | None = None
    note: str = ""


def estimate(params: dict[str, Any], teraflops: float) -> list[Need]:
    """GPU hours and gigabytes of each rule that needs any to speak of."""
    grid, sizes = params["grid"], {name: _size(name) for name in params["grid"]["datasets"]}
    clip = params["prepare"]["chunk_samples"]
    seconds = clip / params["prepare"]["sample_rate"]
    clips = {name: size.get("clips") or size["hours"] * 3600 / seconds for name, size in sizes.items()}
    every, kinds, seeds = sum(clips.values()), len(grid["codecs"]), len(grid["seeds"])
    test = len(clips) * params["generate"]["clips"] or 0.1 * every
    encode_seconds = sum(CODEC_SECONDS.get(codec, (0.0, 0.0))[0] for codec in grid["codecs"])
    decode_seconds = sum(CODEC_SECONDS.get(codec, (0.0, 0.0))[1] for codec in grid["codecs"])
    shapes = _shapes(params)
    numbers = 4 * shapes["latents"][0] * shapes["latents"][1] + sum(
        2 * a * b for k, (a, b) in shapes.items() if k != "latents"
    )
    work = {name: _work(name, params, shapes) for name in progress(grid["systems"], "counting operations")}
    cells = len(clips) * kinds * seeds
    training = cells * sum(trained for trained, _, _ in work.values())
    sampling = test * kinds * (seeds + 1) * sum(sampled for _, sampled, _ in work.values())
    systems = len(work)
    rate = 1e12 * teraflops * 3600
    return [
        Need("fetch_dataset", None, sum(size["gigabytes"] for size in sizes.values()), "archives and what is in them"),
        Need("prepare_dataset", None, every * clip * 2 / GIGA, f"{every:,.0f} clips of {seconds:.2f} s"),
        Need(
            "encode_dataset",
            every * encode_seconds / 3600,
            every * kinds * numbers / GIGA,
            "latents and mel spectrograms",
        ),
        Need(
            "train_system",
            training / rate,
            cells * sum(parameters for _, _, parameters in work.values()) * 4 * 5 / GIGA,
            "weights, and while training Adam's state and averages",
        ),
        Need(
            "generate_reconstructions",
            sampling / rate + test * kinds * (systems * (seeds + 1) + 1) * decode_seconds / 3600,
            test * kinds * (systems * (seeds + 1) + 1) * clip * 1.2 / GIGA,
            "with untrained networks and round trips",
        ),
    ]


def together(needs: Iterable[Need]) -> list[Need]:
    """Those of one rule as one."""
    found: dict[str, Need] = {}
    for need in needs:
        other = found.get(need.rule, Need(need.rule))
        hours, disk = ([part for part in pair if part is not None] for pair in
                       ((other.gpu_hours, need.gpu_hours), (other.disk, need.disk)))  # fmt: skip
        note = "; ".join(filter(None, [other.note, need.note]))
        found[need.rule] = Need(need.rule, sum(hours) if hours else None, sum(disk) if disk else None, note)
    return list(found.values())


def cell_costs(params: dict[str, Any]) -> dict[str, Any]:
    """What each controlled cell costs, by its name."""
    from etude.cost_cells import cell_cost

    return {
        cell: cell_cost(params, cell, _melodies(params)[1])
        for cell in progress(params["mante2024"]["cells"], "counting operations")
    }


def estimate_cells(params: dict[str, Any], cells: dict[str, Any], teraflops: float) -> list[Need]:
    """GPU hours and gigabytes of the rules behind controlled ``cells`` (Manté 2024)."""
    from etude.cost_cells import format_cost

    mante, rate = params["mante2024"], 1e12 * teraflops * 3600
    clips, seconds, samples = _melodies(params)
    trainings = len(mante["datasets"]) * len(mante["seeds"])
    formats = {name: format_cost(params, name, seconds) for name in dict.fromkeys(one.format for one in cells.values())}
    made = len(mante["datasets"]) * sum(one.clips for one in cells.values())
    said = ", ".join(f"{name} {list(one.shape)} {clips * one.bytes / GIGA:.1f} GB" for name, one in formats.items())
    return [
        Need("fetch_dataset", None, sum(_size(name)["gigabytes"] for name in mante["datasets"])),
        Need("prepare_dataset", None, clips * samples * 2 / GIGA, f"{clips:,.0f} melodies of {seconds:g} s"),
        Need("export_format", None, clips * sum(one.bytes for one in formats.values()) / GIGA, said),
        Need(
            CELLS,
            trainings * sum(one.training for one in cells.values()) / rate,
            trainings * sum(one.parameters for one in cells.values()) * 4 * 5 / GIGA,
            "weights, and while training Adam's state and averages",
        ),
        Need(
            "generate_controlled_set",
            len(mante["datasets"]) * sum(one.sampling for one in cells.values()) / rate,
            made * mante["generate"]["seconds"] * samples / seconds * 1.2 / GIGA,
            f"{made:,.0f} clips, what codecs compute left out",
        ),
    ]


def cell_rows(cells: dict[str, Any], teraflops: float) -> list[tuple]:
    """A line for each cell: one training, and one clip."""
    rate = 1e12 * teraflops
    return [
        (
            name, one.format, one.parameters / 1e6, one.steps, one.step / 1e12, one.training / rate / 3600,
            one.calls, one.calls * one.call / rate,
        )
        for name, one in cells.items()
    ]  # fmt: skip


def _melodies(params: dict[str, Any]) -> tuple[float, float, int]:
    """Of all data sets of controlled cells together: clips, and of one its seconds and samples."""
    from etude.cost_cells import clips_of

    found = [clips_of(params, name, _source(name) | {"size": _size(name)}) for name in params["mante2024"]["datasets"]]
    return sum(clips for clips, _, _ in found), *found[0][1:]


def where_from(dataset: str) -> str:
    """How the data set gets here, in a few words."""
    source = _source(dataset)
    words = {
        "embedded": "made here, nothing is downloaded",
        "open": f"downloaded from {len(source.get('files', []))} address(es), licence {source['licence']}",
        "manual": f"to be put at {source.get('place')}: {source.get('how')}",
    }
    return f"{source['title']}; {words[source['access']]}"


def _source(dataset: str) -> dict[str, Any]:
    return yaml.safe_load(Path(f"data/sources/{dataset}.yaml").read_text(encoding="utf-8"))


def _size(dataset: str) -> dict[str, float]:
    size = _source(dataset).get("size")
    if not size:
        raise UserError(
            f"data/sources/{dataset}.yaml: no size in it, so its cost is unknown; "
            "add `size: {clips: ..., gigabytes: ...}`"
        )
    return size


def _shapes(params: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Shapes of one encoded clip, as the encode step will make them."""
    from etude.audio.mel import mel_shapes

    block = params["codec"][params["grid"]["codecs"][0]]
    mel = params["encode"]["mel"]
    mels = mel_shapes(mel["samples"], mel["bands"], mel["hop"])
    # Loaded codecs cannot be asked without their weights: the thesis works on [64, 32].
    frames = params["prepare"]["chunk_samples"] // (block["hop"] * block["frames_per_latent"]) if "hop" in block else 32
    return {"latents": (block.get("components", 64), frames)} | {f"mel{k}": s for k, s in enumerate(mels, start=1)}


def _work(name: str, params: dict[str, Any], shapes: dict[str, tuple[int, int]]) -> tuple[float, float, int]:
    """Floating-point operations of one training and of one sampled clip, and the parameters, of system ``name``."""
    import torch

    from etude.diffusion.samplers import SamplerSettings
    from etude.pipeline.stage import namespace
    from etude.systems import plugin

    train, sampler = params["train"], dict(params["generate"]["sampler"])
    with torch.device("meta"):  # shapes without numbers
        system = plugin(name).build(namespace(params["systems"][name]), shapes)
        batch = {key: torch.empty(train["batch"], *shape) for key, shape in shapes.items()}
        one = {key: value[:1] for key, value in batch.items()}

    def step(stage: int) -> None:
        frozen = system.frozen_levels(batch, stage)
        inputs = {key: batch[key] for key in system.arrays_in(stage)} | frozen
        system.loss(inputs, stage, torch.Generator()).backward()

    def draw() -> None:
        method = sampler.pop("name")
        system.generate(
            system.levels(one), torch.empty(1, *shapes["latents"], device="meta"), method, SamplerSettings(**sampler)
        )

    steps = train["steps"] / system.stages
    trained = sum(steps * operations(lambda stage=stage: step(stage)) for stage in range(system.stages))
    return trained, operations(draw), sum(parameter.numel() for parameter in system.parameters())
