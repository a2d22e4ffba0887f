"""Melodies: rhythms that form motifs, pitches found by the best path through the harmony.

A phrase is four bars: a motif, its repetition over the next chord, a variant, a cadence with room to breathe. Which
pitches it takes is a shortest path: strong steps must have chord tones, other tones must be reached and left by step,
and the price of every interval is how far it is from the contour that the motif asks for, so that a motif is
recognised in its sequence.
"""

from dataclasses import dataclass, replace

import numpy as np

from etude.synth.harmony import Span
from etude.synth.score import COMMON, COMPOUND, TRIPLE, Event, Metre

# Bars as lengths in eighths, rests negative; motifs first, then bars for cadences, which end in silence.
MOTIFS = {
    COMMON: (
        (3, 1, 2, 2),
        (2, 2, 4),
        (4, 2, 2),
        (2, 1, 1, 2, 2),
        (3, 3, 2),
        (-2, 2, 2, 2),
        (1, 1, 2, 4),
        (6, 1, 1),
        (-1, 1, 2, 3, 1),
    ),
    TRIPLE: ((4, 2), (2, 2, 2), (3, 1, 2), (2, 1, 1, 2), (-2, 2, 2), (2, 4)),
    COMPOUND: ((2, 1, 2, 1), (3, 2, 1), (2, 1, 3), (1, 1, 1, 3), (3, 1, 1, 1), (-1, 1, 1, 2, 1)),
}
CADENCES = {
    COMMON: ((6, -2), (5, -3), (2, 4, -2), (1, 1, 4, -2), (4, -4)),
    TRIPLE: ((5, -1), (4, -2), (2, 3, -1)),
    COMPOUND: ((5, -1), (3, 2, -1), (4, -2)),
}
FINAL = {COMMON: (8,), TRIPLE: (6,), COMPOUND: (6,)}
CALM_STEPS, LIVELY_STEPS = (-2, -1, 1, 2), (-3, -2, -1, 1, 2, 3)  # intervals of a motif, in degrees of the scale

LONG = 2  # eighths; a longer note is heard as harmony wherever it stands
LEAP = 7  # semitones that cost nothing beyond the contour
CONTOUR_COST, LEAP_COST, REPEAT_COST, CENTRE_COST = 1.0, 0.8, 1.5, 0.08
COLOUR_COST = 0.6  # of a tone outside the triad
CLASH_COST = 5.0  # of one held into a chord that it does not belong to
NOISE = 0.4
ORNAMENTED = 0.4  # part of the longer notes


@dataclass(frozen=True)
class Slot:
    """A note whose pitch may still be open: where, how long, how it should move from the one before (in scale degrees).

    ``span`` is the harmony it begins in, ``until`` the one it ends in. ``ends`` is 0 inside a phrase; at its end only
    the first so many of root, third and fifth may stand.
    """

    step: int
    length: int
    strong: bool
    span: Span
    until: Span
    wish: int
    pitch: int | None = None
    ends: int = 0

    def allows(self, pitch: int) -> bool:
        """Whether ``pitch`` may stand here, whatever surrounds it."""
        if self.pitch is not None:
            return pitch == self.pitch
        chord = self.span.chord
        return pitch % 12 in (chord.tones[: self.ends] if self.ends else chord.tones if self.strong else chord.scale)

    def consonant(self, pitch: int) -> bool:
        return pitch % 12 in self.span.chord.tones


@dataclass(frozen=True)
class Motif:
    """A bar's rhythm and the intervals to each of its notes from the one before."""

    rhythm: tuple[int, ...]
    contour: tuple[int, ...]


def motif(rng: np.random.Generator, metre: Metre, other_than: "Motif | None" = None) -> Motif:
    """A new motif; with another rhythm than ``other_than`` and its contour upside down, as an answer to it."""
    rhythms = [r for r in MOTIFS[metre] if other_than is None or r != other_than.rhythm]
    rhythm = rhythms[rng.integers(len(rhythms))]
    notes = sum(length > 0 for length in rhythm)
    steps = CALM_STEPS if notes > 3 else LIVELY_STEPS
    contour = [0, *(int(steps[i]) for i in rng.integers(len(steps), size=notes - 1))]
    if other_than is not None:
        shared = [-step for step in other_than.contour[1:notes]]
        contour[1 : 1 + len(shared)] = shared
    return Motif(rhythm, tuple(contour))


def phrase_slots(
    rng: np.random.Generator, metre: Metre, idea: Motif, spans: list[Span], start: int, ends: int, final: bool
) -> list[Slot]:
    """Open notes of the four bars from step ``start``: idea, idea, variant, cadence.

    The last note may be one of the first ``ends`` of root, third and fifth; ``final`` holds it to the end of the piece.
    """
    variant = _vary(rng, metre, idea)
    rhythm = FINAL[metre] if final else CADENCES[metre][rng.integers(len(CADENCES[metre]))]
    cadence = Motif(rhythm, tuple(-1 for length in rhythm if length > 0))
    slots: list[Slot] = []
    for bar, content in enumerate((idea, idea, variant, cadence)):
        slots += _bar(metre, content, spans, start + bar * metre.steps)
    return [*slots[:-1], replace(slots[-1], ends=ends)]


def _vary(rng: np.random.Generator, metre: Metre, idea: Motif) -> Motif:
    """``idea`` with its contour turned, or another rhythm altogether for the last bar before the cadence."""
    if rng.random() < 0.5:
        return Motif(idea.rhythm, tuple(-step for step in idea.contour))
    return motif(rng, metre, other_than=idea)


def _bar(metre: Metre, content: Motif, spans: list[Span], start: int) -> list[Slot]:
    slots, step, wishes = [], start, iter(content.contour)
    for length in content.rhythm:
        if length > 0:
            strong = (step - start) in metre.strong or length > LONG
            slots.append(Slot(step, length, strong, at(spans, step), at(spans, step + length - 1), next(wishes)))
        step += abs(length)
    return slots


def at(spans: list[Span], step: float) -> Span:
    """The harmony at ``step``."""
    return next(span for span in spans if span.step <= step < span.end)


def recall(slots: list[Slot], heard: list[Slot], shift: int, until: int) -> list[Slot]:
    """``slots`` with the pitches of ``heard``, which lie ``shift`` steps earlier, as far as step ``until``."""
    pitches = {(slot.step + shift, slot.length): slot.pitch for slot in heard}
    return [replace(slot, pitch=pitches.get((slot.step, slot.length))) if slot.step < until else slot for slot in slots]


def ornament(rng: np.random.Generator, slots: list[Slot]) -> list[Slot]:
    """Split some longer notes of a phrase heard before in two, the second half to be filled anew."""
    decorated: list[Slot] = []
    for slot in slots:
        if slot.pitch is not None and slot.length in (2, 3) and not slot.ends and rng.random() < ORNAMENTED:
            step = slot.step + slot.length - 1
            decorated.append(replace(slot, length=slot.length - 1))
            decorated.append(Slot(step, 1, False, slot.until, slot.until, int(rng.choice((-1, 1)))))
        else:
            decorated.append(slot)
    return decorated


def pickup(
    rng: np.random.Generator, metre: Metre, slots: list[Slot], before: list[Slot], spans: list[Span]
) -> list[Slot]:
    """Up to two eighths that lead into the first of ``slots``, in the silence that ``before`` ends with, if there
    is room."""
    first = slots[0].step
    room = first - (before[-1].step + before[-1].length)
    count = min(room - 1, int(rng.integers(0, 3)))  # an eighth remains to breathe
    direction = int(rng.choice((-1, 1)))
    spots = [(step, at(spans, step)) for step in range(first - count, first)]
    return [Slot(step, 1, step % metre.steps in metre.strong, span, span, direction) for step, span in spots]


def sing(
    rng: np.random.Generator, slots: list[Slot], low: int, high: int, centre: float, last: int | None
) -> list[Slot]:
    """``slots`` with every pitch decided, within ``low``..``high`` around ``centre``; ``last`` is the pitch sung
    before."""
    pitches = np.arange(low, high + 1)
    costs = np.zeros(len(pitches)) if last is None else None
    came_from: list[np.ndarray] = []
    for i, slot in enumerate(slots):
        allowed = np.array([slot.allows(int(p)) for p in pitches])
        if slot.pitch is None:  # a dissonance needs room on both sides to resolve by step
            inner = (pitches >= low + 2) & (pitches <= high - 2)
            allowed &= inner | np.array([slot.consonant(int(p)) for p in pitches])
        own = np.where(allowed, CENTRE_COST * np.abs(pitches - centre), np.inf)
        own = own + COLOUR_COST * np.array([p % 12 not in slot.span.chord.tones[:3] for p in pitches])
        own = own + CLASH_COST * np.array([p % 12 not in slot.until.chord.tones for p in pitches]) * (
            slot.until != slot.span
        )
        own = own + NOISE * rng.random(len(pitches))
        if i == 0:
            step = 0.0 if last is None else _interval_costs(np.array([last]), pitches, slot, slot, loose=True)[0]
            costs = own + step
            continue
        paths = costs[:, None] + _interval_costs(pitches, pitches, slots[i - 1], slot)
        came_from.append(paths.argmin(axis=0))
        costs = paths.min(axis=0) + own
    place = int(costs.argmin())
    if not np.isfinite(costs[place]):
        raise ValueError("no melody fits these chords in this range")
    chosen = [place]
    for origin in reversed(came_from):
        chosen.append(int(origin[chosen[-1]]))
    return [replace(slot, pitch=int(pitches[i])) for slot, i in zip(slots, reversed(chosen), strict=True)]


def _interval_costs(
    before: np.ndarray, after: np.ndarray, slot_before: Slot, slot: Slot, loose: bool = False
) -> np.ndarray:
    """Cost [before, after] of moving between two slots; infinite where a dissonance would be leapt to or from."""
    interval = after[None, :] - before[:, None]
    wish = slot.wish * 12 / 7
    cost = CONTOUR_COST * np.abs(interval - wish) + LEAP_COST * np.maximum(0, np.abs(interval) - LEAP)
    cost = cost + REPEAT_COST * (interval == 0) * (slot.wish != 0)
    if not loose:
        decided = slot_before.pitch is not None and slot.pitch is not None
        calm = np.array([slot_before.consonant(int(p)) for p in before])[:, None] & np.array(
            [slot.consonant(int(p)) for p in after]
        )
        cost = np.where(calm | (np.abs(interval) <= 2) | decided, cost, np.inf)
    return cost


def events(slots: list[Slot], level: float) -> list[Event]:
    """``slots`` as written notes: a little louder on strong steps and towards the middle of the phrase."""
    first, last = slots[0].step, slots[-1].step
    result = []
    for slot in slots:
        place = (slot.step - first) / max(1, last - first)
        arch = 0.12 * np.sin(np.pi * place)
        result.append(Event(slot.step, slot.length, slot.pitch, level + arch + (0.06 if slot.strong else 0.0)))
    return result
