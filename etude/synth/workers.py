"""Rendering on several processes: order kept, results independent of how many there are."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from etude.errors import UserError
from etude.pipeline.progress import progress

Item = TypeVar("Item")
Result = TypeVar("Result")
BATCHES_PER_PROCESS = 16  # small enough that all processes end together, large enough that handing out costs nothing


def spawn_map(function: Callable[[Item], Result], items: Sequence[Item], processes: int, what: str) -> Iterator[Result]:
    """Yield ``function(item)`` for all ``items`` in their order, worked on by ``processes``, while showing progress
    as ``what``.

    The processes are spawned, never forked: a fork after libfluidsynth has loaded a SoundFont hangs for ever. So
    ``function`` must be importable and items and results picklable. One process means this one.
    """
    if processes < 1:
        raise UserError(f"{processes} processes were asked for; give 1 or more")
    if processes == 1:
        yield from progress(map(function, items), what, total=len(items))
        return
    batch = max(1, len(items) // (processes * BATCHES_PER_PROCESS))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, initializer=_one_thread) as pool:
        try:
            yield from progress(pool.map(function, items, chunksize=batch), what, total=len(items))
        except BrokenProcessPool:
            raise UserError(
                f"{what}: a process was killed from outside, most likely for want of memory; run again with "
                "fewer processes"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _one_thread() -> None:
    """Keep OpenMP inside libfluidsynth and numpy from taking the cores of the other processes."""
    os.environ["OMP_NUM_THREADS"] = "1"
