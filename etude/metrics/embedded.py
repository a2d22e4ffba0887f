"""An embedded set: the windows of each clip as vectors, in an order that does not depend on where they came from."""

import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from etude.audio.clips import id_hash
from etude.errors import UserError
from etude.metrics.gaussian import Gaussian
from etude.pipeline.files import atomic


@dataclass(frozen=True)
class EmbeddedSet:
    """Vectors of several clips. Clips stand in the order of the hash of their ids, so that any run of neighbours is
    a random sample of the set, the same one every time.

    ``clips``: ids [clips]; ``vectors``: [windows, d], clip by clip; ``starts``: [clips + 1], where each clip begins;
    ``protocol``: how the set was made and embedded.
    """

    clips: list[str]
    vectors: np.ndarray
    starts: np.ndarray
    protocol: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, clips: Sequence[str], vectors: Sequence[np.ndarray], protocol: dict[str, Any] | None = None
    ) -> "EmbeddedSet":
        """From ids and, for each, its vectors [windows >= 1, d]."""
        order = sorted(range(len(clips)), key=lambda position: id_hash(clips[position]))
        vectors = [vectors[position] for position in order]
        starts = np.cumsum([0] + [len(one) for one in vectors])
        return cls([clips[position] for position in order], np.concatenate(vectors), starts, protocol or {})

    @cached_property
    def _place(self) -> dict[str, int]:
        return {clip: position for position, clip in enumerate(self.clips)}

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.clips)

    @property
    def windows(self) -> int:
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        return self.vectors.shape[1]

    def of_clip(self, position: int) -> np.ndarray:
        """Vectors [windows, d] of one clip."""
        return self.vectors[self.starts[position] : self.starts[position + 1]]

    def gaussian(self, positions: Iterable[int] | None = None) -> Gaussian:
        """Statistics over all windows of the clips at ``positions`` (all clips by default)."""
        if positions is None:
            return Gaussian.of(self.vectors)
        return Gaussian.of(np.concatenate([self.of_clip(position) for position in positions]))

    def positions(self, clips: Iterable[str]) -> list[int]:
        """Where those of ``clips`` stand that are in this set."""
        return [self._place[clip] for clip in clips if clip in self._place]

    def part(self, begin: int, end: int) -> "EmbeddedSet":
        """The clips from position ``begin`` to before ``end``, as a set."""
        starts = self.starts[begin : end + 1]
        return EmbeddedSet(
            self.clips[begin:end], self.vectors[starts[0] : starts[-1]], starts - starts[0], self.protocol
        )

    def save(self, path: Path) -> None:
        """Write as ``.npz``: ``embeddings`` [windows, d], ``window_clip`` [windows] (clip of each), ``clips`` (their
        ids) and ``protocol`` (JSON). The bytes depend on the content alone."""
        window_clip = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.starts))
        text = json.dumps(self.protocol, sort_keys=True, ensure_ascii=False)
        with atomic(path) as part:
            np.savez(
                part,
                embeddings=self.vectors,
                window_clip=window_clip,
                clips=np.array(self.clips),
                protocol=np.array(text),
            )

    @classmethod
    def load(cls, path: Path) -> "EmbeddedSet":
        """Read what :meth:`save` wrote. Raises ``UserError`` for a file that is missing or something else."""
        try:
            with np.load(path, allow_pickle=False) as file:
                counts = np.bincount(file["window_clip"], minlength=len(file["clips"]))
                found = cls(
                    file["clips"].tolist(),
                    file["embeddings"],
                    np.concatenate([[0], np.cumsum(counts)]),
                    json.loads(str(file["protocol"])),
                )
        except FileNotFoundError:
            raise UserError(f"{path}: no such embeddings; run the embed step first") from None
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(
                f"{path}: not a file of embeddings ({error}); remove it and run the embed step again"
            ) from None
        return found
