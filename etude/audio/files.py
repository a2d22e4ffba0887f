"""Reading and writing audio files. A file that is not what it claims to be is refused in one sentence."""

import io
from pathlib import Path

import numpy as np
import soundfile

from etude.errors import UserError


def read_audio(path: Path | str) -> tuple[np.ndarray, int]:
    """Decode ``path`` to float32 samples [frames, channels] in -1..1 and its sample rate in Hz.

    Raises ``UserError`` for a file that is missing, cannot be decoded, holds fewer frames than its header promises,
    holds none at all, or holds NaN or infinite samples.
    """
    try:
        with soundfile.SoundFile(str(path)) as file:
            promised = _frames_in_header(path, file)
            samples = file.read(dtype="float32", always_2d=True)
            rate = file.samplerate
    except FileNotFoundError:
        raise UserError(f"{path}: no such audio file; fetch the data set again or correct its index") from None
    except soundfile.LibsndfileError as error:
        if not Path(path).exists():
            raise UserError(f"{path}: no such audio file; fetch the data set again or correct its index") from None
        raise UserError(
            f"{path}: not readable as audio ({error.error_string.rstrip('.')}); replace or remove it"
        ) from None
    if promised is not None and len(samples) < promised:
        raise UserError(f"{path}: truncated, {len(samples)} frames found, {promised} in its header; fetch it again")
    if len(samples) == 0:
        raise UserError(f"{path}: holds no samples; replace or remove it")
    if not np.isfinite(samples).all():
        bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise UserError(f"{path}: {bad} samples are NaN or infinite, all should be finite; replace or remove it")
    return samples, rate


def _frames_in_header(path: Path | str, file: soundfile.SoundFile) -> int | None:
    """Frames that a RIFF WAV header promises: libsndfile silently shortens a truncated WAV to what is there."""
    if file.format != "WAV":
        return file.frames
    with open(path, "rb") as raw:
        head = raw.read(12)
        if head[:4] != b"RIFF":
            return file.frames
        while len(chunk := raw.read(8)) == 8:
            name, size = chunk[:4], int.from_bytes(chunk[4:], "little")
            if name == b"fmt ":
                block = int.from_bytes(raw.read(size)[12:14], "little")
            elif name == b"data":
                return None if size in (0, 0xFFFFFFFF) else size // block
            else:
                raw.seek(size + (size & 1), 1)
    return None


def write_audio(path: Path | str, samples: np.ndarray, rate: int) -> None:
    """Write float samples [frames] or [frames, channels] as 16-bit PCM (WAV or FLAC by suffix), clipped to -1..1.

    Raises ``UserError`` when samples are not finite: a NaN would become a loud click.
    """
    if not np.isfinite(samples).all():
        raise UserError(
            f"{path}: refusing to write audio with NaN or infinite samples; the system diverged: lower train.lr"
        )
    # Encoded in memory, since libsndfile does not say that a disk is full.
    encoded = io.BytesIO()
    soundfile.write(encoded, to_int16(samples), rate, subtype="PCM_16", format=Path(path).suffix[1:].upper())
    Path(path).write_bytes(encoded.getbuffer())


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Float samples in -1..1 as int16, rounded to nearest, clipped (no wrap-around)."""
    return np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)


def to_float(samples: np.ndarray) -> np.ndarray:
    """int16 samples as float32 in -1..1; the inverse of :func:`to_int16`."""
    return samples.astype(np.float32) / 32768.0
