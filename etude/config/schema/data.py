"""Blocks of params.yaml about data: `fetch` and `prepare`."""

from typing import Annotated, Any, Literal

from pydantic import Field

from etude.config.schema.base import Block, Count, Part, Positive, Rate, Word


class NotesSource(Block):
    """gm_notes: single General MIDI notes in NSynth's format."""

    programs: Literal["all"] | Positive
    """how many General MIDI programs of each family are rendered, or `all`"""
    pitches: list[int] = Field(min_length=2, max_length=2)
    """lowest and highest pitch [MIDI number]"""
    pitch_step: Positive
    """distance of the pitches rendered [semitones]"""
    velocities: list[int] = Field(min_length=1)
    """how hard each note is struck [MIDI velocity]"""


class BandSource(Block):
    """gm_band: composed multi-track pieces in Slakh2100's format."""

    pieces: Positive
    """how many are composed"""
    bars: Literal[4, 8, 12, 16]
    """length of a piece: 4 is the form A, 8 AA, 12 ABA, 16 AABA [bars]"""
    seed: Count
    """of the composer"""


class MelodiesSource(Block):
    """gm_melodies: composed pieces as MIDI files."""

    pieces: Positive
    """how many are composed"""
    bars: Literal[4, 8, 12, 16]
    """length of a piece, as in `gm_band` [bars]"""
    slower: list[Rate] = Field(min_length=2, max_length=2)
    """bounds of the factor by which a piece is played slower, drawn for each"""
    seed: Count
    """of the composer and of that factor"""


class Loudness(Block):
    """One gain per source file."""

    rule: Literal["peak", "none"]
    """`peak`: the largest sample of a file reaches `target_db`; `none`: files as they are"""
    target_db: float
    """where the largest sample comes to lie [dBFS]"""
    max_gain_db: float
    """a file is raised by no more than this [dB]"""


class Canonical(Block):
    """Canonical clips of a data set."""

    sample_rate: Positive
    """rate of all clips; what has another is resampled [Hz] (P-03)"""
    chunk_samples: Positive
    """length of a clip [samples] (P-03)"""
    split: Literal["official", "random"]
    """`official`: instruments or tracks of the test part are not in training; `random`: by clip (P-01, P-02)"""
    loudness: Loudness
    """one gain per source file"""
    silence_db: float
    """a chunk with a lower RMS is dropped, and listed in the ledger [dBFS] (P-02)"""
    remainder: Part
    """a last chunk is dropped if it is shorter than this part of a clip, else padded with zeros [part]"""
    max_chunks_per_stem: Count
    """clips of one file at most; 0 takes all [clips]"""
    bass_octave: int
    """added to the notes of bass, which Slakh writes an octave above what sounds [semitones] (P-02)"""


class Prepare(Canonical):
    """Canonical clips; what a reader, and what a data set changes in this block (etude/config/datasets.py)."""

    readers: dict[Word, dict[str, Any]] = Field(default_factory=dict)
    """by name of a reader: what data sets of its format change in this block, and its own keys"""
    datasets: dict[Word, dict[str, Any]] = Field(default_factory=dict)
    """by name of a data set: what it alone changes"""


class Program(Block):
    """An instrument of the melodies."""

    name: Word
    """a label of clips, and a row of their controls"""
    program: Annotated[int, Field(ge=0, le=127)]
    """which General MIDI program plays it [number, from 0] (M-01)"""


class Music(Block):
    """How much a window must hold; else it is dropped."""

    notes: Positive
    """at least so many [notes]"""
    sounding: Part
    """the part of it in which a note sounds, at least [part]"""


class Swells(Block):
    """Velocities over a clip: base (1 + depth sin(2 pi f t + phase)) within 1..127, f between 1/8 and 8 cycles a clip
    (M-02)."""

    base: Annotated[int, Field(ge=1, le=127)] | None
    """centre of the sine; null: each note's own velocity [MIDI velocity] (M-02)"""
    depth: Part
    """of the sine [part] (M-02)"""
    draw: Literal["log_uniform", "uniform"]
    """how f is drawn (M-02)"""


class PerSplit(Block):
    """A number for each split."""

    train: Count
    """of the split `train`"""
    valid: Count
    """of the split `valid`"""
    test: Count
    """of the split `test`"""


class Parts(Block):
    """Parts of the files for the splits beside train."""

    valid: Part
    """for the split `valid` [part]"""
    test: Part
    """for the split `test` [part]"""


class Melodies(Canonical):
    """prepare.readers.melodies: phrases of one melody from any MIDI files (M-01); an empty row is as in `prepare`."""

    programs: list[Program] = Field(min_length=1)
    """instruments that play; a clip is given one of them (M-01)"""
    track: Literal["highest", "busiest", "first"]
    """which of the tracks that are no drums gives the melody (M-01)"""
    monophony: Literal["skyline", "latest", "only"]
    """which note of a chord is kept: the highest, the latest; `only` drops what is polyphonic (M-01)"""
    pitches: list[int] = Field(min_length=2, max_length=2)
    """lowest and highest pitch of a clip [MIDI number] (M-01)"""
    transposition: Literal["together", "each", "whole"]
    """by octaves into that range: `together` a phrase and then what is left; `each` note; `whole` phrases or none
    (M-01)"""
    shortest: Rate
    """notes below this are left out [s]"""
    minimum: Music
    """how much music a clip must hold"""
    velocity: Swells
    """how loud notes are over a clip (M-02)"""
    gain: Rate
    """of FluidSynth"""
    oversampling: Positive
    """rendered at so many times the rate, then resampled [times] (M-01)"""
    clips_per_file: Count
    """at most; 0 takes all [clips]"""
    clips: PerSplit
    """of each split, at most; 0 takes all [clips] (M-01)"""
    parts: Parts
    """of the files, for the splits beside train [part] (M-01)"""
    longest: Rate
    """files of more are left out [s]"""
    largest_file: Positive
    """files of more are left out [bytes]"""
    seed: Count
    """of what is drawn: instruments, velocities"""
