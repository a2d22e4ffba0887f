"""Band-limited resampling: soxr's very-high-quality recipe, named in every protocol."""

import numpy as np
import soxr

RESAMPLER = "soxr VHQ"


def resample(samples: np.ndarray, source_rate: int, target_rate: int) -> np.ndarray:
    """Resample float samples [frames] or [frames, channels] from ``source_rate`` to ``target_rate`` (Hz)."""
    if source_rate == target_rate:
        return samples
    return soxr.resample(samples, source_rate, target_rate, quality="VHQ").astype(samples.dtype)
