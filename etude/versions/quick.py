"""Reading the Snakefile without paying for what reading does not use: `etude check` is asked before every commit.

Snakemake loads all of its plug-ins when it is imported, and the one for Slurm loads pandas for a report on finished
jobs; to open a local file it loads clients of three cloud stores. That is half of the time a reading takes.
"""

import contextlib
import gc
import sys
from collections.abc import Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import yaml

# What Snakemake imports and a reading does not use. A name too many costs nothing: it is loaded when it is looked into.
HEAVY = ("pandas", "numpy", "boto3", "botocore.client", "botocore.exceptions", "requests")


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Modules in ``HEAVY`` wait for somebody to look into them, YAML is read in C, and nobody looks for garbage.

    A hundred thousand objects are made here that all live to the end; to look through them again and again for
    those that do not takes a sixth of the time.
    """
    finder, collects, loader = _Later(), gc.isenabled(), yaml.FullLoader
    sys.meta_path.insert(0, finder)
    gc.disable()
    yaml.FullLoader = getattr(yaml, "CFullLoader", loader)  # the one that Snakemake reads params.yaml with
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        yaml.FullLoader = loader
        if collects:
            gc.enable()


class _Later(MetaPathFinder, Loader):
    """Finds the modules in ``HEAVY``, and loads none of them yet."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in HEAVY:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader, spec.loader_state = self, spec.loader
                return spec
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's own kind of module."""

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Waiting


class _Waiting(ModuleType):
    """A module that is loaded when somebody looks into it (for importlib's LazyLoader a second import is a look)."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__spec__":
            return super().__getattribute__(name)
        self.__class__ = ModuleType
        spec = self.__spec__
        spec.loader = self.__loader__ = spec.loader_state
        spec.loader_state = None
        spec.loader.exec_module(self)
        return getattr(self, name)
