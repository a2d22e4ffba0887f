"""Bass lines: the root on every downbeat and every change of harmony, approach notes into the next one."""

from collections.abc import Callable

import numpy as np

from etude.synth.harmony import Span
from etude.synth.score import Event

LOW, HIGH = 28, 52  # E1, the open fourth string, to E3


def bass_line(rng: np.random.Generator, spans: list[Span], pattern: str, level: float) -> list[Event]:
    """Play ``spans`` in ``pattern`` (a key of PATTERNS); the last one is held."""
    events: list[Event] = []
    root = None
    for i, span in enumerate(spans):
        root = nearest(span.chord.root, 40 if root is None else root)
        if i == len(spans) - 1:
            return [*events, Event(span.step, span.length, root, level + 0.1)]
        target = nearest(spans[i + 1].chord.root, root)
        events += [
            Event(span.step + step, length, pitch, level + (0.1 if step == 0 else 0.0))
            for step, length, pitch in PATTERNS[pattern](rng, span, root, target)
        ]
    return events


def nearest(tone: int, pitch: int) -> int:
    """The pitch of class ``tone`` nearest to ``pitch`` in the range of the bass; of two, the lower."""
    return min((p for p in range(LOW, HIGH + 1) if p % 12 == tone), key=lambda p: (abs(p - pitch), p))


def _fifth(span: Span, root: int) -> int:
    fifth = root + (span.chord.tones[2] - root) % 12
    return fifth if fifth <= HIGH else fifth - 12


def _approach(rng: np.random.Generator, span: Span, target: int) -> int:
    """A semitone from either side of ``target``, or the neighbouring note of the scale."""
    below = max((p for p in range(target - 3, target) if p % 12 in span.chord.scale), default=target - 1)
    above = min((p for p in range(target + 1, target + 4) if p % 12 in span.chord.scale), default=target + 1)
    choices = [p for p in (below, above, target - 1) if LOW <= p <= HIGH]
    return choices[rng.integers(len(choices))]


def _held(rng, span: Span, root: int, target: int) -> list[tuple[float, float, int]]:
    """The root, and in whole bars a fifth in the second half."""
    if span.length < 6:
        return [(0, span.length, root)]
    half = span.length // 2
    return [(0, half, root), (half, span.length - half, _fifth(span, root))]


def _driving(rng, span: Span, root: int, target: int) -> list[tuple[float, float, int]]:
    """Eighths on the root, the last one leading on."""
    last = span.length - 1
    lead = _approach(rng, span, target) if target != root else _fifth(span, root)
    return [*((step, 1, root) for step in range(last)), (last, 1, lead)]


def _walking(rng, span: Span, root: int, target: int) -> list[tuple[float, float, int]]:
    """Quarters: root, tones of chord and scale towards the next root, an approach note."""
    beats = span.length // 2
    line = [root]
    for beat in range(1, beats - 1):
        place = root + (target - root) * beat / (beats - 1) + rng.normal(0, 3)
        wanted = span.chord.tones if beat % 2 == 0 else span.chord.scale
        options = [p for p in range(LOW, HIGH + 1) if p % 12 in wanted and p != line[-1] and abs(p - line[-1]) <= 7]
        line.append(min(options, key=lambda p: (abs(p - place), p)))
    if beats > 1:
        line.append(_approach(rng, span, target))
    return [(2 * i, 2, pitch) for i, pitch in enumerate(line)]


def _bossa(rng, span: Span, root: int, target: int) -> list[tuple[float, float, int]]:
    """Dotted quarter and eighth, root and fifth in turn."""
    fifth = _fifth(span, root)
    if span.length < 8:
        return [(0, 3, root), (3, 1, fifth)]
    return [(0, 3, root), (3, 1, fifth), (4, 3, fifth), (7, 1, _approach(rng, span, target))]


def _waltz(rng, span: Span, root: int, target: int) -> list[tuple[float, float, int]]:
    """The root through two beats, the third leads on or rests."""
    if span.length < 6 or rng.random() < 0.5:
        return [(0, span.length, root)]
    return [(0, 4, root), (4, 2, _approach(rng, span, target))]


def _rocking(rng, span: Span, root: int, target: int) -> list[tuple[float, float, int]]:
    """The lilt of 6/8: long, short, long, short."""
    if span.length < 6:
        return [(0, 2, root), (2, 1, root)]
    return [(0, 2, root), (2, 1, root), (3, 2, _fifth(span, root)), (5, 1, _approach(rng, span, target))]


PATTERNS: dict[str, Callable[..., list[tuple[float, float, int]]]] = {
    "held": _held,
    "driving": _driving,
    "walking": _walking,
    "bossa": _bossa,
    "waltz": _waltz,
    "rocking": _rocking,
}
