"""Styles: which metre, tempo, modes, figures and instruments go together. A new one is a new entry here."""

from dataclasses import dataclass

from etude.synth.score import COMMON, COMPOUND, TRIPLE, Metre

# Sounding range of each lead, where it speaks well: General MIDI program -> (lowest, highest). The alto sax is
# missing because this SoundFont's has a hole at E4.
LEAD_RANGES = {
    22: (60, 84),  # harmonica
    26: (52, 77),  # jazz guitar
    40: (60, 88),  # violin
    42: (43, 69),  # cello
    56: (58, 80),  # trumpet
    57: (46, 69),  # trombone
    60: (48, 72),  # French horn
    64: (58, 82),  # soprano sax
    66: (48, 73),  # tenor sax
    68: (60, 84),  # oboe
    71: (53, 82),  # clarinet
    73: (64, 88),  # flute
    74: (65, 86),  # recorder
    75: (62, 84),  # pan flute
    80: (58, 82),  # square lead
    81: (55, 79),  # sawtooth lead
}
CHORD_RANGES = {
    0: (48, 74),  # grand piano
    2: (48, 74),  # electric grand
    4: (48, 74),  # electric piano
    20: (50, 74),  # reed organ
    21: (52, 72),  # accordion
    24: (48, 71),  # nylon-string guitar
    25: (48, 71),  # steel-string guitar
    26: (48, 71),  # jazz guitar
    27: (48, 71),  # clean electric guitar
    46: (48, 77),  # harp
}
COUNTER_RANGES = {42: (43, 62), 57: (43, 62), 60: (48, 67), 71: (50, 67)}


@dataclass(frozen=True)
class Style:
    """``tempo`` counts the metre's beat per minute. ``fourths`` are programs of a fourth pitched part, in half of the
    pieces: a line of guide tones where COUNTER_RANGES knows the program, else a pad. ``swing`` delays off-beat
    eighths, in eighths."""

    metre: Metre
    tempo: tuple[float, float]
    modes: tuple[str, ...]
    sevenths: bool
    bass: str
    figure: str
    groove: str
    kit: int
    leads: tuple[int, ...]
    chords: tuple[int, ...]
    basses: tuple[int, ...]
    fourths: tuple[int, ...]
    swing: float = 0.0


STYLES = {
    "ballad": Style(
        COMMON, (150, 166), ("major", "minor", "major"), False, "held", "broken", "half_time", 0,
        leads=(40, 68, 64, 42, 73), chords=(0, 4, 2), basses=(33, 35), fourths=(48, 49, 89),
    ),
    "pop": Style(
        COMMON, (150, 168), ("major", "mixolydian", "minor", "dorian"), False, "driving", "strummed", "backbeat", 0,
        leads=(81, 80, 56, 64), chords=(25, 27, 4), basses=(33, 34, 38), fourths=(89, 50, 60),
    ),
    "swing": Style(
        COMMON, (150, 168), ("major", "minor"), True, "walking", "comped", "swing", 32,
        leads=(66, 56, 71, 57), chords=(0, 26), basses=(32,), fourths=(57, 60), swing=0.3,
    ),
    "bossa": Style(
        COMMON, (150, 164), ("major", "minor", "dorian"), True, "bossa", "bossa", "bossa", 0,
        leads=(73, 66, 26, 74), chords=(24, 4), basses=(32, 35), fourths=(48, 89),
    ),
    "waltz": Style(
        TRIPLE, (113, 126), ("major", "minor"), False, "waltz", "waltz", "waltz", 40,
        leads=(71, 40, 22, 73), chords=(21, 0, 20), basses=(32,), fourths=(48, 42),
    ),
    "barcarolle": Style(
        COMPOUND, (75.5, 83), ("minor", "major", "dorian"), False, "rocking", "rocking", "rocking", 40,
        leads=(68, 75, 60, 42), chords=(24, 46, 0), basses=(32, 35), fourths=(49, 71, 91),
    ),
}  # fmt: skip
