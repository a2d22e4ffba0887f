"""Which knobs and which code the rules of a file depend on, found by watching the Snakefile being read.

A second list of them would be wrong sooner or later. So `resolve` hands out parameters that notice who looks at them,
and `code_digest` remembers what it was asked for; nothing in the rules has to know.
"""

import contextlib
import functools
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from etude import config
from etude.pipeline import known_code


class Reads:
    """What was looked at while :meth:`watching`.

    ``blocks``: file of rules -> the top-level blocks of params.yaml that it looked into (of `grid`: its keys, as
    `grid.seeds`). ``modules``: a code digest -> the modules that it was computed from.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blocks: dict[str, set[str]] = defaultdict(set)
        self.modules: dict[str, tuple[str, ...]] = {}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch every Snakefile that is read meanwhile."""
        resolve, code_digest = config.resolve, known_code.code_digest

        def watched_resolve(*arguments: Any, **options: Any) -> dict[str, Any]:
            return Watched(resolve(*arguments, **options), self)

        def watched_digest(*modules: str, **options: Any) -> str:
            digest = code_digest(*modules, **options)
            self.modules[digest] = modules
            return digest

        config.resolve, known_code.code_digest = watched_resolve, watched_digest
        try:
            yield
        finally:
            config.resolve, known_code.code_digest = resolve, code_digest

    def note(self, key: str) -> None:
        """Somebody looks at ``key``: every file of rules on the way there depends on it."""
        frame = sys._getframe(2)
        while frame:
            if frame.f_code.co_filename.endswith(".smk"):
                self.blocks[_relative(frame.f_code.co_filename, self.root)].add(key)
                if frame.f_code.co_name == "<module>":  # further up are the files that include this one
                    break
            frame = frame.f_back


class Watched(dict):
    """A mapping that notes who reads from it. ``at``: where it lies in params.yaml, "" for the whole."""

    def __init__(self, content: dict[str, Any], reads: Reads, at: str = "") -> None:
        super().__init__(
            {
                key: Watched(value, reads, _below(at, key)) if isinstance(value, dict) else value
                for key, value in content.items()
            }
        )
        self._reads, self._at = reads, at

    def __getitem__(self, key: str) -> Any:
        self._look(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._look(key)
        return super().get(key, default)

    # Whoever asks for all keys takes it whole. (That __iter__ is ours also keeps C code from going round us.)
    def __iter__(self) -> Iterator[str]:
        self._look()
        return super().__iter__()

    def keys(self):
        self._look()
        return super().keys()

    def values(self):
        self._look()
        return super().values()

    def items(self):
        self._look()
        return super().items()

    def __or__(self, other: dict[str, Any]) -> dict[str, Any]:
        return {**self, **other}

    def __ror__(self, other: dict[str, Any]) -> dict[str, Any]:
        return {**other, **self}

    def copy(self) -> dict[str, Any]:
        return {**self}

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {key: value.__deepcopy__(memo) if isinstance(value, Watched) else value for key, value in self.items()}

    def __reduce__(self):
        return dict, (self.__deepcopy__({}),)

    def _look(self, key: str = "") -> None:
        if self._at == "grid" and key:
            self._reads.note(f"grid.{key}")
        elif self._at:
            self._reads.note(self._at)
        elif key and key != "grid":  # the grid is noted when one of its lists is taken
            self._reads.note(key)


@functools.cache  # thousands of looks, a few dozen files
def _relative(file: str, root: Path) -> str:
    return str(Path(file).resolve().relative_to(root))


def _below(at: str, key: str) -> str:
    """Blocks are noted whole: one knob of a block more or less in a rule is no reason to write dvc.yaml anew."""
    return at or key
