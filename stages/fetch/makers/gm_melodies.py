"""Embedded data set gm_melodies: composed pieces as MIDI files, in one folder, as a user's own would lie (M-01).

In turn a melody alone, a lead sheet (melody and chords on one track, so that a melody must be found among notes that
sound together), and a whole band with drums (so that a track must be chosen). Each is played slower than it was
composed by a factor of its own, for phrases with short and with long notes. ``pieces.csv`` lists what each file is.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pretty_midi

from etude.errors import UserError
from etude.pipeline.files import write_csv
from etude.synth.composer import Piece, compose
from etude.synth.styles import STYLES
from etude.synth.workers import spawn_map

COLUMNS = ["file", "seed", "style", "arrangement", "tempo", "seconds"]
DIGITS = 3


def make(folder: Path, settings: SimpleNamespace, processes: int) -> None:
    """Compose the data set into ``folder``.

    ``settings``: ``pieces`` (3 or more; styles and arrangements in turn), ``bars`` (4, 8, 12 or 16 a piece), ``slower``
    [least, most], ``seed``.
    """
    least, most = settings.slower
    if settings.pieces < 3:
        raise UserError(
            f"fetch.gm_melodies.pieces is {settings.pieces}; 3 or more are needed for train, valid and test"
        )
    if not 0 < least <= most:
        raise UserError(
            f"fetch.gm_melodies.slower is [{least}, {most}]; two factors above 0 are expected, the lower first"
        )
    jobs = [(folder, number, settings) for number in range(settings.pieces)]
    rows = list(spawn_map(_write_piece, jobs, processes, "composing pieces"))
    write_csv(folder / "pieces.csv", rows, COLUMNS)


def _write_piece(job: tuple[Path, int, SimpleNamespace]) -> dict[str, str | int | float]:
    folder, number, settings = job
    seed = settings.seed * 1_000_000 + number
    style, arrangement = list(STYLES)[number % len(STYLES)], list(ARRANGEMENTS)[number // len(STYLES) % 3]
    piece = compose(seed, style, settings.bars)
    slower = float(np.random.default_rng([seed, 1]).uniform(*settings.slower))
    score = piece.midi(*ARRANGEMENTS[arrangement](piece))
    slowed = _slowed(score, piece.tempo, slower)
    name = f"piece{number:05d}.mid"
    slowed.write(str(folder / name))
    return {
        "file": name,
        "seed": seed,
        "style": style,
        "arrangement": arrangement,
        "tempo": round(piece.tempo / slower, DIGITS),
        "seconds": round(slowed.get_end_time(), DIGITS),
    }


def _slowed(score: pretty_midi.PrettyMIDI, tempo: float, slower: float) -> pretty_midi.PrettyMIDI:
    """``score`` with all times, and the length of its beat, multiplied by ``slower``."""
    written = pretty_midi.PrettyMIDI(
        resolution=score.resolution, initial_tempo=score.get_tempo_changes()[1][0] / slower
    )
    written.time_signature_changes = score.time_signature_changes
    for instrument in score.instruments:
        copy = pretty_midi.Instrument(instrument.program, instrument.is_drum, instrument.name)
        copy.notes = [pretty_midi.Note(n.velocity, n.pitch, n.start * slower, n.end * slower) for n in instrument.notes]
        written.instruments.append(copy)
    return written


def _melody(piece: Piece) -> list[pretty_midi.Instrument]:
    return [piece.instruments[0]]


def _lead_sheet(piece: Piece) -> list[pretty_midi.Instrument]:
    """Melody and chords as one; a note of a chord that the melody has at that time is the melody's alone."""
    melody, chords = piece.instruments[:2]
    sheet = pretty_midi.Instrument(melody.program, name="lead sheet")
    sheet.notes = [*melody.notes, *(note for note in chords.notes if not any(_unison(note, n) for n in melody.notes))]
    return [sheet]


def _unison(one: pretty_midi.Note, other: pretty_midi.Note) -> bool:
    return one.pitch == other.pitch and one.start <= other.end and other.start <= one.end


def _band(piece: Piece) -> list[pretty_midi.Instrument]:
    return list(piece.instruments)


ARRANGEMENTS = {"melody": _melody, "lead_sheet": _lead_sheet, "band": _band}
