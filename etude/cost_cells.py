"""What formats and controlled cells need (M-03, M-35 to M-46): numbers on disk, parameters, operations.

The networks of params.yaml are built without numbers in them. What is counted is a call of the network, and of training
a call and its derivative: all but nothing of a step, and of a clip as many calls as its sampler makes. What codecs
compute is not counted.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from etude.codecs.cqt import CqtCodec
from etude.codecs.encodec import CHANNELS, CLASSES, HOP, RATE, codebooks_of
from etude.codecs.spectral import SpectralCodec
from etude.config import prepare_settings
from etude.config.cells import described_cell
from etude.controls.tracks import control_names
from etude.errors import UserError
from etude.networks.operations import operations
from etude.pipeline.stage import namespace
from etude.systems.controlled import build_controlled, system_around
from etude.systems.counting import Counting

FEATURES = 3  # of the controls, each left free in a set of its own where fidelity asks for it
SWEEPS = ("churn", "steps", "guidance")
Shape = tuple[int, ...]


@dataclass(frozen=True)
class FormatCost:
    """One clip of a format on disk: ``shape`` of its array, whose numbers are ``classes`` where there are some, and
    ``bytes``, its controls included."""

    shape: Shape
    classes: int
    frames_per_second: float
    bytes: int


@dataclass(frozen=True)
class CellCost:
    """One training of a cell, and all clips that are generated with it."""

    format: str
    parameters: int
    steps: int
    step: float
    """Operations of one step."""
    calls: int
    call: float
    """Operations of one call of the network for one clip."""
    clips: int

    @property
    def training(self) -> float:
        return self.steps * self.step

    @property
    def sampling(self) -> float:
        return self.clips * self.calls * self.call


def clips_of(params: dict[str, Any], dataset: str, source: dict[str, Any]) -> tuple[int, float, int]:
    """Of ``dataset``, whose manifest is ``source``: how many clips at most, seconds and samples of one."""
    block = prepare_settings(params["prepare"], dataset, source.get("reader"))
    limits = list(block.get("clips", {}).values())
    most = source["size"].get("clips", math.inf)
    clips = min(most, sum(limits)) if limits and all(limits) else most
    return clips, block["chunk_samples"] / block["sample_rate"], block["chunk_samples"]


def format_cost(params: dict[str, Any], name: str, seconds: float) -> FormatCost:
    """Format ``name`` for clips of ``seconds``, as its codec would say once it is there.

    Raises ``UserError`` for a codec whose arrays cannot be known before.
    """
    form = params["formats"][name]
    if form["codec"] not in ARRAYS:
        raise UserError(
            f"params.yaml: formats.{name} is of codec {form['codec']!r}, whose arrays nobody knows before it is there; "
            f"`etude cost` knows those of {', '.join(ARRAYS)}"
        )
    codes = form["array"] == "codes"
    shape, rate = ARRAYS[form["codec"]](params["codec"][form["codec"]], codes, seconds)
    size = math.prod(shape) * np.dtype(form["storage"]).itemsize + 4 * len(_rows(params)) * shape[-1]
    return FormatCost(shape, CLASSES if codes else 0, rate, size)


def _cqt(block: dict[str, Any], codes: bool, seconds: float) -> tuple[Shape, float]:
    codec = CqtCodec(namespace(block))
    return (codec.channels, codec.bins, codec.frames(round(seconds * codec.sample_rate))), codec.frames_per_second


def _encodec(block: dict[str, Any], codes: bool, seconds: float) -> tuple[Shape, float]:
    rows = codebooks_of(block["bandwidth"]) if codes else block.get("components") or CHANNELS
    return (rows, math.ceil(seconds * RATE / HOP)), RATE / HOP


def _spectral(block: dict[str, Any], codes: bool, seconds: float) -> tuple[Shape, float]:
    codec = SpectralCodec(namespace(block))
    return (codec.channels, codec.frames(round(seconds * codec.sample_rate))), codec.frames_per_second


ARRAYS: dict[str, Callable[[dict[str, Any], bool, float], tuple[Shape, float]]] = {
    "cqt": _cqt,
    "seanet": _encodec,
    "encodec": _encodec,
    "spectral_24k": _spectral,
}


def cell_cost(params: dict[str, Any], cell: str, seconds: float) -> CellCost:
    """Cell ``cell``, whose data are clips of ``seconds``."""
    mante, chosen = params["mante2024"], params["mante2024"]["cells"][cell]
    form = format_cost(params, chosen["format"], seconds)
    told = namespace(described_cell(params, cell, 0))
    train = mante["train"] | chosen["train"]
    sampler = namespace(mante["samplers"][chosen["system"]])
    rows = len(_rows(params))
    shapes = {"clips": form.shape, "controls": (rows, form.shape[-1])}
    blocks = told.block, told.network, told.control
    with torch.device("meta"):  # shapes without numbers
        network = build_controlled(chosen["system"], *blocks, shapes, form.classes, _rows(params)).network

    def call(length: float) -> torch.Tensor:
        frames = min(form.shape[-1], max(1, round(length * form.frames_per_second)))
        kind = {"device": "meta", "dtype": torch.int64 if form.classes else torch.float32}
        clip = torch.zeros(1, *form.shape[:-1], frames, **kind)
        return network(clip, torch.ones(1, device="meta"), torch.zeros(1, rows, frames, device="meta"))

    step = operations(lambda: call(train["crop_seconds"] or seconds).sum().backward())
    with torch.no_grad():
        once = operations(lambda: call(chosen["seconds"] or mante["generate"]["seconds"]))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    calls = _calls(chosen["system"], told.block, sampler, min(form.classes, 2))
    return CellCost(
        chosen["format"], parameters, train["steps"], train["batch"] * step, calls, once, clips_made(mante, cell)
    )


def clips_made(mante: dict[str, Any], cell: str) -> int:
    """Clips that are generated with ``cell``: its own, with its network untrained, with controls free, in sweeps."""
    sets = len(mante["seeds"]) + mante["generate"]["untrained"].count(cell)
    sets += FEATURES * mante["fidelity"]["free"].count(cell)
    if cell == mante["sweeps"]["cell"]:
        sets += sum(len(mante["sweeps"][knob]) for knob in SWEEPS)
    return sets * mante["generate"]["clips"]


def _calls(system: str, block, sampler, classes: int) -> int:
    """Calls of the network for a clip: those of the sampler on a clip of one number."""
    counting, shape = Counting(classes), (1, 1)
    system_around(counting, system, block, shape, classes).generate(None, torch.zeros(1, *shape), sampler)
    return counting.calls


def _rows(params: dict[str, Any]) -> list[str]:
    """Names of the controls."""
    return control_names([player["name"] for player in params["prepare"]["readers"]["melodies"]["programs"]])
