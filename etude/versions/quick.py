"""Reading the Snakefile without paying for what reading does not use: `etude check` is asked before every commit.

Snakemake loads all of its plug-ins when it is imported, and the one for Slurm loads pandas for a report on finished
jobs; to open a local file it loads clients of three cloud stores. That is half of the time a reading takes.
"""

import contextlib
import gc
import importlib.util
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

# What Snakemake imports and a reading does not use. A name too many costs nothing: it is loaded when it is looked into.
HEAVY = ("pandas", "numpy", "boto3", "botocore.client", "botocore.exceptions", "requests")


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Modules in ``HEAVY`` wait for somebody to look into them, and nobody looks for garbage.

    A hundred thousand objects are made here that all live to the end; to look through them again and again for
    those that do not takes a sixth of the time.
    """
    finder, collects = _Later(), gc.isenabled()
    sys.meta_path.insert(0, finder)
    gc.disable()
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if collects:
            gc.enable()


class _Later(MetaPathFinder):
    """Finds the modules in ``HEAVY``, with a loader that does nothing yet."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in HEAVY:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = importlib.util.LazyLoader(spec.loader)
                return spec
        return None
