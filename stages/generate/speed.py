"""How long one batch takes to generate, every cell in one job on one machine (M-45).

    seconds = calls x seconds of a call + seconds of decoding

A call is one evaluation of the network with what the sampler does around it. It is timed within the real sampler, after
a warm-up; where ``settings.calls`` is above 0, sampling is stopped after so many calls (of a thousand, all alike) and
the rest is multiplied. Paradigms with a number of steps of their own are timed with all of them (``settings.whole`` is
what their sampler is then told), whatever the clips to be judged were made with, which is ``calls_made``. The clock
waits for the GPU. Cells take turns, ``repeats`` times, so that a machine that slows down does so for all.
"""

import platform
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from etude.pipeline.files import write_csv
from etude.pipeline.progress import progress
from etude.pipeline.stage import run_stage
from etude.systems.cell import build_cell, ready
from etude.systems.controlled import ControlledSystem
from etude.systems.counting import Counting
from etude.systems.format import Format
from stages.generate.controlled import generate
from stages.generate.sounding import ClipWriter

COLUMNS = [
    "dataset", "cell", "batch", "seconds", "repeat", "calls", "calls_made", "timed_calls", "call_seconds",
    "decode_seconds",     "inference_seconds", "parameters", "device", "threads", "torch",
]  # fmt: skip
WARM_UP = 2  # calls


class _Enough(Exception):
    """Raised from within the network to leave a sampler half-way."""


def main(settings, formats: Path, codecs: Path, out: Path) -> None:
    torch.set_num_threads(settings.threads)
    cells = {
        name: Timed(name, cell, settings.whole, formats, codecs, out.parent)
        for name, cell in vars(settings.cells).items()
    }
    rows = []
    for repeat in progress(range(settings.repeats), "timing", total=settings.repeats):
        for timed in cells.values():
            rows.append({"dataset": settings.dataset, "repeat": repeat, **timed.measure(settings.calls)})
    write_csv(out, rows, COLUMNS)


class Timed:
    """A cell's network, untrained (weights take no part in time), its sampler and its codec."""

    def __init__(self, name: str, cell, whole, formats: Path, codecs: Path, scratch: Path):
        self.name, self.cell = name, cell
        self.form = Format.load(formats / cell.format)
        self.writer = ClipWriter(scratch / f".{name}.part", codecs / cell.codec / "codec.json", cell)
        self.writer.out.rmdir()
        self.writer.samples = round(cell.seconds * self.writer.codec.sample_rate)
        self.frames = self.writer.codec.frames(self.writer.samples)
        self.system: ControlledSystem = ready(build_cell(cell.cell, self.form.folder, self.form.shapes))
        self.calls_made = self._count()
        cell.sampler = SimpleNamespace(**vars(cell.sampler) | vars(getattr(whole, cell.cell.system, SimpleNamespace())))
        self.calls = self._count()

    def measure(self, most: int) -> dict[str, object]:
        """One row of the table."""
        timed = min(most, self.calls - WARM_UP) if most else self.calls
        self._sample(WARM_UP)
        call, made = self._time_calls(timed)
        if made is None:
            made = self._anything()
        self.writer.decode(made[:1].cpu(), self.writer.samples, 0)
        decode = clocked(lambda: self.writer.decode(made.cpu(), self.writer.samples, 0))[0]
        return {
            "cell": self.name, "batch": self.cell.batch, "seconds": self.cell.seconds, "calls": self.calls,
            "calls_made": self.calls_made, "timed_calls": timed, "call_seconds": f"{call:.6g}",
            "decode_seconds": f"{decode:.6g}",
            "inference_seconds": f"{call * self.calls + decode:.6g}", "parameters": self.system.learnable,
            "device": device_name(), "threads": torch.get_num_threads(), "torch": torch.__version__,
        }  # fmt: skip

    def _time_calls(self, timed: int) -> tuple[float, Tensor | None]:
        if timed >= self.calls:
            seconds, made = clocked(lambda: self._sample(0))
            return seconds / self.calls, made
        # From the end of the warm-up, so that what a sampler prepares before its first step is not multiplied.
        marks: list[float] = []
        self._sample(WARM_UP + timed, marks)
        return (marks[-1] - marks[WARM_UP]) / timed, None

    def _sample(self, stop: int, marks: list[float] | None = None) -> Tensor | None:
        """Sample one batch; leave after ``stop`` calls (0: never), noting the time before each call."""
        count = 0

        def before(*_):
            nonlocal count
            if marks is not None:
                marks.append(now())
            if stop and count == stop:
                raise _Enough
            count += 1

        hook = self.system.network.register_forward_pre_hook(before)
        try:
            names = [f"timed {number}" for number in range(self.cell.batch)]
            tracks = torch.zeros(len(names), self.form.shapes["controls"][0], self.frames)
            return generate(self.system, tracks, names, self.cell)
        except _Enough:
            return None
        finally:
            hook.remove()

    def _count(self) -> int:
        """Calls of the network in one sampling, counted with one that computes nothing."""
        network, counting = self.system.network, Counting(self.form.classes)
        self.system.network = counting
        try:
            generate(self.system, torch.zeros(1, self.form.shapes["controls"][0], 8), ["count"], self.cell)
        finally:
            self.system.network = network
        return counting.calls

    def _anything(self) -> Tensor:
        """A batch of clips of the format, to decode."""
        clips = np.load(self.form.folder / "clips.npy", mmap_mode="r")[: self.cell.batch, ..., : self.frames]
        clips = np.resize(clips, (self.cell.batch, *clips.shape[1:]))
        return torch.from_numpy(clips.astype(np.int64 if self.form.array == "codes" else np.float32))


def now() -> float:
    """Seconds, once all that was asked of the GPU is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def clocked(function: Callable):
    """Seconds that ``function`` takes, and what it returns."""
    began = now()
    result = function()
    return now() - began, result


def device_name() -> str:
    """What computes: the GPU's name, or the processor's."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    run_stage(
        main,
        formats="path of the data set's folder of formats",
        codecs="path of the data set's folder of codecs",
        out="path of the CSV to write",
    )
