"""Blocks of params.yaml about data: `fetch` and `prepare`."""

from typing import Annotated, Any, Literal

from pydantic import Field

from etude.config.schema.base import Block, Count, Part, Positive, Rate, Word


class NotesSource(Block):
    """gm_notes: single General MIDI notes in NSynth's format."""

    programs: Literal["all"] | Positive
    pitches: list[int] = Field(min_length=2, max_length=2)
    pitch_step: Positive
    velocities: list[int] = Field(min_length=1)


class BandSource(Block):
    """gm_band: composed multi-track pieces in Slakh2100's format."""

    pieces: Positive
    bars: Literal[4, 8, 12, 16]
    seed: Count


class MelodiesSource(Block):
    """gm_melodies: composed pieces as MIDI files."""

    pieces: Positive
    bars: Literal[4, 8, 12, 16]
    slower: list[Rate] = Field(min_length=2, max_length=2)
    seed: Count


class Loudness(Block):
    """One gain per source file. ``peak``: the largest sample reaches ``target_db`` dBFS, by at most ``max_gain_db``."""

    rule: Literal["peak", "none"]
    target_db: float
    max_gain_db: float


class Canonical(Block):
    """Canonical clips of a data set."""

    sample_rate: Positive
    chunk_samples: Positive
    split: Literal["official", "random"]
    loudness: Loudness
    silence_db: float
    remainder: Part
    max_chunks_per_stem: Count
    bass_octave: int


class Prepare(Canonical):
    """Canonical clips; what a reader, and what a data set changes in this block (etude/config/datasets.py)."""

    readers: dict[Word, dict[str, Any]] = Field(default_factory=dict)
    datasets: dict[Word, dict[str, Any]] = Field(default_factory=dict)


class Program(Block):
    """An instrument: its name, a label of clips and of a row of their controls, and its General MIDI program."""

    name: Word
    program: Annotated[int, Field(ge=0, le=127)]


class Music(Block):
    """How much a window must hold: notes, and the part of it in which one sounds."""

    notes: Positive
    sounding: Part


class Swells(Block):
    """Velocities over a clip: base (1 + depth sin(2 pi f t + phase)) within 1..127; null: from each note's own. f is
    drawn between 1/8 and 8 cycles a clip (M-02)."""

    base: Annotated[int, Field(ge=1, le=127)] | None
    depth: Part
    draw: Literal["log_uniform", "uniform"]


class PerSplit(Block):
    """A number for each split."""

    train: Count
    valid: Count
    test: Count


class Parts(Block):
    """Parts of the files for the splits beside train."""

    valid: Part
    test: Part


class Melodies(Canonical):
    """prepare.readers.melodies: phrases of one melody from any MIDI files (M-01). ``track``, ``monophony`` and
    ``transposition`` name rules of etude/midi/; notes below ``shortest`` seconds are left out; files of more than
    ``longest`` seconds or ``largest_file`` bytes are, too; of ``clips`` and ``clips_per_file``, 0 takes all."""

    programs: list[Program] = Field(min_length=1)
    track: Literal["highest", "busiest", "first"]
    monophony: Literal["skyline", "latest", "only"]
    pitches: list[int] = Field(min_length=2, max_length=2)
    transposition: Literal["together", "each", "whole"]
    shortest: Rate
    minimum: Music
    velocity: Swells
    gain: Rate
    oversampling: Positive
    clips_per_file: Count
    clips: PerSplit
    parts: Parts
    longest: Rate
    largest_file: Positive
    seed: Count
