"""Rendering of notes by FluidSynth, the same bits every time: a fresh synthesiser, a fixed gain, effects off."""

import ctypes
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pretty_midi

from etude.audio.resample import resample
from etude.errors import UserError

# FluidSynth transposes samples without a low-pass. At 16 kHz a square lead has aliases 18 dB below the note (MIDI
# 84); computed at three times that rate and brought down, 62 dB.
OVERSAMPLING = 3
MELODIC_CHANNEL = 0
DRUM_CHANNEL = 9
DRUM_BANK = 128


def soundfont() -> Path:
    """The General MIDI SoundFont (TimGM6mb, GPL-2) that the pretty_midi package carries."""
    path = Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")
    if not path.is_file():
        raise UserError(
            f"{path}: the SoundFont is missing from the pretty_midi package; `pip install --force-reinstall "
            "pretty_midi`"
        )
    return path


def render(
    notes: Sequence[pretty_midi.Note],
    program: int,
    samples: int,
    rate: int,
    gain: float,
    drums: bool = False,
    oversampling: int = OVERSAMPLING,
) -> np.ndarray:
    """Play ``notes`` (times in seconds) on General MIDI ``program`` 0..127: float32 [samples] at ``rate`` Hz, mono.

    ``drums`` selects the percussion kits instead. ``gain`` is FluidSynth's linear gain, 0..10; nothing is normalised,
    so notes keep their relative levels and a caller may find samples beyond -1..1. The sound is computed at
    ``oversampling * rate`` and brought down by the resampler of the pipeline. A note is heard up to 64 samples of the
    higher rate late (FluidSynth's block). Two notes of the same pitch must not overlap: the first note-off would end
    both.
    """
    library = _library()
    inner = rate * oversampling
    synth = library.Synth(
        gain=float(gain),  # an int would be taken for another kind of setting and ignored
        samplerate=inner,
        channels=16,
        **{"synth.reverb.active": 0, "synth.chorus.active": 0, "synth.dynamic-sample-loading": 1},
    )
    try:
        path = soundfont()
        font = synth.sfload(str(path))
        channel, bank = (DRUM_CHANNEL, DRUM_BANK) if drums else (MELODIC_CHANNEL, 0)
        if font < 0 or synth.program_select(channel, font, bank, program) < 0:
            raise UserError(
                f"{path}: FluidSynth cannot load program {program} of bank {bank} from this SoundFont; install it again"
            )
        stereo = np.zeros((2, samples * oversampling), np.float32)
        position = 0
        for at, note_on, pitch, velocity in _events(notes, inner):
            end = min(max(at, position), stereo.shape[1])
            _write(synth, stereo, position, end)
            position = end
            if note_on:
                synth.noteon(channel, pitch, velocity)
            else:
                synth.noteoff(channel, pitch)
        _write(synth, stereo, position, stereo.shape[1])
    finally:
        synth.delete()
    return resample(stereo.mean(axis=0), inner, rate)


def _events(notes: Sequence[pretty_midi.Note], rate: int) -> list[tuple[int, bool, int, int]]:
    """(sample, is note-on, pitch, velocity) in playing order: at one sample, note-offs come first."""
    events = []
    for note in notes:
        events.append((round(note.start * rate), True, note.pitch, note.velocity))
        events.append((round(note.end * rate), False, note.pitch, 0))
    return sorted(events)


def _write(synth, stereo: np.ndarray, start: int, end: int) -> None:
    """Let ``synth`` fill ``stereo`` [2, samples] from ``start`` to ``end`` in floating point (its int16 output is
    dithered)."""
    if end > start:
        left, right = (channel.ctypes.data for channel in stereo)
        if _float_writer()(synth.synth, end - start, left, start, 1, right, start, 1):
            raise RuntimeError("FluidSynth refused to render")


@functools.cache
def _library():
    try:
        import fluidsynth
    except ModuleNotFoundError:
        raise UserError("the Python package pyfluidsynth is missing; `make setup` installs what Étude needs") from None
    except ImportError:
        raise UserError(
            "libfluidsynth, which renders the embedded data sets, is not installed; `apt-get install libfluidsynth3`"
        ) from None
    return fluidsynth


@functools.cache
def _float_writer():
    """fluid_synth_write_float, which pyfluidsynth does not bind: (synth, length, left, offset, step, right, offset,
    step)."""
    integer, pointer = ctypes.c_int, ctypes.c_void_p
    arguments = (pointer, integer, pointer, integer, integer, pointer, integer, integer)
    return _library().cfunc(
        "fluid_synth_write_float", integer, *((f"argument{i}", t, 1) for i, t in enumerate(arguments))
    )
