"""Code digests out of a memory: a module is parsed once per content, whichever process has come first.

:mod:`etude.pipeline.digest` says what a digest means and does the work; a change there would make all trainings anew,
so this stands beside it. Reading two hundred modules takes most of a second, at each start of Snakemake; here a module
is looked up by the sha256 of its bytes, its name, the version of Python (which decides what a syntax tree looks like)
and the bytes of digest.py itself. So what is found is what parsing would give, always; what is not, is parsed.
"""

import atexit
import contextlib
import functools
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from etude.pipeline import digest
from etude.pipeline.files import atomic

MEMORY = Path(".snakemake/known_code.json")  # below the root of a project: ignored by git and by DVC
LIMIT = 5000  # entries, some two megabytes; beyond it those of other branches are forgotten
parse = digest._read.__wrapped__  # (path, module) -> (hash of the meaning, names imported)


def code_digest(*modules: str, root: Path = Path(".")) -> str:
    """The digest of :func:`etude.pipeline.digest.code_digest`, to the letter, and as quickly as can be."""
    with _remembering(root.resolve()):
        return digest.code_digest(*modules, root=root)


@functools.cache  # the same few stages are asked for in every job
def files_behind(modules: tuple[str, ...], root: Path) -> list[Path]:
    """The source files that the code digest of ``modules`` covers, relative to ``root``, sorted."""
    waiting, files = list(modules), {}
    with _remembering(root.resolve()):
        while waiting:
            module = waiting.pop()
            if module in files:
                continue
            path = digest._file_of(module, root)
            files[module] = path
            if path is not None:
                waiting += digest._read(path, module)[1]
    return sorted({_relative(path, root) for path in files.values() if path is not None})


class Memory:
    """What :func:`parse` has said before, in ``file``; without it, or if it cannot be read, nothing is known."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.entries = self._stored()
        self.used: dict[str, Any] = {}
        self.new = False
        what_parses = f"{sys.version} {sys.implementation.cache_tag}".encode() + Path(digest.__file__).read_bytes()
        self.parser = hashlib.sha256(what_parses).digest()

    def read(self, path: Path, module: str) -> tuple[str, list[str]]:
        """As ``parse(path, module)``."""
        place = f"\0{module}\0{path.name}\0".encode()  # relative imports; __init__.py is the package itself
        key = hashlib.sha256(self.parser + place + path.read_bytes()).hexdigest()
        found = self.entries.get(key)
        if found is None:
            found = self.entries[key] = list(parse(path, module))
            if not self.new:
                self.new = True
                atexit.register(self.keep)
        self.used[key] = found
        return found[0], found[1]

    def keep(self) -> None:
        """Write what is new, with what another process may have written meanwhile."""
        entries = self._stored() | self.entries
        if len(entries) > LIMIT:
            entries = self.used
        # A project that one may only read, or one that is gone by now, is read without a memory.
        with contextlib.suppress(OSError):
            if self.file.parent.is_dir():
                with atomic(self.file) as part:
                    part.write_text(json.dumps(entries), encoding="utf-8")

    def _stored(self) -> dict[str, Any]:
        try:
            entries = json.loads(self.file.read_text(encoding="utf-8"))
            return {key: [meaning, list(names)] for key, (meaning, names) in entries.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


@functools.cache
def _reader(root: Path) -> Any:
    """``Memory.read`` of ``root``, each module once per process, as the function whose place it takes."""
    return functools.cache(Memory(root / MEMORY).read)


@contextlib.contextmanager
def _remembering(root: Path) -> Iterator[None]:
    """Have :mod:`etude.pipeline.digest` read modules through the memory of ``root``."""
    before = digest._read
    digest._read = _reader(root)
    try:
        yield
    finally:
        digest._read = before


@functools.cache  # thousands of looks, a few hundred files
def _relative(path: Path, root: Path) -> Path:
    return path.relative_to(root)
