"""Integrated loudness after ITU-R BS.1770-4, for mono signals of any sample rate."""

import numpy as np
from scipy.signal import lfilter

OFFSET = -0.691
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0  # LUFS, LU
BLOCK_SECONDS, HOP_SECONDS = 0.4, 0.1
SHELF_HZ, SHELF_DB, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196  # the head
PASS_HZ, PASS_Q = 38.13547087602444, 0.5003270373238773  # the low end


def integrated_loudness(audio: np.ndarray, rate: int) -> float:
    """Loudness of ``audio`` [samples] in LUFS; minus infinity when nothing passes the gate (silence, or under 0.4
    s)."""
    weighted = lfilter(*_high_pass(rate), lfilter(*_shelf(rate), audio.astype(np.float64)))
    block, hop = round(BLOCK_SECONDS * rate), round(HOP_SECONDS * rate)
    if len(weighted) < block:
        return -np.inf
    windows = np.lib.stride_tricks.sliding_window_view(weighted, block)[::hop]
    power = np.mean(np.square(windows), axis=1)
    loud = power[_lufs(power) > ABSOLUTE_GATE]
    if not len(loud):
        return -np.inf
    gated = loud[_lufs(loud) > _lufs(loud.mean()) + RELATIVE_GATE]
    return float(_lufs(gated.mean()))


def _lufs(power: np.ndarray) -> np.ndarray:
    return OFFSET + 10 * np.log10(np.maximum(power, 1e-30))


def _shelf(rate: int) -> tuple[np.ndarray, np.ndarray]:
    """The high shelf of the K-weighting by bilinear transform: numerator and denominator."""
    k = np.tan(np.pi * SHELF_HZ / rate)
    high = 10 ** (SHELF_DB / 20)
    band = high**0.4996667741545416
    scale = 1 + k / SHELF_Q + k * k
    numerator = [high + band * k / SHELF_Q + k * k, 2 * (k * k - high), high - band * k / SHELF_Q + k * k]
    return np.array(numerator) / scale, np.array([scale, 2 * (k * k - 1), 1 - k / SHELF_Q + k * k]) / scale


def _high_pass(rate: int) -> tuple[np.ndarray, np.ndarray]:
    k = np.tan(np.pi * PASS_HZ / rate)
    scale = 1 + k / PASS_Q + k * k
    return np.array([1.0, -2.0, 1.0]), np.array([scale, 2 * (k * k - 1), 1 - k / PASS_Q + k * k]) / scale
