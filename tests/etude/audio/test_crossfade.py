"""A crossfade keeps what two sounds have in common and the power of what they have not."""

import numpy as np
import pytest

from etude.audio.crossfade import crossfade

N = 4096


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=N).astype(np.float32)


def power(sound: np.ndarray) -> np.ndarray:
    """Mean power in eight parts."""
    return (sound.astype(np.float64) ** 2).reshape(8, -1).mean(axis=1)


def test_equal_sounds_pass_unchanged():
    np.testing.assert_allclose(crossfade(noise(0), noise(0)), noise(0), rtol=1e-5, atol=1e-6)


def test_it_begins_with_the_one_and_ends_with_the_other():
    both = crossfade(noise(0), noise(1))
    np.testing.assert_allclose(both[:4], noise(0)[:4], atol=0.01)
    np.testing.assert_allclose(both[-4:], noise(1)[-4:], atol=0.01)


@pytest.mark.parametrize("shared", [0.0, 0.3, 0.7, 1.0])
def test_power_stays_whatever_the_correlation(shared):
    other = shared * noise(0) + np.sqrt(1 - shared**2) * noise(1)
    np.testing.assert_allclose(power(crossfade(noise(0), other)), 1, rtol=0.15)


def test_a_plain_linear_or_cosine_fade_would_not():
    """The two usual fades each fail where the other is right: what the test above could have missed."""
    ramp = (np.arange(N) + 0.5) / N
    linear = (1 - ramp) * noise(0) + ramp * noise(1)
    cosine = (np.cos(np.pi / 2 * ramp) + np.sin(np.pi / 2 * ramp)) * noise(0)
    assert power(linear).min() < 0.6 and power(cosine).max() > 1.8


def test_opposed_or_silent_sounds_stay_finite():
    assert np.isfinite(crossfade(noise(0), -noise(0))).all()
    assert np.abs(crossfade(noise(0), -noise(0))).max() < 2 * np.abs(noise(0)).max()
    assert not crossfade(np.zeros(N), np.zeros(N)).any()
