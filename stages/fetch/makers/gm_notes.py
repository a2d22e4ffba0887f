"""Embedded data set gm_notes: single General MIDI notes, on disk exactly as NSynth is.

``nsynth-<split>/examples.json`` and ``nsynth-<split>/audio/<note_str>.wav``, 16 kHz, mono, 16 bit, 64,000 samples:
three seconds held, one of release. Four programs in each of NSynth's eleven families; as in NSynth the instruments of
train are unknown to valid and test, which share theirs: of every four notes of a held-out instrument one goes to
valid. Each (program, pitch) is played at one velocity. ``left_out.csv`` lists the notes that are not there, and why.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pretty_midi

from etude.audio.files import write_audio
from etude.errors import UserError
from etude.pipeline.files import write_csv, write_json
from etude.synth.fluid import render
from etude.synth.programs import FAMILIES, PROGRAMS, SOURCES, Program
from etude.synth.qualities import QUALITIES, qualities
from etude.synth.workers import spawn_map

RATE = 16000
SAMPLES = 64000
HELD_SECONDS = 3.0
GAIN = 1.25  # the loudest note of all then peaks just under full scale; levels between notes stay as they are
SILENT_PEAK = 1e-3
SPLITS = ("train", "valid", "test")
VALID_EVERY = 4


def make(folder: Path, settings: SimpleNamespace, processes: int) -> None:
    """Render the data set into ``folder``.

    ``settings``: ``programs`` ("all", or so many per family, the held-out one among them), ``pitches`` [lowest,
    highest], ``pitch_step``, ``velocities`` (taken in turn, so that every program and every pitch meets all of them).
    """
    jobs, left_out = _plan(settings)
    for split in SPLITS:
        (folder / f"nsynth-{split}" / "audio").mkdir(parents=True)
    examples: dict[str, dict[str, Any]] = {split: {} for split in SPLITS}
    work = [(folder, *job) for job in jobs]
    for (split, *_), (example, peak) in zip(jobs, spawn_map(_render, work, processes, "rendering notes"), strict=True):
        if peak < SILENT_PEAK:
            left_out.append({"note": example["note_str"], "rule": "silent", "detail": f"peak {peak:.1e}"})
        else:
            examples[split][example["note_str"]] = example
    for split, notes in examples.items():
        write_json(folder / f"nsynth-{split}" / "examples.json", notes)
    write_csv(folder / "left_out.csv", left_out, ["note", "rule", "detail"])


def _plan(settings: SimpleNamespace) -> tuple[list[tuple[str, Program, int, int]], list[dict[str, str]]]:
    """(split, program, pitch, velocity) of every note to render, and the notes left out for being out of tune."""
    lowest, highest = settings.pitches
    pitches = range(lowest, highest + 1, settings.pitch_step)
    if not 0 <= lowest <= highest <= 127:
        raise UserError(f"fetch.gm_notes.pitches is [{lowest}, {highest}]; two MIDI numbers in 0..127, the lower first")
    if bad := [velocity for velocity in settings.velocities if not 1 <= velocity <= 127]:
        raise UserError(f"fetch.gm_notes.velocities holds {bad[0]}; MIDI velocities are 1..127")
    jobs, left_out = [], []
    for k, program in enumerate(_programs(settings.programs)):
        for i, pitch in enumerate(pitches):
            velocity = settings.velocities[(i + 2 * k) % len(settings.velocities)]
            split = "train" if not program.held_out else "valid" if (i + k) % VALID_EVERY == 0 else "test"
            if pitch > program.highest:
                detail = f"{program.name} is out of tune above {program.highest} in this SoundFont"
                left_out.append({"note": _name(program, pitch, velocity), "rule": "out of tune", "detail": detail})
            else:
                jobs.append((split, program, pitch, velocity))
    return jobs, left_out


def _programs(number: str | int) -> list[Program]:
    """All programs, or in each family the held-out one and the first of the others, ``number`` in all."""
    available = len(PROGRAMS) // len(FAMILIES)
    if number == "all":
        return list(PROGRAMS)
    if not isinstance(number, int) or not 2 <= number <= available:
        raise UserError(
            f"fetch.gm_notes.programs is {number!r}; it may be all, or 2 to {available} programs per family"
        )
    chosen = []
    for family in FAMILIES:
        members = [program for program in PROGRAMS if program.family == family]
        chosen += [p for p in members if not p.held_out][: number - 1] + [p for p in members if p.held_out]
    return chosen


def _name(program: Program, pitch: int, velocity: int) -> str:
    return f"{program.label}-{pitch:03d}-{velocity:03d}"


def _render(job: tuple[Path, str, Program, int, int]) -> tuple[dict[str, Any], float]:
    """Render one note and write it unless it is silent: its entry for examples.json and its peak."""
    folder, split, program, pitch, velocity = job
    note = render([pretty_midi.Note(velocity, pitch, 0.0, HELD_SECONDS)], program.number, SAMPLES, RATE, GAIN)
    name = _name(program, pitch, velocity)
    peak = float(np.abs(note).max())
    flags = qualities(note, RATE, HELD_SECONDS, program) if peak >= SILENT_PEAK else [0] * len(QUALITIES)
    if peak >= SILENT_PEAK:
        write_audio(folder / f"nsynth-{split}" / "audio" / f"{name}.wav", note, RATE)
    instrument = PROGRAMS.index(program)
    return {
        "note": instrument * 128 + pitch,
        "note_str": name,
        "instrument": instrument,
        "instrument_str": program.label,
        "pitch": pitch,
        "velocity": velocity,
        "sample_rate": RATE,
        "qualities": flags,
        "qualities_str": [quality for quality, flag in zip(QUALITIES, flags, strict=True) if flag],
        "instrument_family": FAMILIES.index(program.family),
        "instrument_family_str": program.family,
        "instrument_source": SOURCES.index(program.source),
        "instrument_source_str": program.source,
    }, peak
