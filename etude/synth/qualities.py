"""NSynth's ten note qualities, as far as they can be measured on a note or are true by construction.

NSynth's own labels were given by its makers' tools and ears; these follow the meaning of its words by the rules
below, and stay 0 where no rule decides.
"""

import numpy as np

from etude.synth.programs import Program

QUALITIES = (
    "bright",
    "dark",
    "distortion",
    "fast_decay",
    "long_release",
    "multiphonic",
    "nonlinear_env",
    "percussive",
    "reverb",
    "tempo-synced",
)
BRIGHT_ABOVE_HZ, BRIGHT_ENERGY = 2000.0, 0.2  # bright: a fifth of the energy and more lies above 2 kHz
DARK_ABOVE_HZ, DARK_ENERGY = 1000.0, 0.01  # dark: under a hundredth of it lies above 1 kHz
FAST_DECAY_DB = 20.0  # fast decay: so much weaker just before the note-off than at its loudest
LONG_RELEASE_DB = 20.0  # long release: at most so much weaker at the end of the clip than before the note-off
DISTORTED_PROGRAMS = (29, 30)  # overdriven and distortion guitar
WINDOW_SECONDS = 0.25


def qualities(note: np.ndarray, rate: int, held: float, program: Program) -> list[int]:
    """Ten 0/1 flags in NSynth's order for ``note`` [samples] that was held for ``held`` seconds.

    bright, dark, fast_decay and long_release are measured; distortion follows from the program; reverb and
    tempo-synced are 0 because effects are off and nothing is modulated in time. multiphonic, nonlinear_env and
    percussive are not decided.
    """
    release, window = round(held * rate), round(WINDOW_SECONDS * rate)
    power = np.abs(np.fft.rfft(note)) ** 2
    frequencies = np.fft.rfftfreq(len(note), 1 / rate)
    total = power.sum()
    loudest = max(_rms(note[start : start + window]) for start in range(0, release - window + 1, window))
    at_release, at_end = _rms(note[release - window : release]), _rms(note[-window:])
    decayed = at_release < loudest * 10 ** (-FAST_DECAY_DB / 20)
    flags = {
        "bright": power[frequencies > BRIGHT_ABOVE_HZ].sum() >= BRIGHT_ENERGY * total,
        "dark": power[frequencies > DARK_ABOVE_HZ].sum() < DARK_ENERGY * total,
        "distortion": program.number in DISTORTED_PROGRAMS,
        "fast_decay": decayed,
        "long_release": not decayed and at_end > at_release * 10 ** (-LONG_RELEASE_DB / 20),
    }
    return [int(flags.get(name, False)) for name in QUALITIES]


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
