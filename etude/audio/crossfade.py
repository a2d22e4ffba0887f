"""From one sound to another that continues it, without a click and without a jump in energy."""

import numpy as np
from scipy.signal import correlate

MOST_OPPOSED = -0.5  # correlation below which no gain could keep the energy without lifting noise


def crossfade(ending: np.ndarray, beginning: np.ndarray) -> np.ndarray:
    """``ending`` [samples] into ``beginning`` [samples] over their whole length.

    The gains are a cosine and a sine, divided by what their sum would add to the energy at the correlation that the two
    really have: equal sounds pass unchanged (as in a linear crossfade), unrelated ones keep their power (as in one of
    equal power), and what lies between is treated as what it is.
    """
    ending, beginning = ending.astype(np.float64), beginning.astype(np.float64)
    angle = np.pi / 2 * (np.arange(len(ending)) + 0.5) / len(ending)
    out, into = np.cos(angle), np.sin(angle)
    power = np.sqrt((ending**2).sum() * (beginning**2).sum())
    correlation = (ending * beginning).sum() / power if power > 0 else 0.0
    together = np.sqrt(1 + 2 * max(correlation, MOST_OPPOSED) * out * into)
    return ((out * ending + into * beginning) / together).astype(np.float32)


def best_lag(ending: np.ndarray, around: np.ndarray) -> int:
    """Where in ``around`` [samples] a stretch as long as ``ending`` is most like it (normalised correlation).

    Two sounds with the same spectrum and other phases cancel each other in a crossfade; begun a few milliseconds
    sooner or later, the second one continues the first.
    """
    ending, around = ending.astype(np.float64), around.astype(np.float64)
    products = correlate(around, ending, mode="valid")
    powers = np.concatenate([[0.0], np.cumsum(around**2)])
    powers = powers[len(ending) :] - powers[: -len(ending)]
    # Where there is next to nothing, likeness means nothing.
    return int(np.argmax(products / np.sqrt(np.maximum(powers, 1e-6 * powers.max() + 1e-12))))
