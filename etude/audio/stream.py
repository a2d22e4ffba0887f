"""Audio files of any length, rate and channel count as blocks of mono at one rate, never whole in memory."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr

from etude.audio.files import _frames_in_header, to_int16
from etude.audio.limiter import limiter_gain, reach
from etude.errors import UserError
from etude.pipeline.files import atomic

BLOCK_SECONDS = 10.0
WRITE_BLOCK = 1 << 18  # samples
PEAK_SECONDS = 0.1  # of the pieces whose peaks decide how far a sound is turned down
LIMITED = 0.01  # share of these pieces that may exceed full scale then, and are limited


class Measured(NamedTuple):
    """Length in samples at the rate asked for, and the largest absolute sample there."""

    samples: int
    peak: float


def measure(path: Path | str, rate: int) -> Measured:
    """Read ``path`` once, in blocks: its length and peak as mono at ``rate`` Hz. Raises as :func:`mono_blocks`."""
    samples, peak = 0, 0.0
    for block in mono_blocks(path, rate):
        samples, peak = samples + len(block), max(peak, float(np.abs(block).max(initial=0.0)))
    return Measured(samples, peak)


def mono_blocks(path: Path | str, rate: int) -> Iterator[np.ndarray]:
    """The mean of channels of ``path``, resampled to ``rate`` Hz (soxr VHQ): float32 blocks of some seconds each.

    Raises ``UserError`` for a file that is missing, cannot be decoded, holds fewer frames than its header promises,
    holds none at all, or holds NaN or infinite samples.
    """
    try:
        with soundfile.SoundFile(str(path)) as file:
            yield from _blocks(path, file, rate)
    except soundfile.LibsndfileError as error:
        if not Path(path).exists():
            raise UserError(f"{path}: no such audio file; check the name") from None
        kind = "a folder, not an audio file" if Path(path).is_dir() else f"not readable as audio ({_reason(error)})"
        raise UserError(f"{path}: {kind}; give a WAV, FLAC, OGG, MP3 or AIFF file") from None


def _blocks(path: Path | str, file: soundfile.SoundFile, rate: int) -> Iterator[np.ndarray]:
    promised = _frames_in_header(path, file)
    size = max(1, int(BLOCK_SECONDS * file.samplerate))
    resampler = None
    if file.samplerate != rate:
        resampler = soxr.ResampleStream(file.samplerate, rate, 1, dtype="float32", quality="VHQ")
    found = 0
    while len(block := file.read(size, dtype="float32", always_2d=True)):
        if not np.isfinite(block).all():
            bad = found + int(np.argmin(np.isfinite(block).all(axis=1)))
            where = f"{bad / file.samplerate:.3f} s"
            raise UserError(f"{path}: NaN or infinite at {where}, all samples should be finite; export it again")
        found += len(block)
        mono = block.mean(axis=1)
        yield mono if resampler is None else resampler.resample_chunk(mono)
    if found == 0:
        raise UserError(f"{path}: holds no samples; give a file with sound")
    if promised is not None and found < promised:
        raise UserError(f"{path}: truncated, {found} frames found, {promised} in its header; export it again")
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True)


def _reason(error: soundfile.LibsndfileError) -> str:
    return error.error_string.rstrip(".")


class Levelled(NamedTuple):
    """What was done to a sound to keep it below full scale: a gain for all of it, in dB, and for how many seconds its
    loudest moments were turned down further."""

    gain_db: float
    limited_seconds: float


class StreamWriter:
    """Writes blocks of mono into a 16-bit WAV or FLAC file that exists only once it is whole.

    What exceeds full scale is never clipped: the whole sound is turned down until only a hundredth of it does, and
    these moments are limited. That is known at the end only, so blocks wait beside ``path`` on disk, not in memory,
    until :meth:`finish`. Use it as a context: leaving it tidies up.

    Raises ``UserError`` for a suffix it cannot write, a place it may not write to, a full disk, samples not finite.
    """

    def __init__(self, path: Path, rate: int):
        if path.suffix.lower() not in (".wav", ".flac"):
            raise UserError(f"{path}: can be written as .wav or .flac only; choose one of these endings")
        self.path, self.rate, self.samples = path, rate, 0
        self._peaks: list[float] = []
        self._waiting = path.with_name(f".{path.name}.{os.getpid()}.part")
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._waiting, "wb")  # noqa: SIM115

    def __enter__(self) -> "StreamWriter":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()
        self._waiting.unlink(missing_ok=True)

    def write(self, block: np.ndarray) -> None:
        """Append float samples [frames]."""
        if not np.isfinite(block).all():
            raise UserError(f"{self.path}: the system gave samples that are not finite; train it again")
        with self._explained():
            self._file.write(block.astype("<f4").tobytes())
        self.samples += len(block)
        size = max(1, int(PEAK_SECONDS * self.rate))
        self._peaks += [float(np.abs(block[start : start + size]).max()) for start in range(0, len(block), size)]

    def finish(self) -> Levelled:
        """Write the file; say what was done to the sound."""
        over = max(1.0, float(np.quantile(self._peaks or [0.0], 1 - LIMITED, method="higher")))
        limited = 0
        with self._explained(), atomic(self.path) as part:
            self._file.close()
            waiting = np.memmap(self._waiting, "<f4", "r") if self.samples else np.zeros(0, "<f4")
            kind = self.path.suffix[1:].upper()
            with soundfile.SoundFile(str(part), "w", self.rate, 1, subtype="PCM_16", format=kind) as file:
                for start in range(0, len(waiting), WRITE_BLOCK):
                    before = max(0, start - reach(self.rate))
                    sound = waiting[before : start + WRITE_BLOCK + reach(self.rate)] / over
                    gain = limiter_gain(sound, self.rate)
                    own = slice(start - before, start - before + WRITE_BLOCK)
                    file.write(to_int16((sound * gain)[own]))
                    limited += int((gain[own] < 0.999).sum())
            # libsndfile does not say that a disk is full: the file does.
            if soundfile.info(str(part)).frames != self.samples:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return Levelled(float(-20 * np.log10(over)), limited / self.rate)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, soundfile.LibsndfileError) as error:
            reason = error.strerror if isinstance(error, OSError) else _reason(error)
            raise UserError(f"{self.path}: cannot be written ({reason}); choose another place with -o") from None
