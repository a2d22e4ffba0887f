"""Distances between spectra of paired clips."""

import numpy as np
import scipy.signal

WINDOW, HOP, FLOOR_DB = 1024, 256, -80.0


def log_spectral_distance(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Mean over clips and frames of the RMS over frequency of the difference of dB spectra.

    ``reference`` and ``estimate`` are [clips, samples]; magnitudes below ``FLOOR_DB`` re a full-scale sine count as
    that floor.
    """
    distances = [
        np.sqrt(((_decibels(a) - _decibels(b)) ** 2).mean(axis=0)).mean()
        for a, b in zip(reference, estimate, strict=True)
    ]
    return float(np.mean(distances))


def _decibels(clip: np.ndarray) -> np.ndarray:
    """Spectrogram [bins, frames] in dB; 0 is a full-scale sine."""
    window = scipy.signal.get_window("hann", WINDOW)
    _, _, spectrum = scipy.signal.stft(clip, window=window, nperseg=WINDOW, noverlap=WINDOW - HOP, scaling="spectrum")
    return np.maximum(20 * np.log10(2 * np.abs(spectrum) + 1e-12), FLOOR_DB)
