"""What every piece must be, whatever the seed."""

import itertools

import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.errors import UserError
from etude.synth import accompaniment, bass
from etude.synth.composer import FORMS, SECTION_BARS, Piece, compose
from etude.synth.harmony import CHORDS, DOMINANT, MODES, TONIC, Key, Span, chord, phrase
from etude.synth.score import Event, Part, without_overlaps
from etude.synth.styles import CHORD_RANGES, COUNTER_RANGES, LEAD_RANGES, STYLES
from etude.synth.voicing import voice_lead, voicings

SEEDS = st.integers(0, 2**40)
STYLE_NAMES = st.sampled_from(sorted(STYLES))
PIECES = st.builds(compose, SEEDS, STYLE_NAMES, st.sampled_from(sorted(FORMS)))
many = settings(max_examples=30, deadline=None)


def part(piece: Piece, role: str) -> Part:
    return next(part for part in piece.parts if part.role == role)


def span_at(piece: Piece, step: float) -> Span:
    return next(span for span in piece.spans if span.step <= step < span.end)


@many
@given(PIECES)
def test_melody_has_chord_tones_on_strong_beats(piece: Piece):
    metre = STYLES[piece.style].metre
    strong = [event for event in part(piece, "melody").events if event.step % metre.steps in metre.strong]
    assert strong
    for event in strong:
        assert event.pitch % 12 in span_at(piece, event.step).chord.tones


@many
@given(PIECES)
def test_melody_stays_in_the_scale_and_leaves_dissonances_by_step(piece: Piece):
    events = part(piece, "melody").events
    for event in events:
        assert event.pitch % 12 in span_at(piece, event.step).chord.scale
    for before, after in itertools.pairwise(events):
        if before.end == after.step:  # after a breath a phrase may set in anywhere
            dissonant = any(e.pitch % 12 not in span_at(piece, e.step).chord.tones for e in (before, after))
            assert not dissonant or abs(after.pitch - before.pitch) <= 2


@many
@given(PIECES)
def test_phrases_end_on_tones_of_the_triad_with_a_breath_and_the_piece_on_its_tonic(piece: Piece):
    metre = STYLES[piece.style].metre
    length = SECTION_BARS * metre.steps
    events = part(piece, "melody").events
    for section in range(len(piece.spans) and int(piece.spans[-1].end) // length):
        inside = [e for e in events if section * length <= e.step < (section + 1) * length]
        if section == piece.spans[-1].end // length - 1:
            assert inside[-1].pitch % 12 == piece.key.tonic
            assert inside[-1].end == piece.spans[-1].end
        else:
            bar = [e for e in inside if e.step >= (section + 1) * length - metre.steps]
            followers = [*(e.step for e in bar[1:]), (section + 1) * length]
            resting = next(e for e, follower in zip(bar, followers, strict=True) if e.end < follower)
            assert resting.pitch % 12 in span_at(piece, resting.step).chord.tones[:3]
            assert sum(e.length for e in bar) < metre.steps


@many
@given(SEEDS, STYLE_NAMES)
def test_the_theme_returns(seed: int, style: str):
    """AABA: sections 1, 2 and 4 begin with the same two bars (ornaments may be added in the last), the third does
    not."""
    piece = compose(seed, style)
    metre = STYLES[style].metre
    length, theme = SECTION_BARS * metre.steps, 2 * metre.steps

    def opening(section: int) -> list[tuple[float, int]]:
        start = section * length
        return [(e.step - start, e.pitch) for e in part(piece, "melody").events if start <= e.step < start + theme]

    first, second, middle, last = map(opening, range(4))
    pickups = 2  # of the phrase itself when it begins with a rest
    assert set(first) <= set(second) and len(second) <= len(first) + pickups
    assert set(first) <= set(last)
    assert middle != first


@many
@given(PIECES)
def test_harmony_is_functional(piece: Piece):
    spans = piece.spans
    assert spans[0].step == 0 and all(a.end == b.step for a, b in itertools.pairwise(spans))
    assert spans[0].chord.function == TONIC
    assert (spans[-1].chord.root, spans[-1].chord.function) == (piece.key.tonic, TONIC)
    assert len(spans[-1].chord.tones) == 3
    assert spans[-2].chord.function == DOMINANT
    if len(spans) >= 16:
        metre = STYLES[piece.style].metre
        half_cadences = [span_at(piece, (bar + 1) * metre.steps - 1) for bar in (3, 11)]
        assert all(span.chord.function == DOMINANT for span in half_cadences)


@many
@given(PIECES)
def test_bass_plays_the_root_on_every_downbeat_and_change(piece: Piece):
    starts = {event.step: event.pitch for event in part(piece, "bass").events}
    for span in piece.spans:
        assert starts[span.step] % 12 == span.chord.root


@many
@given(PIECES)
def test_every_note_is_in_its_instruments_range(piece: Piece):
    for written in piece.parts:
        if written.role == "drums":
            assert all(35 <= event.pitch <= 81 for event in written.events)
            continue
        low, high = {
            "melody": lambda p: LEAD_RANGES[p],
            "chords": lambda p: CHORD_RANGES[p],
            "counter": lambda p: COUNTER_RANGES[p],
            "bass": lambda p: (bass.LOW, bass.HIGH),
            "pad": lambda p: (accompaniment.PAD_LOW, accompaniment.PAD_HIGH),
        }[written.role](written.program)
        assert all(low <= event.pitch <= high for event in written.events)


@many
@given(PIECES)
def test_notes_of_one_pitch_never_overlap_written_or_played(piece: Piece):
    for written, played in zip(piece.parts, piece.instruments, strict=True):
        for pitch in {event.pitch for event in written.events}:
            own = [event for event in written.events if event.pitch == pitch]
            assert all(a.end <= b.step for a, b in itertools.pairwise(own))
            notes = [note for note in played.notes if note.pitch == pitch]
            assert all(a.end < b.start for a, b in itertools.pairwise(notes))
        assert all(note.end > note.start >= 0 and 1 <= note.velocity <= 127 for note in played.notes)
        assert played.is_drum == (written.role == "drums")


@many
@given(SEEDS, STYLE_NAMES)
def test_playing_stays_close_to_the_page(seed: int, style: str):
    """Without swing and before the ritardando, onsets are on the grid of eighths to within 40 ms."""
    piece = compose(seed, style)
    manner = STYLES[style]
    step = 60 / piece.tempo / manner.metre.beat
    if not manner.swing:
        for note in piece.instruments[0].notes:
            if note.start < (piece.spans[-1].end - 2 * manner.metre.steps) * step:
                assert abs(note.start / step - round(note.start / step)) * step < 0.04
    assert 22 <= piece.seconds <= 27.5


def content(piece: Piece) -> list[tuple]:
    return [(i.program, n.pitch, n.start, n.end, n.velocity) for i in piece.instruments for n in i.notes]


@many
@given(SEEDS, STYLE_NAMES)
def test_a_seed_is_a_piece(seed: int, style: str):
    assert content(compose(seed, style)) == content(compose(seed, style))
    assert content(compose(seed, style)) != content(compose(seed + 1, style))


def test_sixty_pieces_are_sixty_pieces():
    melodies = {
        tuple((e.step, e.pitch) for e in part(compose(seed, style), "melody").events)
        for seed, style in enumerate(itertools.islice(itertools.cycle(STYLES), 60))
    }
    assert len(melodies) == 60


def test_midi_round_trip(tmp_path):
    piece = compose(7, "waltz")
    piece.midi().write(str(tmp_path / "piece.mid"))
    read = pretty_midi.PrettyMIDI(str(tmp_path / "piece.mid"))
    assert [i.program for i in read.instruments] == [i.program for i in piece.instruments]
    (signature,) = read.time_signature_changes
    assert (signature.numerator, signature.denominator) == (3, 4)
    assert read.get_tempo_changes()[1][0] == pytest.approx(piece.tempo, rel=1e-4)
    for written, found in zip(piece.instruments, read.instruments, strict=True):
        key = lambda note: (note.pitch, note.start)  # noqa: E731
        for a, b in zip(sorted(written.notes, key=key), sorted(found.notes, key=key), strict=True):
            assert (a.pitch, a.velocity) == (b.pitch, b.velocity)
            assert a.start == pytest.approx(b.start, abs=1e-3) and a.end == pytest.approx(b.end, abs=1e-3)


def test_wrong_requests():
    with pytest.raises(UserError, match=r"no style 'polka'.*ballad"):
        compose(0, "polka")
    with pytest.raises(UserError, match=r"5 bars.*4, 8, 12, 16"):
        compose(0, "pop", 5)


# Its parts, each alone.

KEYS = st.builds(Key, st.integers(0, 11), st.sampled_from(sorted(MODES)))


@given(KEYS, st.booleans())
def test_chords_are_stacked_thirds_on_their_degree(key: Key, sevenths: bool):
    for numeral, (degree, _) in CHORDS[key.mode].items():
        built = chord(key, numeral, sevenths)
        assert built.root == key.scale[degree]
        intervals = [(b - a) % 12 for a, b in itertools.pairwise(built.tones)]
        assert set(intervals) <= {3, 4}
        assert set(built.tones) <= set(built.scale) and len(set(built.scale)) == 7


def test_dominant_of_minor_has_a_leading_tone():
    assert chord(Key(9, "minor"), "V", False).tones == (4, 8, 11, 2)  # E G# B D in A minor
    assert chord(Key(0, "major"), "V/V", False).tones == (2, 6, 9, 0)  # D F# A C in C major
    assert chord(Key(0, "major"), "ii", True).tones == (2, 5, 9, 0)


@many
@given(KEYS, st.sampled_from(["half", "authentic"]), st.integers(0, 999), st.booleans())
def test_cadences(key: Key, cadence: str, seed: int, away: bool):
    numerals = phrase(np.random.default_rng(seed), key, cadence, away=away)
    functions = [CHORDS[key.mode][numeral][1] for numeral in numerals]
    tonic = next(iter(CHORDS[key.mode]))
    assert functions[3] == DOMINANT if cadence == "half" else (functions[2], numerals[3]) == (DOMINANT, tonic)
    assert numerals[0] != tonic if away else functions[0] == TONIC


@many
@given(KEYS, st.integers(0, 999), st.booleans())
def test_voices_move_little(key: Key, seed: int, sevenths: bool):
    """No chain is better than the one found: checked against all of them for three chords."""
    rng = np.random.default_rng(seed)
    chords = [chord(key, numeral, sevenths) for numeral in phrase(rng, key, "authentic")[:3]]
    from etude.synth.voicing import CENTRE_COST, movement

    def cost(chain: tuple[tuple[int, ...], ...]) -> float:
        centre = sum(CENTRE_COST * abs(pitch - 60) for voicing in chain for pitch in voicing)
        return centre + sum(movement(a, b) for a, b in itertools.pairwise(chain))

    found = voice_lead(chords, 54, 66)
    everything = itertools.product(*(voicings(c, 54, 66) for c in chords))
    assert cost(tuple(found)) == pytest.approx(min(map(cost, everything)))


@given(st.lists(st.builds(Event, st.integers(0, 20), st.integers(1, 9), st.integers(60, 64), st.just(0.5))))
def test_overlaps_are_taken_out(events: list[Event]):
    clean = without_overlaps(events)
    assert {(e.step, e.pitch) for e in clean} == {(e.step, e.pitch) for e in events}
    for pitch in range(60, 65):
        own = [e for e in clean if e.pitch == pitch]
        assert all(a.end <= b.step and a.length > 0 for a, b in itertools.pairwise(own))
        sounding = {s for e in events if e.pitch == pitch for s in range(int(e.step), int(e.end))}
        assert {s for e in own for s in range(int(e.step), int(e.end))} <= sounding
