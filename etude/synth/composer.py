"""A composer: from a seed to a short piece in a style, with a form, a harmony, a melody, its accompaniment and drums.

Everything is decided by one random generator, so a seed is a piece. What is written
(:class:`~etude.synth.score.Part`) obeys rules that tests can check on the grid; what is played (``performance``)
deviates from it as players do.
"""

from dataclasses import dataclass

import numpy as np
import pretty_midi

from etude.errors import UserError
from etude.synth import accompaniment, harmony, melody
from etude.synth.bass import bass_line
from etude.synth.drums import drum_part
from etude.synth.harmony import Key, Span
from etude.synth.performance import Clock, perform
from etude.synth.score import Event, Part, without_overlaps
from etude.synth.styles import CHORD_RANGES, COUNTER_RANGES, LEAD_RANGES, STYLES, Style

SECTION_BARS = 4
FORMS = {4: "A", 8: "AA", 12: "ABA", 16: "AABA"}
LEVELS = {"melody": 0.66, "chords": 0.5, "bass": 0.58, "pad": 0.42, "counter": 0.46}
SECTION_LEVELS = {"A": 0.0, "B": 0.08}  # on top of the part's
GROWTH = 0.02  # per section
MIDDLE_RISE = 3  # semitones by which the middle section's melody lies higher
TICKS = 960  # per quarter note in MIDI files: half a millisecond


@dataclass(frozen=True)
class Piece:
    """A composed piece. ``spans`` is its harmony, ``parts`` what is written, ``instruments`` what is played, in one
    order."""

    seed: int
    style: str
    key: Key
    tempo: float
    spans: tuple[Span, ...]
    parts: tuple[Part, ...]
    instruments: tuple[pretty_midi.Instrument, ...]

    @property
    def seconds(self) -> float:
        """The end of the last note."""
        return max(note.end for instrument in self.instruments for note in instrument.notes)

    def midi(self, *instruments: pretty_midi.Instrument) -> pretty_midi.PrettyMIDI:
        """``instruments``, by default all of the piece, as a MIDI file."""
        metre = STYLES[self.style].metre
        score = pretty_midi.PrettyMIDI(resolution=TICKS, initial_tempo=self.tempo * metre.beat / 2)
        score.time_signature_changes.append(pretty_midi.TimeSignature(metre.numerator, metre.denominator, 0.0))
        score.instruments = list(instruments or self.instruments)
        return score


def compose(seed: int, style: str, bars: int = 16) -> Piece:
    """Compose and play a piece of ``bars`` bars (4, 8, 12 or 16: the forms A, AA, ABA, AABA) in ``style``."""
    if style not in STYLES:
        raise UserError(f"there is no style {style!r} to compose in; there are {', '.join(STYLES)}")
    if bars not in FORMS:
        raise UserError(f"a piece of {bars} bars was asked for; a form has {', '.join(map(str, FORMS))} bars")
    manner, form = STYLES[style], FORMS[bars]
    rng = np.random.default_rng(seed)
    key = Key(int(rng.integers(12)), _one(rng, manner.modes))
    tempo = float(rng.uniform(*manner.tempo))
    spans = _harmony(rng, manner, key, form)
    parts = _parts(rng, manner, spans, form)
    clock = Clock(manner.metre, tempo, manner.swing, bars * manner.metre.steps)
    instruments = tuple(perform(part, clock, rng) for part in parts)
    return Piece(seed, style, key, tempo, tuple(spans), tuple(parts), instruments)


def _harmony(rng: np.random.Generator, style: Style, key: Key, form: str) -> list[Span]:
    """Four bars a section: A opens on the tonic, its repetition closes; B sets out elsewhere and ends open."""
    spans: list[Span] = []
    closing = harmony.phrase(rng, key, "authentic")
    for i, section in enumerate(form):
        if section == "B":
            numerals = harmony.phrase(rng, key, "half", away=True)
        elif i == 0 and len(form) > 1:
            numerals = harmony.phrase(rng, key, "half", opening=closing[:2])
        else:
            numerals = closing
        spans += _section(rng, style, key, numerals, spans[-1].end if spans else 0, last=i == len(form) - 1)
    return spans


def _section(rng, style: Style, key: Key, numerals: tuple[str, ...], start: int, last: bool) -> list[Span]:
    bar = style.metre.steps
    spans = []
    for i, numeral in enumerate(numerals):
        sounding = harmony.chord(key, numeral, style.sevenths)
        if i == 3 and sounding.function == harmony.TONIC and last:
            sounding = harmony.closed(sounding)
        begin, half = start + i * bar, style.metre.half
        if i == 2 and sounding.function == harmony.DOMINANT and half and rng.random() < 0.6:
            prepared = harmony.chord(key, harmony.preparation(rng, key, numeral), style.sevenths)
            spans += [Span(begin, half, prepared), Span(begin + half, bar - half, sounding)]
        else:
            spans.append(Span(begin, bar, sounding))
    return spans


def _parts(rng: np.random.Generator, style: Style, spans: list[Span], form: str) -> list[Part]:
    lead, chords, bass = (_one(rng, choice) for choice in (style.leads, style.chords, style.basses))
    fourth = _one(rng, style.fourths)
    bar = style.metre.steps
    levels = [SECTION_LEVELS[section] + GROWTH * i for i, section in enumerate(form)]

    def part(role: str, program: int, events: list[Event]) -> Part:
        shaped = [
            e._replace(level=e.level + levels[min(int(e.step) // (SECTION_BARS * bar), len(form) - 1)]) for e in events
        ]
        return Part(role, program, without_overlaps(shaped))

    figure = accompaniment.comping(rng, spans, style.figure, bar, *CHORD_RANGES[chords], LEVELS["chords"])
    parts = [
        part("melody", lead, _melody(rng, style, spans, form, LEAD_RANGES[lead])),
        part("chords", chords, figure),
        part("bass", bass, bass_line(rng, spans, style.bass, LEVELS["bass"])),
    ]
    if rng.random() < 0.5:
        if fourth in COUNTER_RANGES:
            line = accompaniment.guide_line(spans, *COUNTER_RANGES[fourth], LEVELS["counter"])
            parts.append(part("counter", fourth, line))
        else:
            parts.append(part("pad", fourth, accompaniment.pad(spans, LEVELS["pad"])))
    bars = SECTION_BARS * len(form)
    strengths = [1.0 + levels[i // SECTION_BARS] for i in range(bars)]
    return [
        *parts,
        Part("drums", style.kit, without_overlaps(drum_part(rng, style.metre, bars, style.groove, strengths))),
    ]


def _melody(
    rng: np.random.Generator, style: Style, spans: list[Span], form: str, reach: tuple[int, int]
) -> list[Event]:
    """The same two bars open every A; what follows is new each time. B answers with an idea of its own, higher up."""
    metre, (low, high) = style.metre, reach
    length = SECTION_BARS * metre.steps
    ideas = {"A": melody.motif(rng, metre)}
    ideas["B"] = melody.motif(rng, metre, other_than=ideas["A"])
    events: list[Event] = []
    sung: list[melody.Slot] = []
    heard: dict[str, tuple[int, list[melody.Slot]]] = {}
    for i, section in enumerate(form):
        start, final = i * length, i == len(form) - 1
        ends = 1 if final else 2 if melody.at(spans, start + length - 1).chord.function == harmony.TONIC else 3
        slots = melody.phrase_slots(rng, metre, ideas[section], spans, start, ends, final)
        if section in heard:
            begun, earlier = heard[section]
            slots = melody.recall(slots, earlier, start - begun, start + 2 * metre.steps)
            if final:
                slots = melody.ornament(rng, slots)
        if sung:
            slots = melody.pickup(rng, metre, slots, sung, spans) + slots
        centre = (low + high) / 2 + (MIDDLE_RISE if section == "B" else 0)
        sung = melody.sing(rng, slots, low, high, centre, sung[-1].pitch if sung else None)
        heard.setdefault(section, (start, sung))
        events += melody.events(sung, LEVELS["melody"])
    return events


def _one(rng: np.random.Generator, choices):
    return choices[int(rng.integers(len(choices)))]
