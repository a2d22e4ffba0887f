"""Digests of many files at once, each read no more than once per process."""

import hashlib
import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BLOCK = 1 << 18  # bytes that are read at once: they stay in the processor's cache
TOGETHER = 32  # files that a thread is given: most are small, and handing one over takes as long as hashing it


class Hashes:
    """Hex digests of the files below ``directory`` by one ``algorithm`` of hashlib; the files must hold still."""

    def __init__(self, directory: Path, algorithm: str) -> None:
        self.directory, self.algorithm = directory, algorithm
        self._known: dict[str, str] = {}
        self._own = threading.local()  # a buffer for each thread: memory that is new for every file must be cleared

    def __call__(self, path: str) -> str | None:
        """The digest of ``path`` (relative to the directory, or absolute), or None if there is no such file."""
        if path not in self._known and os.path.isfile(self.directory / path):
            self._known[path] = self._digest(path)
        return self._known.get(path)

    def _digest(self, path: str) -> str:
        if not hasattr(self._own, "buffer"):
            self._own.buffer = memoryview(bytearray(BLOCK))
        found = hashlib.new(self.algorithm)
        with open(self.directory / path, "rb", buffering=0) as file:
            while read := file.readinto(self._own.buffer):
                found.update(self._own.buffer[:read])
        return found.hexdigest()

    def read_ahead(self, paths: Iterable[str]) -> None:
        """Hash ``paths`` side by side: hashlib works outside Python's lock."""
        unknown = [path for path in dict.fromkeys(paths) if path not in self._known]
        parts = [unknown[start : start + TOGETHER] for start in range(0, len(unknown), TOGETHER)]
        with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
            list(pool.map(lambda part: [self(path) for path in part], parts))
