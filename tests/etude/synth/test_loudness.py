"""Loudness against the standard's own calibration and against torchaudio."""

import numpy as np
import pytest
import torch
import torchaudio

from etude.synth.loudness import integrated_loudness


def sine(rate: int, hertz: float, seconds: float, amplitude: float = 1.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_full_scale_sine_of_997_hz_is_minus_three(rate: int):
    assert integrated_loudness(sine(rate, 997, 5), rate) == pytest.approx(
        -3.01, abs=0.05
    )  # the bilinear transform bends the filters a little at low rates


def test_gain_in_decibels_is_loudness_in_lu():
    quiet, loud = (integrated_loudness(sine(16000, 440, 3, a), 16000) for a in (0.01, 0.1))
    assert loud - quiet == pytest.approx(20.0, abs=1e-9)


def test_silence_between_is_gated():
    tone = sine(16000, 997, 4)
    gapped = np.concatenate([tone, np.zeros(10 * 16000), tone])
    assert integrated_loudness(gapped, 16000) == pytest.approx(integrated_loudness(tone, 16000), abs=0.3)


def test_agrees_with_torchaudio():
    rng = np.random.default_rng(0)
    noise = np.cumsum(rng.standard_normal(48000 * 4)) * 1e-3
    noise = (noise - noise.mean()) * np.repeat([0.1, 1.0, 0.3, 0.02], 48000)
    expected = torchaudio.functional.loudness(torch.from_numpy(noise)[None].float(), 48000).item()
    assert integrated_loudness(noise, 48000) == pytest.approx(expected, abs=0.1)


def test_nothing_to_hear():
    assert integrated_loudness(np.zeros(16000), 16000) == -np.inf
    assert integrated_loudness(np.ones(100), 16000) == -np.inf
