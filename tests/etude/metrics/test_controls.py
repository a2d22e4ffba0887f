"""M-48 against sounds that follow their controls by construction, and against sounds that do not."""

import numpy as np
import pytest

from etude.controls.asked import SILENT, UNKNOWN, asked
from etude.controls.tracks import FREE, control_names, control_tracks
from etude.metrics.controls import COLUMNS, counts, hear, note_spans, score

RATE, FRAME_RATE, SECONDS = 24000, 75.0, 4.0
FRAMES = round(SECONDS * FRAME_RATE)
NAMES = control_names(["piano", "violin"])


def melody(seed: int) -> list[tuple[float, float, float, float]]:
    """Notes of 0.4 s with rests of 0.4 s here and there, velocities from 20 to 127: [notes, 4]."""
    rng = np.random.default_rng(seed)
    starts = [k * 0.4 for k in range(10) if rng.random() < 0.7] or [0.0]
    return [(int(rng.integers(48, 73)), at, at + 0.4, int(rng.integers(20, 128))) for at in starts]


def sound(notes, decay: float = 3.0) -> np.ndarray:
    """Decaying harmonic notes, amplitude as the square of velocity: silent outside the notes."""
    audio = np.zeros(round(SECONDS * RATE))
    for pitch, onset, offset, velocity in notes:
        time = np.arange(round((offset - onset) * RATE)) / RATE
        wave = sum(np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * k * time) / k for k in (1, 2, 3))
        first = round(onset * RATE)
        audio[first : first + len(time)] += (velocity / 127) ** 2 * np.exp(-decay * time) * wave
    return 0.2 * audio


def case(notes, audio, frame_rate=FRAME_RATE) -> np.ndarray:
    frames = round(SECONDS * frame_rate)
    wish = asked(control_tracks(notes, "piano", ["piano", "violin"], frames, frame_rate), NAMES, frame_rate)
    return counts(wish.velocity, wish.pitch_class, frame_rate, hear(audio, RATE, frames, frame_rate))


def scores(cases, *names) -> list[float]:
    return [score(name, np.array(cases), 200, 0)[0] for name in names]


FOLLOWED = ("chroma_accuracy", "voicing_accuracy", "velocity_correlation")


@pytest.mark.parametrize("frame_rate", [75.0, 240.0])
def test_a_true_rendering_scores_one(frame_rate):
    cases = [case(melody(k), sound(melody(k)), frame_rate) for k in range(4)]
    for value in scores(cases, *FOLLOWED):
        assert value > 0.97


def test_shuffled_controls_are_chance_and_the_intervals_are_apart():
    sounds = [sound(melody(k)) for k in range(12)]
    own = np.array([case(melody(k), sounds[k]) for k in range(12)])
    other = np.array([case(melody(k), sounds[(k + 1) % 12]) for k in range(12)])
    for name, chance in zip(FOLLOWED, (1 / 12, 0.5, 0.0), strict=True):
        value, low, high = score(name, own, 500, 0)
        shuffled, shuffled_low, shuffled_high = score(name, other, 500, 0)
        assert low <= value <= high and shuffled_low <= shuffled <= shuffled_high
        assert low > shuffled_high
        assert abs(shuffled - chance) < 0.25


def test_a_decay_at_constant_velocity_is_no_change_of_velocity():
    """Piano: what a frame-wise correlation would punish. Two notes of two velocities, however fast they decay."""
    notes = [(60, 0.0, 1.5, 100), (64, 2.0, 3.5, 50)]
    for decay in (0.0, 2.0, 8.0):
        assert scores([case(notes, sound(notes, decay))], "velocity_correlation")[0] == pytest.approx(1.0, abs=1e-6)


def test_louder_where_softer_is_asked_for_is_minus_one():
    notes = [(60, 0.0, 1.0, 100), (64, 2.0, 3.0, 50)]
    swapped = [(60, 0.0, 1.0, 50), (64, 2.0, 3.0, 100)]
    assert scores([case(notes, sound(swapped))], "velocity_correlation")[0] == pytest.approx(-1.0, abs=1e-6)


def test_gain_changes_nothing_and_semitones_do():
    notes = melody(5)
    quiet = case(notes, 0.01 * sound(notes))
    np.testing.assert_allclose(quiet, case(notes, sound(notes)), rtol=1e-3)
    higher = [(pitch + 1, *rest) for pitch, *rest in notes]
    assert scores([case(notes, sound(higher))], "chroma_accuracy")[0] < 0.05
    octave = [(pitch - 12 if pitch >= 60 else pitch + 12, *rest) for pitch, *rest in notes]
    assert scores([case(notes, sound(octave))], "chroma_accuracy")[0] > 0.95


def test_sound_in_rests_and_rests_in_sound_are_heard():
    notes = [(60, 0.0, 1.0, 100), (60, 2.0, 3.0, 100)]
    always = [(60, 0.0, 4.0, 100)]
    assert scores([case(notes, sound(always, 0.0))], "voicing_accuracy")[0] == pytest.approx(0.5)
    assert scores([case(notes, np.zeros(round(SECONDS * RATE)) + 1e-9)], "voicing_accuracy")[0] <= 0.5 + 1e-9


def test_what_is_left_free_is_not_judged():
    controls = control_tracks(melody(1), "piano", ["piano", "violin"], FRAMES, FRAME_RATE)
    controls[0] = FREE
    wish = asked(controls, NAMES, FRAME_RATE)
    assert np.isnan(wish.velocity).all() and not (wish.pitch_class == SILENT).any()
    found = dict(
        zip(
            COLUMNS,
            counts(wish.velocity, wish.pitch_class, 75.0, hear(sound(melody(1)), RATE, FRAMES, 75.0)),
            strict=True,
        )
    )
    assert found["silent_frames"] == found["notes"] == 0 and found["pitch_frames"] > 0
    controls[1] = FREE
    assert (asked(controls, NAMES, FRAME_RATE).pitch_class == UNKNOWN).all()


def test_a_moving_line_is_cut_into_pieces_and_plateaus_are_notes():
    pitch = np.zeros(FRAMES, dtype=int)
    ramp = np.linspace(0.2, 1.0, FRAMES)
    assert [b - a for a, b in note_spans(ramp, pitch, FRAME_RATE)] == [15] * 20
    steps = np.repeat([0.5, 0.0, 0.9], FRAMES // 3)
    assert note_spans(steps, np.where(steps > 0, 0, SILENT), FRAME_RATE) == [(0, 100), (200, 300)]


def test_nothing_to_tell_from_is_none():
    silence = np.zeros((2, len(COLUMNS)))
    assert all(score(name, silence, 10, 0) is None for name in FOLLOWED)


@pytest.mark.parametrize("samples", [0, 1, 100, RATE])
def test_silence_and_scraps_of_sound_do_not_stop_it(samples):
    heard = hear(np.zeros(samples), RATE, FRAMES, FRAME_RATE)
    assert len(heard.level) == len(heard.pitch_class) == FRAMES and np.isfinite(heard.level).all()
