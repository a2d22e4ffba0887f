"""Drum parts: a groove per style, a fill at the end of each phrase, a crash into the next, one stroke at the end."""

import numpy as np

from etude.synth.score import Event, Metre

KICK, SIDE_STICK, SNARE, LOW_TOM, CLOSED_HAT, PEDAL_HAT, MID_TOM, OPEN_HAT, HIGH_TOM, CRASH, RIDE, SHAKER = (
    36, 37, 38, 45, 42, 44, 47, 46, 50, 49, 51, 70,
)  # fmt: skip

# One bar: (step, drum, level).
GROOVES: dict[str, tuple[tuple[float, int, float], ...]] = {
    "half_time": (
        (0, KICK, 0.7), (4, SIDE_STICK, 0.6), (5, KICK, 0.5),
        *((step, CLOSED_HAT, 0.5 if step % 4 == 0 else 0.35) for step in range(0, 8, 2)),
    ),
    "backbeat": (
        (0, KICK, 0.8), (2, SNARE, 0.75), (4, KICK, 0.7), (5, KICK, 0.6), (6, SNARE, 0.75),
        *((step, CLOSED_HAT, 0.6 if step % 2 == 0 else 0.4) for step in range(7)), (7, OPEN_HAT, 0.45),
    ),
    "swing": (
        (0, RIDE, 0.6), (2, RIDE, 0.7), (3, RIDE, 0.45), (4, RIDE, 0.6), (6, RIDE, 0.7), (7, RIDE, 0.45),
        (2, PEDAL_HAT, 0.6), (6, PEDAL_HAT, 0.6), (0, KICK, 0.35), (4, KICK, 0.3),
    ),
    "bossa": (
        (0, KICK, 0.55), (3, KICK, 0.4), (4, KICK, 0.55), (7, KICK, 0.4),
        (0, SIDE_STICK, 0.5), (3, SIDE_STICK, 0.5), (6, SIDE_STICK, 0.5),
        *((step, SHAKER, 0.45 if step % 2 == 0 else 0.3) for step in range(8)),
    ),
    "waltz": ((0, KICK, 0.55), (2, PEDAL_HAT, 0.5), (4, PEDAL_HAT, 0.45), (0, RIDE, 0.45), (4, RIDE, 0.35)),
    "rocking": (
        (0, KICK, 0.55), (3, SIDE_STICK, 0.45),
        *((step, CLOSED_HAT, 0.45 if step % 3 == 0 else 0.3) for step in range(6)),
    ),
}  # fmt: skip
FILL = (SNARE, HIGH_TOM, MID_TOM, LOW_TOM)


def drum_part(rng: np.random.Generator, metre: Metre, bars: int, groove: str, levels: list[float]) -> list[Event]:
    """``bars`` bars of ``groove``; ``levels`` has the loudness of each bar. Phrases are four bars, the last bar is
    one stroke."""
    events: list[Event] = []
    for bar in range(bars - 1):
        start, level = bar * metre.steps, levels[bar]
        filled = metre.steps - metre.beat if bar % 4 == 3 else metre.steps  # the last beat is the fill's
        events += [Event(start + s, 0.5, drum, weight * level) for s, drum, weight in GROOVES[groove] if s < filled]
        if filled < metre.steps:
            strokes = 2 * metre.beat
            for i in range(strokes):
                if i == 0 or rng.random() < 0.75:
                    drum = FILL[min(len(FILL) - 1, i * len(FILL) // strokes)]
                    events.append(Event(start + filled + i / 2, 0.5, drum, (0.45 + 0.35 * i / strokes) * level))
        if bar and bar % 4 == 0:
            events.append(Event(start, 1, CRASH, 0.6 * level))
    end = (bars - 1) * metre.steps
    return [*events, Event(end, 1, KICK, 0.7 * levels[-1]), Event(end, 2, CRASH, 0.6 * levels[-1])]
