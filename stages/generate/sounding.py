"""What every generation has in common: the noise it starts from, and clips on disk with their index."""

import json
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from etude.audio.files import write_audio
from etude.codecs import plugin
from etude.errors import UserError
from etude.pipeline.files import sha256_file, write_csv, write_json
from etude.pipeline.stage import plain
from etude.training.seeds import generator_at

COLUMNS = ["clip", "file", "seconds", "gain_db", "sha256"]


def starting_noise(clips: Iterable[str], shape: tuple[int, ...], seed: int) -> Tensor:
    """Noise [clips, *shape] ~ N(0, I) that depends on the clip and on ``seed`` alone: all systems, seeds and columns of
    a table share it."""
    return torch.stack([torch.randn(shape, generator=generator_at(seed, clip)) for clip in clips])


class SoundWriter:
    """Writes sounds into ``out``, which is emptied first, and lists them in its index.

    A sound that would exceed full scale is turned down to it, not clipped, and the index says by how much. Where
    ``run`` names what is being made (a fingerprint), what a killed run of that name has written is kept: ``rows`` lists
    it, and :meth:`keep` after each batch makes it so.
    """

    def __init__(self, out: Path, sample_rate: int, settings, run: str = ""):
        self.out, self.sample_rate, self.settings, self.run = out, sample_rate, settings, run
        self.rows: list[dict[str, str]] = []
        out.mkdir(parents=True, exist_ok=True)
        if run and self._partial.exists():
            self.rows = [*takewhile(self._whole, json.loads(self._partial.read_text(encoding="utf-8")))]
        kept = {row["file"] for row in self.rows}
        for old in [*out.glob("*.flac"), *out.glob("*.csv"), *out.glob("*.partial.json")]:
            if old.name not in kept and old != self._partial:
                old.unlink()

    @property
    def _partial(self) -> Path:
        return self.out / f"{self.run or 'no'}.partial.json"

    def _whole(self, row: dict[str, str]) -> bool:
        path = self.out / row["file"]
        return path.exists() and sha256_file(path) == row["sha256"]

    def keep(self) -> None:
        """Note what there is, for a run that goes on from here."""
        write_json(self._partial, self.rows)

    def add(self, row: dict[str, str], audio: np.ndarray) -> None:
        """``audio`` [samples] as a FLAC file. ``row``: what the index is to say of it, at least ``clip``, its name."""
        path = self.out / f"{row['clip']}.flac"
        over = max(1.0, float(np.abs(audio).max()))
        write_audio(path, audio / over, self.sample_rate)
        self.rows.append(
            row
            | {
                "file": path.name,
                "seconds": f"{len(audio) / self.sample_rate:.4f}",
                "gain_db": f"{-20 * np.log10(over):.2f}",
                "sha256": sha256_file(path),
            }
        )

    def finish(self, columns: Iterable[str] = (), **facts) -> None:
        """Write the protocol, with ``facts``, and the index; ``columns`` are those of the rows beside
        :data:`COLUMNS`."""
        protocol = {"sample_rate": self.sample_rate, "settings": plain(self.settings)}
        write_json(self.out / "protocol.json", protocol | facts)
        write_csv(self.out / "index.csv", self.rows, [*COLUMNS, *columns])
        self._partial.unlink(missing_ok=True)


class ClipWriter(SoundWriter):
    """Decodes latents, or codes where ``settings.array`` says so, with the codec of ``codec`` (codec.json).

    Clips have ``samples`` samples; 0 takes as many as the codec's own clips have.
    """

    def __init__(self, out: Path, codec: Path, settings, samples: int = 0, run: str = ""):
        self.codec = plugin(settings.codec).load(codec.parent, settings.block)
        self.samples = samples or json.loads(codec.read_text(encoding="utf-8"))["chunk_samples"]
        self.decode = self.codec.decode_codes if getattr(settings, "array", "") == "codes" else self.codec.decode
        super().__init__(out, self.codec.sample_rate, settings, run)

    def write(self, latents: Tensor, rows: list[dict[str, str]], origin: Path) -> None:
        """``latents`` [clips, channels, frames] as FLAC files. ``rows``: what the index is to say of each, at least
        ``clip``, its name. ``origin`` is named when they are not finite."""
        if not torch.isfinite(latents).all():
            raise UserError(
                f"{origin}: sampling gave latents that are not finite; train it again with a lower train.lr"
            )
        audio = self.decode(latents.cpu(), self.samples, self.settings.noise_seed).numpy()
        for row, sound in zip(rows, audio, strict=True):
            self.add(row, sound)
