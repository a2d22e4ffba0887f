"""Digests of many files at once, each read no more than once per process."""

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


class Hashes:
    """Hex digests of the files below ``directory`` by one ``algorithm`` of hashlib; the files must hold still."""

    def __init__(self, directory: Path, algorithm: str) -> None:
        self.directory, self.algorithm = directory, algorithm
        self._known: dict[str, str] = {}

    def __call__(self, path: str) -> str | None:
        """The digest of ``path`` (relative to the directory, or absolute), or None if there is no such file."""
        if path not in self._known and os.path.isfile(self.directory / path):
            with open(self.directory / path, "rb") as file:
                self._known[path] = hashlib.file_digest(file, self.algorithm).hexdigest()
        return self._known.get(path)

    def read_ahead(self, paths: Iterable[str]) -> None:
        """Hash ``paths`` side by side: hashlib works outside Python's lock."""
        with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
            list(pool.map(self, dict.fromkeys(paths)))
