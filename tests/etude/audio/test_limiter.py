"""A limiter keeps a sound within full scale, leaves the rest alone, and moves smoothly."""

import numpy as np
import pytest

from etude.audio.limiter import limiter_gain, reach

RATE = 16000


def burst(seconds: float = 1.0) -> np.ndarray:
    """A quiet tone with one moment four times beyond full scale."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = 0.5 * np.sin(2 * np.pi * 220 * time)
    sound[RATE // 2 : RATE // 2 + 200] *= 8
    return sound


@pytest.mark.parametrize("seed", range(5))
def test_nothing_exceeds_full_scale(seed):
    noise = np.random.default_rng(seed).normal(size=RATE) * np.linspace(0, 5, RATE)
    assert np.abs(noise * limiter_gain(noise, RATE)).max() <= 1 + 1e-9
    assert np.abs(burst() * limiter_gain(burst(), RATE)).max() <= 1 + 1e-9


def test_only_what_is_near_a_peak_is_turned_down():
    gain = limiter_gain(burst(), RATE)
    far = np.ones(RATE, bool)
    far[RATE // 2 - reach(RATE) : RATE // 2 + 200 + reach(RATE)] = False
    np.testing.assert_allclose(gain[far], 1, atol=1e-12)
    assert gain.min() < 0.3
    np.testing.assert_allclose(limiter_gain(0.99 * np.sin(np.arange(RATE)), RATE), 1, atol=1e-12)


def test_the_gain_has_no_corners():
    assert np.abs(np.diff(limiter_gain(burst(), RATE))).max() < 0.02  # a clipper's would jump by 0.75


def test_a_part_with_its_reach_is_the_part_of_the_whole():
    sound = np.random.default_rng(0).normal(size=RATE)
    start, end, more = 5000, 9000, reach(RATE)
    part = limiter_gain(sound[start - more : end + more], RATE)[more:-more]
    np.testing.assert_allclose(part, limiter_gain(sound, RATE)[start:end], atol=1e-12)
