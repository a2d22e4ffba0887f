"""A clip as a small picture: time to the right, frequency (mel scale) upwards, the louder the darker."""

import functools
import io

import numpy as np
from librosa.filters import mel
from PIL import Image

WINDOW, BANDS = 1024, 96
COLUMNS = (160, 420)  # pixels: of clips of 2 s and less, of long ones
PIXELS_PER_SECOND = 80
RANGE_DB = 70.0


def levels(audio: np.ndarray, rate: int, columns: int | None = None) -> np.ndarray:
    """Mel spectrogram [BANDS, columns] of ``audio`` [samples], 0 (``RANGE_DB`` below full scale, or less) .. 1.

    Full scale is a sine of amplitude 1, so that pictures of several clips compare. ``columns`` None: as many as the
    duration wants.
    """
    if columns is None:
        columns = int(np.clip(round(len(audio) / rate * PIXELS_PER_SECOND), *COLUMNS))
    padded = np.pad(np.asarray(audio, np.float32), WINDOW // 2)
    starts = np.linspace(0, max(len(padded) - WINDOW, 0), columns).astype(int)
    window = np.hanning(WINDOW).astype(np.float32)
    frames = padded[starts[:, None] + np.arange(WINDOW)] * window
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / (window.sum() / 2) ** 2
    banded = power @ _bands(rate).T
    decibels = 10 * np.log10(np.maximum(banded, 1e-12))
    return np.clip(1 + decibels / RANGE_DB, 0, 1).T


def picture(audio: np.ndarray, rate: int) -> bytes:
    """The same as a grey WebP, white where nothing sounds; the page turns it round in the dark."""
    shades = 255 - np.rint(255 * levels(audio, rate)[::-1] ** 1.2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(shades).save(file, "WEBP", quality=60, method=6)
    return file.getvalue()


@functools.cache
def _bands(rate: int) -> np.ndarray:
    """Triangles [BANDS, bins] of height 1: a sine of amplitude 1 gives 0 dB wherever it lies."""
    filters = mel(sr=rate, n_fft=WINDOW, n_mels=BANDS, fmin=30.0, norm=None)
    return filters / np.maximum(filters.max(axis=1, keepdims=True), 1e-9)
