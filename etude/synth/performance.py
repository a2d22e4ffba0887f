"""From the page to a performance: swing, a closing ritardando, small deviations of time and loudness, articulation."""

from collections.abc import Sequence

import numpy as np
import pretty_midi

from etude.synth.score import Event, Metre, Part

ARTICULATION = {
    "melody": 0.95,
    "chords": 0.92,
    "bass": 0.9,
    "pad": 1.0,
    "counter": 0.98,
    "drums": 1.0,
}  # part of a length
TIMING = {
    "melody": 0.008,
    "chords": 0.005,
    "bass": 0.005,
    "pad": 0.008,
    "counter": 0.008,
    "drums": 0.003,
}  # deviation, s
LARGEST_DEVIATION = 2.5  # standard deviations
LOUDNESS_DEVIATION = 3.0  # MIDI velocity
SOFTEST, LOUDEST = 24, 118
STRUM_SECONDS = 0.012  # between the strings of a chord on a plucked instrument
PLUCKED = range(24, 32)
RITARDANDO = 0.25  # the last beat is that much slower than the first of the last two bars
SHORTEST = 0.03  # seconds
REPEAT_GAP = 0.005  # seconds of silence before a pitch is struck again


class Clock:
    """Steps of the score as seconds: ``tempo`` beats a minute, off-beat eighths delayed by ``swing`` of their
    length."""

    def __init__(self, metre: Metre, tempo: float, swing: float, steps: int):
        self.step_seconds = 60.0 / tempo / metre.beat
        self.swing = swing
        self.broad = steps - 2 * metre.steps  # where the ritardando begins
        self.breadth = 2 * metre.steps

    def seconds(self, step: float) -> float:
        pair, inside = divmod(step, 2)
        late = inside * (1 + self.swing) if inside < 1 else 1 + self.swing + (inside - 1) * (1 - self.swing)
        straight = 2 * pair + late if self.swing else step
        beyond = max(0.0, straight - self.broad)
        return (straight + RITARDANDO * beyond**2 / (2 * self.breadth)) * self.step_seconds


def perform(part: Part, clock: Clock, rng: np.random.Generator) -> pretty_midi.Instrument:
    """Play ``part``: an instrument whose notes of one pitch never overlap."""
    instrument = pretty_midi.Instrument(part.program, is_drum=part.drums, name=part.role)
    strings = _strings(part)
    notes = []
    for event in part.events:
        deviation = TIMING[part.role] * float(np.clip(rng.standard_normal(), -LARGEST_DEVIATION, LARGEST_DEVIATION))
        velocity = int(np.clip(round(127 * event.level + LOUDNESS_DEVIATION * rng.standard_normal()), SOFTEST, LOUDEST))
        start = max(
            0.0, clock.seconds(event.step) + deviation + STRUM_SECONDS * strings.get((event.step, event.pitch), 0)
        )
        end = clock.seconds(event.step + event.length * ARTICULATION[part.role])
        notes.append(pretty_midi.Note(velocity, event.pitch, start, max(end, start + SHORTEST)))
    instrument.notes = _separate(notes)
    return instrument


def _strings(part: Part) -> dict[tuple[float, int], int]:
    """On plucked instruments, the rank of each note in its chord from below."""
    if part.role != "chords" or part.program not in PLUCKED:
        return {}
    chords: dict[float, list[Event]] = {}
    for event in part.events:
        chords.setdefault(event.step, []).append(event)
    return {(step, e.pitch): rank for step, chord in chords.items() for rank, e in enumerate(sorted(chord, key=_pitch))}


def _pitch(event: Event) -> int:
    return event.pitch


def _separate(notes: Sequence[pretty_midi.Note]) -> list[pretty_midi.Note]:
    """End each note before its pitch is struck again; deviations may have made two overlap."""
    ordered = sorted(notes, key=lambda note: (note.start, note.pitch))
    following: dict[int, pretty_midi.Note] = {}
    for note in reversed(ordered):
        if (later := following.get(note.pitch)) is not None:
            note.end = min(note.end, later.start - REPEAT_GAP)
        following[note.pitch] = note
    return [note for note in ordered if note.end > note.start]
