"""What carries the melody: chords in the figures of a style, sustained pads, a second line of guide tones."""

import numpy as np

from etude.synth.harmony import Span
from etude.synth.score import Event
from etude.synth.voicing import voice_lead

# Figures of one bar: (step, length, voices); voices count from the lowest, several sound together.
ALL = (0, 1, 2)
FIGURES: dict[str, tuple[tuple[tuple[float, float, tuple[int, ...]], ...], ...]] = {
    "broken": (
        (
            (0, 4, (0,)),
            (1, 1, (1,)),
            (2, 2, (2,)),
            (3, 1, (1,)),
            (4, 4, (0,)),
            (5, 1, (1,)),
            (6, 2, (2,)),
            (7, 1, (1,)),
        ),
        ((0, 4, (0,)), (1, 3, (1,)), (2, 2, (2,)), (4, 4, (0,)), (5, 1, (1,)), (6, 2, (2,)), (7, 1, (1,))),
    ),
    "strummed": (
        ((0, 2, ALL), (2, 1, ALL), (3, 2, ALL), (5, 1, ALL), (6, 1, ALL), (7, 1, ALL)),
        ((0, 3, ALL), (3, 3, ALL), (6, 2, ALL)),
    ),
    "comped": (
        ((0, 2, ALL), (3, 1, ALL)),
        ((1, 1, ALL), (4, 2, ALL)),
        ((0, 1, ALL), (5, 2, ALL)),
        ((2, 1, ALL), (6, 1, ALL), (7, 1, ALL)),
    ),
    "bossa": (
        ((0, 1, ALL), (3, 1, ALL), (6, 2, ALL)),
        ((2, 1, ALL), (5, 2, ALL)),
    ),
    "waltz": (
        ((2, 1, ALL), (4, 1, ALL)),
        ((2, 2, ALL), (4, 2, (1, 2))),
    ),
    "rocking": (
        ((0, 3, (0,)), (1, 2, (1,)), (2, 1, (2,)), (3, 3, (0,)), (4, 2, (1,)), (5, 1, (2,))),
        ((0, 3, (0,)), (1, 1, (1,)), (2, 1, (2,)), (3, 3, (1,)), (4, 1, (2,)), (5, 1, (1,))),
    ),
}
PAD_LOW, PAD_HIGH = 50, 74


def comping(
    rng: np.random.Generator, spans: list[Span], figure: str, bar: int, low: int, high: int, level: float
) -> list[Event]:
    """Play ``spans`` in the figures named ``figure``, one of them for every four bars of ``bar`` steps; the last
    chord is held."""
    voices = dict(
        zip((span.step for span in spans), voice_lead([span.chord for span in spans], low, high), strict=True)
    )
    events: list[Event] = []
    final = spans[-1]
    pattern = FIGURES[figure][0]
    for start in range(spans[0].step, final.step, bar):
        if (start - spans[0].step) % (4 * bar) == 0:
            pattern = FIGURES[figure][rng.integers(len(FIGURES[figure]))]
        for step, length, sounding in pattern:
            span = next(s for s in spans if s.step <= start + step < s.end)
            length = min(length, span.end - start - step)
            stress = 0.08 if step == 0 else 0.0
            events += [Event(start + step, length, voices[span.step][v], level + stress) for v in sounding]
    return events + [Event(final.step, final.length, pitch, level + 0.05) for pitch in voices[final.step]]


def pad(spans: list[Span], level: float) -> list[Event]:
    """Every chord held; a voice that stays is tied."""
    voicings = voice_lead([span.chord for span in spans], PAD_LOW, PAD_HIGH)
    events: list[Event] = []
    sounding: dict[int, Event] = {}
    for span, voicing in zip(spans, voicings, strict=True):
        tied = {
            pitch: sounding[pitch]._replace(length=span.end - sounding[pitch].step)
            for pitch in voicing
            if pitch in sounding
        }
        events += [event for pitch, event in sounding.items() if pitch not in tied]
        sounding = {pitch: tied.get(pitch, Event(span.step, span.length, pitch, level)) for pitch in voicing}
    return events + list(sounding.values())


def guide_line(spans: list[Span], low: int, high: int, level: float) -> list[Event]:
    """One held note a chord, its third or seventh, moving as little as it can: the line that makes the harmony
    audible."""
    events: list[Event] = []
    pitch = (low + high) // 2
    for span in spans:
        tones = (span.chord.tones[1], span.chord.tones[-1])
        pitch = min((p for p in range(low, high + 1) if p % 12 in tones), key=lambda p: (abs(p - pitch), p))
        events.append(Event(span.step, span.length, pitch, level))
    return events
