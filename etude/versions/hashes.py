"""Digests of many files at once, each read no more than once per process."""

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SMALL = 1 << 20  # bytes that are read at once: file_digest clears a buffer of its own for every file
TOGETHER = 32  # files that a thread is given: most are small, and handing one over takes as long as hashing it


class Hashes:
    """Hex digests of the files below ``directory`` by one ``algorithm`` of hashlib; the files must hold still."""

    def __init__(self, directory: Path, algorithm: str) -> None:
        self.directory, self.algorithm = directory, algorithm
        self._known: dict[str, str] = {}

    def __call__(self, path: str) -> str | None:
        """The digest of ``path`` (relative to the directory, or absolute), or None if there is no such file."""
        if path not in self._known and os.path.isfile(self.directory / path):
            with open(self.directory / path, "rb", buffering=0) as file:
                small = os.fstat(file.fileno()).st_size <= SMALL
                found = hashlib.new(self.algorithm, file.read()) if small else hashlib.file_digest(file, self.algorithm)
            self._known[path] = found.hexdigest()
        return self._known.get(path)

    def read_ahead(self, paths: Iterable[str]) -> None:
        """Hash ``paths`` side by side: hashlib works outside Python's lock."""
        unknown = [path for path in dict.fromkeys(paths) if path not in self._known]
        parts = [unknown[start : start + TOGETHER] for start in range(0, len(unknown), TOGETHER)]
        with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
            list(pool.map(lambda part: [self(path) for path in part], parts))
