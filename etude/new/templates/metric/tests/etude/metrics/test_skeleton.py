"""skeleton against values that are known: replace them by those of your metric."""

import numpy as np
import pytest

from etude.metrics import plugin

RATE = 16000
CLIP = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)


def test_a_clip_is_like_itself():
    assert plugin("skeleton").score(CLIP, CLIP, RATE) == 0


def test_half_the_amplitude_is_six_decibels():
    assert plugin("skeleton").score(CLIP, CLIP / 2, RATE) == pytest.approx(20 * np.log10(2), abs=1e-4)


def test_silence_has_no_value():
    assert plugin("skeleton").score(CLIP, np.zeros_like(CLIP), RATE) is None
