"""Distances between paired clips sample by sample, for what keeps the phase."""

import numpy as np

SILENT = 1e-12  # mean square below which a clip has nothing to be compared with


def si_sdr(reference: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    """Scale-invariant signal-to-distortion ratio in dB of each clip of ``estimate`` [clips, samples]: without their
    means, the part that is a multiple of ``reference`` against the rest. NaN where the reference is silent."""
    reference, estimate = (x - x.mean(1, keepdims=True) for x in (np.float64(reference), np.float64(estimate)))
    power = (reference**2).sum(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = (reference * estimate).sum(1, keepdims=True) / power * reference
    return _decibels(reference, part, estimate - part)


def snr(reference: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    """Signal-to-noise ratio in dB of each clip, the noise being the difference; NaN where the reference is silent."""
    reference, estimate = np.float64(reference), np.float64(estimate)
    return _decibels(reference, reference, estimate - reference)


def _decibels(reference: np.ndarray, signal: np.ndarray, noise: np.ndarray) -> np.ndarray:
    sizes = [(x**2).mean(1) for x in (reference, signal, noise)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sizes[0] > SILENT, 10 * np.log10(sizes[1] / np.maximum(sizes[2], 1e-30)), np.nan)
