"""Rendering: how many seconds of sound one core makes in a second, ours against pretty_midi.fluidsynth.

Both play the same notes of the same pieces with the same SoundFont at the same sample rate; ours also as the data
sets are made, computed at three times the rate and brought down without aliases. Times are of the process, not of the
wall clock, so that a busy machine changes little. Run: python -m benchmarks.rendering
"""

import ctypes
import platform
import time
from collections.abc import Callable

import numpy as np
import pretty_midi

from etude.synth.composer import Piece, compose
from etude.synth.fluid import OVERSAMPLING, render
from etude.synth.styles import STYLES

RATE = 16000
REPEATS = 3
TAIL = 1.0  # seconds that pretty_midi adds to each instrument


def main() -> None:
    pieces = [compose(seed, style) for seed, style in enumerate(STYLES)]
    seconds = sum(instrument.get_end_time() + TAIL for piece in pieces for instrument in piece.instruments)
    stems = sum(len(piece.instruments) for piece in pieces)
    ways: dict[str, Callable[[Piece], None]] = {
        f"pretty_midi.fluidsynth at {RATE} Hz": lambda piece: _theirs(piece, RATE),
        f"ours at {RATE} Hz": lambda piece: _ours(piece, 1),
        f"pretty_midi.fluidsynth at {OVERSAMPLING * RATE} Hz": lambda piece: _theirs(piece, OVERSAMPLING * RATE),
        f"ours at {OVERSAMPLING * RATE} Hz, brought down to {RATE} Hz": lambda piece: _ours(piece, OVERSAMPLING),
    }
    speeds = {name: seconds / min(_seconds(way, pieces) for _ in range(REPEATS)) for name, way in ways.items()}
    print(
        f"{platform.machine()}, {_processor()}, Python {platform.python_version()}, numpy {np.__version__}, "
        f"{_versions()}"
    )
    print(f"{stems} stems of {len(pieces)} pieces, {seconds:.0f} s of sound, best of {REPEATS}, x real time per core")
    for name, speed in speeds.items():
        print(f"  {speed:7.1f}  {name}")
    theirs, ours, theirs_high, ours_high = speeds.values()
    print(f"ratio at {RATE} Hz: {ours / theirs:.2f} (target >= 1)")
    print(f"ratio at {OVERSAMPLING * RATE} Hz, ours with the way down: {ours_high / theirs_high:.2f}")


def _theirs(piece: Piece, rate: int) -> None:
    for instrument in piece.instruments:
        instrument.fluidsynth(fs=rate)


def _ours(piece: Piece, oversampling: int) -> None:
    for instrument in piece.instruments:
        samples = round((instrument.get_end_time() + TAIL) * RATE)
        render(instrument.notes, instrument.program, samples, RATE, 1.0, instrument.is_drum, oversampling)


def _seconds(way: Callable[[Piece], None], pieces: list[Piece]) -> float:
    began = time.process_time()
    for piece in pieces:
        way(piece)
    return time.process_time() - began


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


def _versions() -> str:
    import fluidsynth

    library = fluidsynth.cfunc("fluid_version_str", ctypes.c_char_p)().decode()
    return f"pretty_midi {pretty_midi.__version__}, pyfluidsynth {fluidsynth.api_version}, libfluidsynth {library}"


if __name__ == "__main__":
    main()
