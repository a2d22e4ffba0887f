"""Envelopes with known attacks (P-36)."""

import numpy as np
import pytest

from etude.metrics.envelope import attack_seconds, contour_correlation, loudness_contour

RATE = 16000


def tone(attack: float, decay: float = 3.0, seconds: float = 2.0, pitch: float = 220.0) -> np.ndarray:
    """A sine that rises linearly for ``attack`` seconds after 0.1 s of silence, then decays."""
    time = np.arange(int(seconds * RATE)) / RATE - 0.1
    envelope = np.where(time < attack, np.clip(time / attack, 0, 1), np.exp(-decay * (time - attack)))
    return (0.5 * envelope * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


@pytest.mark.parametrize("attack", [0.1, 0.2, 0.4, 0.8])
def test_a_linear_attack_is_found(attack):
    """From a tenth to nine tenths of a linear rise are 0.8 of it; frames of 32 ms blur it by a little."""
    assert attack_seconds(tone(attack, decay=0.1), RATE) == pytest.approx(0.8 * attack, abs=0.02)


def test_attacks_of_synthetic_notes_are_in_order():
    """P-36: R² of the measured on the true attack times."""
    true = np.geomspace(0.02, 0.8, 12)
    found = np.array([attack_seconds(tone(attack, decay=1.0), RATE) for attack in true])
    assert np.corrcoef(true, found)[0, 1] ** 2 > 0.99
    assert (np.diff(found) > 0).all()


def test_a_click_is_not_the_peak_of_a_note():
    sound = tone(0.3, decay=0.1)
    clicked = sound.copy()
    clicked[-100:] = 1.0
    assert attack_seconds(clicked, RATE) == pytest.approx(attack_seconds(sound, RATE), abs=0.01)


def test_gain_plays_no_part():
    sound = tone(0.1)
    np.testing.assert_allclose(loudness_contour(sound, RATE), loudness_contour(sound / 8, RATE), atol=1e-3)
    assert attack_seconds(sound, RATE) == pytest.approx(attack_seconds(sound / 8, RATE))


def test_contours_correlate_with_themselves_and_not_with_their_mirror():
    up, down = tone(1.8, seconds=1.9), tone(0.02, decay=3.0, seconds=1.9)
    contours = [loudness_contour(sound, RATE) for sound in (up, down)]
    assert contour_correlation(contours[0], contours[0]) == pytest.approx(1)
    assert contour_correlation(*contours) < 0
    assert contour_correlation(contours[0], contours[0][:100]) == pytest.approx(1)


def test_pitch_plays_no_part():
    a, b = (loudness_contour(tone(0.1, pitch=pitch), RATE) for pitch in (220, 330))
    assert contour_correlation(a, b) > 0.99


def test_what_does_not_move_has_no_correlation_and_silence_no_attack():
    silence = np.zeros(RATE, np.float32)
    assert contour_correlation(loudness_contour(silence, RATE), loudness_contour(tone(0.1), RATE)) is None
    assert attack_seconds(silence, RATE) is None


def test_a_clip_shorter_than_a_frame_is_padded():
    assert loudness_contour(np.ones(10, np.float32), RATE).shape == (1,)
    assert attack_seconds(np.ones(10, np.float32), RATE) == 0
