"""skeleton: how far the loudness of a reconstruction is from its original's.

Replace it by your metric. What it needs is here: a function of two clips, its unit, and which way is better. The
pipeline does the rest: each clip beside its original, the mean with its interval, and beside that the codec's round
trip and the untrained network.
"""

import numpy as np

UNIT = "dB"
BETTER = "lower"
SILENCE = 1e-6  # RMS below which a clip has no level to speak of


def score(original: np.ndarray, made: np.ndarray, rate: int) -> float | None:
    """Absolute difference of the RMS levels in dB of two clips [samples]; None when one of them is silent."""
    levels = [float(np.sqrt(np.mean(np.square(clip, dtype=np.float64)))) for clip in (original, made)]
    if min(levels) < SILENCE:
        return None
    return abs(20 * float(np.log10(levels[1] / levels[0])))
