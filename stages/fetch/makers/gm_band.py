"""Embedded data set gm_band: short composed pieces, on disk exactly as Slakh2100 is.

``<split>/TrackNNNNN/{metadata.yaml, mix.wav, all_src.mid, stems/SNN.wav, MIDI/SNN.mid}``, 16 kHz, mono, 16 bit. The
mixing rules are Slakh's: every stem to the same loudness, one gain for all so that the mix peaks at -1 dBFS. So is
its quirk: the MIDI of a bass stem is written an octave above what sounds (``all_src.mid`` is not). Drums are played
and mixed; it is the reader that leaves them out.
"""

import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pretty_midi
import yaml

from etude.audio.files import write_audio
from etude.errors import UserError
from etude.synth.composer import Piece, compose
from etude.synth.fluid import render, soundfont
from etude.synth.loudness import integrated_loudness
from etude.synth.styles import STYLES
from etude.synth.workers import spawn_map

RATE = 16000
TAIL_SECONDS = 1.2  # for the last notes to die away
VALID_PART, TEST_PART = 0.1, 0.2
STEM_PEAK = 0.8
STEM_LOUDNESS = -13.0  # LUFS
MIX_PEAK = -1.0  # dBFS
BASS_OCTAVE = 12
DIGITS = 6  # of numbers in metadata.yaml

# Slakh's classes of instruments by the first General MIDI program of each.
CLASSES = {
    0: "Piano",
    8: "Chromatic Percussion",
    16: "Organ",
    24: "Guitar",
    32: "Bass",
    40: "Strings",
    48: "Strings (continued)",
    56: "Brass",
    64: "Reed",
    72: "Pipe",
    80: "Synth Lead",
    88: "Synth Pad",
    96: "Sound Effects",
}


def make(folder: Path, settings: SimpleNamespace, processes: int) -> None:
    """Compose and render the data set into ``folder``.

    ``settings``: ``pieces`` (3 or more; styles in turn), ``bars`` (4, 8, 12 or 16 a piece), ``seed``.
    """
    if settings.pieces < 3:
        raise UserError(f"fetch.gm_band.pieces is {settings.pieces}; 3 or more are needed for train, valid and test")
    styles = list(STYLES)
    jobs = [
        (
            folder / split / f"Track{number:05d}",
            settings.seed * 1_000_000 + number,
            styles[(number - 1) % len(styles)],
            settings.bars,
        )
        for number, split in enumerate(_splits(settings.pieces), start=1)
    ]
    for _ in spawn_map(_write_track, jobs, processes, "composing and rendering pieces"):
        pass


def _splits(pieces: int) -> list[str]:
    valid, test = (max(1, round(part * pieces)) for part in (VALID_PART, TEST_PART))
    return ["train"] * (pieces - valid - test) + ["validation"] * valid + ["test"] * test


def _write_track(job: tuple[Path, int, str, int]) -> None:
    folder, seed, style, bars = job
    piece = compose(seed, style, bars)
    stems, gain = _mix([_render(instrument, piece) for instrument in piece.instruments])
    (folder / "stems").mkdir(parents=True)
    (folder / "MIDI").mkdir()
    entries = {}
    for i, (instrument, stem) in enumerate(zip(piece.instruments, stems, strict=True)):
        name = f"S{i:02d}"
        write_audio(folder / "stems" / f"{name}.wav", gain * stem, RATE)
        piece.midi(_as_written(instrument)).write(str(folder / "MIDI" / f"{name}.mid"))
        entries[name] = _entry(instrument, stem)
    write_audio(folder / "mix.wav", gain * sum(stems), RATE)
    piece.midi().write(str(folder / "all_src.mid"))
    metadata = {
        "UUID": uuid.uuid5(uuid.NAMESPACE_OID, f"gm_band {seed} {style} {bars}").hex,
        "audio_dir": "stems",
        "lmd_midi_dir": None,  # composed, not from the Lakh MIDI data set
        "midi_dir": "MIDI",
        "normalization_factor": STEM_LOUDNESS,
        "normalized": True,
        "overall_gain": round(gain, DIGITS),
        "stems": entries,
        "target_peak": MIX_PEAK,
    }
    (folder / "metadata.yaml").write_text(yaml.safe_dump(metadata, sort_keys=True), encoding="utf-8")


def _render(instrument: pretty_midi.Instrument, piece: Piece) -> np.ndarray:
    samples = round((piece.seconds + TAIL_SECONDS) * RATE)
    return render(instrument.notes, instrument.program, samples, RATE, gain=1.0, drums=instrument.is_drum)


def _mix(stems: list[np.ndarray]) -> tuple[list[np.ndarray], float]:
    """Stems at equal loudness, and the gain that brings their sum (and any stem) to ``MIX_PEAK`` at most."""
    balanced = []
    for stem in stems:
        stem = stem * (STEM_PEAK / np.abs(stem).max())
        balanced.append(stem * 10 ** ((STEM_LOUDNESS - integrated_loudness(stem, RATE)) / 20))
    loudest = max(float(np.abs(signal).max()) for signal in (sum(balanced), *balanced))
    return balanced, 10 ** (MIX_PEAK / 20) / loudest


def _as_written(instrument: pretty_midi.Instrument) -> pretty_midi.Instrument:
    """``instrument`` as Slakh writes it: bass an octave up."""
    if instrument.is_drum or _class(instrument.program) != "Bass":
        return instrument
    written = pretty_midi.Instrument(instrument.program, name=instrument.name)
    written.notes = [pretty_midi.Note(n.velocity, n.pitch + BASS_OCTAVE, n.start, n.end) for n in instrument.notes]
    return written


def _class(program: int) -> str:
    return CLASSES[max(first for first in CLASSES if first <= program)]


def _entry(instrument: pretty_midi.Instrument, stem: np.ndarray) -> dict[str, Any]:
    drums = instrument.is_drum
    return {
        "audio_rendered": True,
        "inst_class": "Drums" if drums else _class(instrument.program),
        "integrated_loudness": round(integrated_loudness(stem, RATE), DIGITS),
        "is_drum": drums,
        "midi_program_name": "Drums" if drums else pretty_midi.program_to_instrument_name(instrument.program),
        "midi_saved": True,
        "plugin_name": soundfont().name,
        "program_num": 128 if drums else instrument.program,
    }
