"""Progress for anything that may take longer than a few seconds: a bar on a terminal, a line now and then elsewhere.

Jobs write into logs, never to the terminal itself, so the Snakefile tells them by the environment variable
``ETUDE_PROGRESS`` how many seconds should lie between two lines: few when somebody is looking, many when nobody is.
"""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
SECONDS = "ETUDE_PROGRESS"
FIRST_SECONDS = 5.0  # what is done by then says nothing
QUIET_SECONDS = 60.0  # between two lines when nobody has said how many
DELAY = 0.5  # seconds before a bar is drawn


def progress(items: Iterable[T], what: str, total: int | None = None, start: int = 0, note=None) -> Iterator[T]:
    """Yield ``items`` while showing count, rate and time left as ``what``.

    ``total`` defaults to ``len(items)``, 0 says that nobody knows; ``start`` is what an earlier, interrupted run had
    already done; ``note`` is a function without arguments whose text is appended (a loss, say).
    """
    total = len(items) + start if total is None else total
    if sys.stderr.isatty():
        bar = tqdm(
            items, desc=what, total=total or None, initial=start, dynamic_ncols=True, file=sys.stderr, delay=DELAY
        )
        for item in bar:
            yield item
            if note:
                bar.set_postfix_str(note(), refresh=False)
        return
    every = _seconds()
    began = time.monotonic()
    due = began + min(FIRST_SECONDS, every)
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now >= due:
            due = now + every
            rate = done / (now - began)
            text = f"{what}: {start + done}"
            text += (
                f"/{total}, {rate:.3g}/s, {duration((total - start - done) / rate)} left"
                if total
                else f", {rate:.3g}/s"
            )
            print(text + (f", {note()}" if note else ""), file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """``seconds`` as one says it: 2 h 3 min 4 s."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours} h " if hours else "") + (f"{minutes} min " if hours or minutes else "") + f"{seconds} s"


def _seconds() -> float:
    try:
        return float(os.environ.get(SECONDS, QUIET_SECONDS))
    except ValueError:
        return QUIET_SECONDS
