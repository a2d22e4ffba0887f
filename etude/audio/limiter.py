"""Keeping a sound below full scale without turning all of it down for the sake of one moment, and without clipping."""

import numpy as np
from scipy.ndimage import minimum_filter1d
from scipy.signal import oaconvolve

REACH_SECONDS = 0.01  # how long before and after a peak the gain moves


def reach(rate: int) -> int:
    """Samples on either side of a sample on which its gain depends."""
    return 2 * round(REACH_SECONDS * rate)


def limiter_gain(audio: np.ndarray, rate: int) -> np.ndarray:
    """Gain [samples], 1 where nothing near exceeds full scale, that keeps ``audio`` [samples] within -1..1.

    The lowest gain that any sample within 10 ms needs, smoothed over 10 ms on either side: every value in that average
    is low enough for the sample, so their mean is, and the gain has no corners that could be heard.
    """
    half = round(REACH_SECONDS * rate)
    needed = 1.0 / np.maximum(np.abs(audio.astype(np.float64)), 1.0)
    lowest = minimum_filter1d(needed, 2 * half + 1, mode="nearest")
    window = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(lowest, half, mode="edge")
    return np.minimum(oaconvolve(padded, window / window.sum(), mode="valid"), 1.0)
