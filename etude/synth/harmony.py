"""Keys, chords and functional progressions: every phrase is drawn from all those that keep the rules."""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
TONIC, SUBDOMINANT, DOMINANT = "T", "S", "D"

# Chords of each mode: numeral -> (degree of the root, function). A raised third makes the dominant of minor a real
# one, and the major chord on the second degree the dominant's own dominant.
CHORDS = {
    "major": {
        "I": (0, "T"),
        "ii": (1, "S"),
        "iii": (2, "T"),
        "IV": (3, "S"),
        "V": (4, "D"),
        "vi": (5, "T"),
        "V/V": (1, "S"),
    },
    "minor": {
        "i": (0, "T"),
        "iio": (1, "S"),
        "III": (2, "T"),
        "iv": (3, "S"),
        "V": (4, "D"),
        "VI": (5, "S"),
        "VII": (6, "S"),
    },
    "dorian": {"i": (0, "T"), "ii": (1, "S"), "III": (2, "T"), "IV": (3, "S"), "v": (4, "D"), "VII": (6, "D")},
    "mixolydian": {"I": (0, "T"), "ii": (1, "S"), "IV": (3, "S"), "v": (4, "S"), "vi": (5, "T"), "VII": (6, "D")},
}
RAISED_THIRD = {("minor", "V"), ("major", "V/V")}
FUNCTION_WEIGHT = {"TT": 1.0, "TS": 2.0, "TD": 1.0, "SS": 1.0, "SD": 2.0, "ST": 0.3, "DT": 2.0, "DD": 0.2, "DS": 0.0}
ROOT_MOTION_WEIGHT = {
    0: 0.0,
    1: 1.0,
    2: 0.4,
    3: 3.0,
    4: 1.0,
    5: 1.5,
    6: 0.5,
}  # by degrees upward: 3 is the falling fifth
OPENING_WEIGHT = {"I": 8.0, "i": 8.0}
RARITY = {"iii": 0.5, "III": 0.6, "iio": 0.35, "V/V": 0.8}


@dataclass(frozen=True)
class Key:
    """``tonic`` is a pitch class 0..11 (0 = C)."""

    tonic: int
    mode: str

    @property
    def scale(self) -> tuple[int, ...]:
        """Its seven pitch classes from the tonic up."""
        return tuple((self.tonic + interval) % 12 for interval in MODES[self.mode])


@dataclass(frozen=True)
class Chord:
    """``tones`` are pitch classes in thirds from the root; ``scale`` is what a melody may pass through while it
    sounds."""

    numeral: str
    function: str
    degree: int
    tones: tuple[int, ...]
    scale: tuple[int, ...]

    @property
    def root(self) -> int:
        return self.tones[0]


@dataclass(frozen=True)
class Span:
    """``chord`` from ``step`` for ``length`` steps."""

    step: int
    length: int
    chord: Chord

    @property
    def end(self) -> int:
        return self.step + self.length


def chord(key: Key, numeral: str, sevenths: bool) -> Chord:
    """The chord ``numeral`` of ``key``, with its diatonic seventh if wanted; dominants in major and minor always
    have one."""
    degree, function = CHORDS[key.mode][numeral]
    sized = 4 if sevenths or numeral in ("V", "V/V") else 3
    tones = [key.scale[(degree + 2 * i) % 7] for i in range(sized)]
    scale = list(key.scale)
    if (key.mode, numeral) in RAISED_THIRD:
        scale[scale.index(tones[1])] = tones[1] = (tones[1] + 1) % 12
    return Chord(numeral, function, degree, tuple(tones), tuple(scale))


def phrase(
    rng: np.random.Generator, key: Key, cadence: str, opening: tuple[str, ...] = (), away: bool = False
) -> tuple[str, ...]:
    """Numerals of four bars, drawn by weight from all that obey the grammar.

    ``cadence`` "half" ends on a dominant reached from elsewhere, "authentic" on the tonic after a dominant.
    ``opening`` fixes the first bars. ``away`` begins off the tonic, as a middle section does; otherwise it begins
    with a tonic.
    """
    table = CHORDS[key.mode]
    tonic = next(iter(table))
    candidates, weights = [], []
    for numerals in itertools.product(table, repeat=4):
        functions = [table[n][1] for n in numerals]
        if "V/V" in numerals[:2]:  # its place is before a half cadence
            continue
        if numerals[: len(opening)] != opening or (numerals[0] == tonic if away else functions[0] != TONIC):
            continue
        if cadence == "half" and (functions[3] != DOMINANT or functions[2] == DOMINANT):
            continue
        if cadence == "authentic" and (numerals[3] != tonic or functions[2] != DOMINANT):
            continue
        weight = OPENING_WEIGHT.get(numerals[0], 1.0) * math.prod(RARITY.get(n, 1.0) for n in numerals)
        for earlier, later in itertools.pairwise(numerals):
            weight *= _transition(table, earlier, later)
        if weight > 0:
            candidates.append(numerals)
            weights.append(weight)
    return candidates[rng.choice(len(candidates), p=np.array(weights) / sum(weights))]


def _transition(table: dict[str, tuple[int, str]], earlier: str, later: str) -> float:
    if earlier == "V/V":
        return 2.0 if later == "V" else 0.0
    (root, function), (next_root, next_function) = table[earlier], table[later]
    return FUNCTION_WEIGHT[function + next_function] * ROOT_MOTION_WEIGHT[(next_root - root) % 7]


def preparation(rng: np.random.Generator, key: Key, dominant: str) -> str:
    """A subdominant chord that can share the bar before a cadence with ``dominant``."""
    table = CHORDS[key.mode]
    choices = [
        n for n, (_, function) in table.items() if function == SUBDOMINANT and _transition(table, n, dominant) > 0
    ]
    return choices[rng.integers(len(choices))]


def closed(chord: Chord) -> Chord:
    """``chord`` as a triad: where music comes to rest, sevenths are left out."""
    return replace(chord, tones=chord.tones[:3])
