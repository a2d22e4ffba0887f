"""Metrics: what is measured on embeddings or audio, with its bias and its interval.

Those that compare a clip with its original are found by their names, which are words of grid.metrics. Such a module has

``score(original, made, rate) -> float | None``
    Two clips, float32 [samples] of one length at ``rate`` Hz; None where the metric is not defined for them.
``UNIT``
    Of the score, as a table shows it: "dB", "%", "".
``BETTER``
    "lower" or "higher".
"""

import importlib
import importlib.util
from types import ModuleType

from etude.errors import UserError


def plugin(name: str) -> ModuleType:
    """The module of metric ``name``; raises ``UserError`` when there is none, or it does not compare clips."""
    if not name.isidentifier() or importlib.util.find_spec(f"etude.metrics.{name}") is None:
        raise UserError(
            f"no metric called {name!r}: grid.metrics in params.yaml names files of etude/metrics/ (without .py)"
        )
    module = importlib.import_module(f"etude.metrics.{name}")
    if missing := [part for part in ("score", "UNIT", "BETTER") if not hasattr(module, part)]:
        raise UserError(
            f"etude/metrics/{name}.py has no {missing[0]}, so it is no word for grid.metrics; `etude new metric` makes "
            "one that is"
        )
    return module
