"""How loudness moves in a clip: its contour and its attack (P-36, P-77)."""

import numpy as np

FRAME, HOP = 0.032, 0.008  # seconds: a period of the lowest bass note; attacks to about a hundredth of a second
FLOOR_DB = -60.0  # below the loudest frame: what is fainter counts as silence, the same on both sides
ATTACK = (0.1, 0.9)  # of the full amplitude: where an attack begins and ends
FULL = 0.95  # quantile of the amplitude that counts as full: a click is not the peak of a note


def loudness_contour(audio: np.ndarray, rate: int) -> np.ndarray:
    """Level in dB below the loudest frame [frames], of mono ``audio`` [samples]; -60 is silence. Gain plays no part."""
    levels = 20.0 * np.log10(np.maximum(_amplitude(audio, rate), 1e-9))
    return np.maximum(levels - levels.max(), FLOOR_DB)


def contour_correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Pearson correlation of two contours over the frames that both have; None where one of them does not move."""
    frames = min(len(first), len(second))
    a, b = (contour[:frames] - contour[:frames].mean() for contour in (first, second))
    power = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / power) if power > 1e-9 else None


def attack_seconds(audio: np.ndarray, rate: int) -> float | None:
    """Seconds in which the amplitude rises from a tenth to nine tenths of what the clip reaches for a twentieth of its
    time; None for silence. Of several rises, the one that first gets there."""
    amplitude = _amplitude(audio, rate)
    top = np.quantile(amplitude, FULL)
    if top < 1e-5:
        return None
    low, high = (part * top for part in ATTACK)
    end = int(np.argmax(amplitude >= high))
    below = np.flatnonzero(amplitude[:end] < low)
    start = below[-1] if len(below) else -1
    return (_crossing(amplitude, end, high) - _crossing(amplitude, start + 1, low)) * HOP


def _crossing(amplitude: np.ndarray, frame: int, level: float) -> float:
    """Where, between ``frame`` and the one before it, the amplitude passes ``level`` (in frames)."""
    if frame == 0:
        return 0.0
    before, after = amplitude[frame - 1], amplitude[frame]
    return frame - 1 + float(np.clip((level - before) / (after - before), 0, 1)) if after > before else float(frame)


def _amplitude(audio: np.ndarray, rate: int) -> np.ndarray:
    """Root mean square of overlapping Hann frames [frames]."""
    size, hop = round(FRAME * rate), round(HOP * rate)
    if len(audio) < size:
        audio = np.pad(audio, (0, size - len(audio)))
    window = np.hanning(size)
    frames = np.lib.stride_tricks.sliding_window_view(audio.astype(np.float64), size)[::hop]
    return np.sqrt((frames**2) @ window / window.sum())
