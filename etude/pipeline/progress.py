"""Progress for anything that may take longer than a few seconds: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
QUIET_SECONDS = 10.0  # between two lines when the output is a log


def progress(items: Iterable[T], what: str, total: int | None = None, start: int = 0, note=None) -> Iterator[T]:
    """Yield ``items`` while showing count, rate and time left as ``what``.

    ``total`` defaults to ``len(items)``, 0 says that nobody knows; ``start`` is what an earlier, interrupted run had
    already done; ``note`` is a function without arguments whose text is appended (a loss, say).
    """
    total = len(items) + start if total is None else total
    if sys.stderr.isatty():
        bar = tqdm(items, desc=what, total=total or None, initial=start, dynamic_ncols=True, file=sys.stderr)
        for item in bar:
            yield item
            if note:
                bar.set_postfix_str(note(), refresh=False)
        return
    began = said = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - said >= QUIET_SECONDS:
            said = now
            rate = done / (now - began)
            text = f"{what}: {start + done}"
            text += (
                f"/{total}, {rate:.3g}/s, {(total - start - done) / rate:.0f} s left" if total else f", {rate:.3g}/s"
            )
            print(text + (f", {note()}" if note else ""), file=sys.stderr, flush=True)
