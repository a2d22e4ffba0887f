"""Ratios in dB against closed forms."""

import numpy as np
import pytest

from etude.metrics.waveform import si_sdr, snr

TIME = np.arange(8000) / 8000
SINE, COSINE = np.sin(2 * np.pi * 50 * TIME)[None], np.cos(2 * np.pi * 50 * TIME)[None]


@pytest.mark.parametrize("level", [0.5, 0.1, 0.001])
def test_an_orthogonal_sine_of_a_known_level(level):
    expected = -20 * np.log10(level)
    assert snr(SINE, SINE + level * COSINE)[0] == pytest.approx(expected, abs=1e-6)
    assert si_sdr(SINE, SINE + level * COSINE)[0] == pytest.approx(expected, abs=1e-6)


def test_only_one_of_them_forgives_gain_sign_and_offset():
    estimate = SINE + 0.1 * COSINE
    assert si_sdr(SINE, -0.3 * estimate + 0.2)[0] == pytest.approx(20.0, abs=1e-6)
    assert snr(SINE, -0.3 * estimate + 0.2)[0] < 0
    assert snr(SINE, 0 * SINE)[0] == pytest.approx(0.0)


def test_each_clip_for_itself_and_silence_has_no_ratio():
    reference = np.concatenate([SINE, 0 * SINE, SINE]).astype(np.float32)
    estimate = np.concatenate([SINE + 0.1 * COSINE, COSINE, SINE]).astype(np.float32)
    for ratio in (snr, si_sdr):
        values = ratio(reference, estimate)
        assert values[0] == pytest.approx(20.0, abs=1e-4) and np.isnan(values[1]) and values[2] > 200
