"""Chords in voices that move as little as they can."""

import functools
import itertools

from etude.synth.harmony import Chord

WIDEST = 16  # semitones between the outer voices
PARALLEL_COST = 8.0
CENTRE_COST = 0.15


def voice_lead(chords: list[Chord], low: int, high: int) -> list[tuple[int, ...]]:
    """One voicing of three pitches, ascending, for each of ``chords``, all within ``low``..``high``.

    The best chain of all (Viterbi): smallest movement of the voices in sum, with a price on parallel fifths and octaves
    and on leaving the middle of the range.
    """
    centre = (low + high) / 2
    best: dict[tuple[int, ...], tuple[float, list[tuple[int, ...]]]] = {}
    for chord in chords:
        following = {}
        for voicing in voicings(chord, low, high):
            own = CENTRE_COST * sum(abs(pitch - centre) for pitch in voicing)
            if best:
                cost, chain = min(
                    ((c + movement(v, voicing), path) for v, (c, path) in best.items()), key=lambda item: item[0]
                )
            else:
                cost, chain = 0.0, []
            following[voicing] = (cost + own, [*chain, voicing])
        best = following
    return min(best.values(), key=lambda item: item[0])[1]


@functools.cache
def voicings(chord: Chord, low: int, high: int) -> tuple[tuple[int, ...], ...]:
    """All voicings of ``chord``: with third, seventh if it has one, and root or fifth, no seconds narrower than a
    whole tone."""
    third, fifth, *seventh = chord.tones[1:]
    sets = (
        [(chord.root, third, fifth)] if not seventh else [(third, seventh[0], other) for other in (chord.root, fifth)]
    )
    found = set()
    for tones in sets:
        pitches = [[p for p in range(low, high + 1) if p % 12 == tone] for tone in tones]
        for combination in itertools.product(*pitches):
            voicing = tuple(sorted(combination))
            if voicing[-1] - voicing[0] <= WIDEST and all(b - a >= 2 for a, b in itertools.pairwise(voicing)):
                found.add(voicing)
    return tuple(sorted(found))


def movement(before: tuple[int, ...], after: tuple[int, ...]) -> float:
    """Semitones moved by all voices, and what parallels cost."""
    cost = float(sum(abs(b - a) for a, b in zip(before, after, strict=True)))
    for i, j in itertools.combinations(range(len(before)), 2):
        interval = (before[j] - before[i]) % 12
        moved = after[i] != before[i]
        if moved and interval in (0, 7) and (after[j] - after[i]) % 12 == interval:
            cost += PARALLEL_COST
    return cost
