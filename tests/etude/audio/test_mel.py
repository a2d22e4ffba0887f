"""The mel pyramid (P-05, P-06)."""

import librosa
import numpy as np
import pytest
import torch

from etude.audio.mel import mel_pyramid, mel_shapes
from etude.errors import UserError

RATE, SAMPLES, BANDS, HOP, WINDOW = 44100, 131072, 128, 256, 1024


def pyramid(audio, kind):
    return mel_pyramid(audio, RATE, BANDS, HOP, WINDOW, kind)


@pytest.mark.parametrize("kind", ["pool", "recompute"])
def test_shapes_of_the_thesis(kind):
    levels = pyramid(torch.zeros(2, SAMPLES), kind)
    assert (
        [tuple(level.shape[1:]) for level in levels]
        == [(32, 128), (64, 256), (128, 512)]
        == mel_shapes(SAMPLES, BANDS, HOP)
    )
    assert all((level == 0).all() for level in levels)  # log(1 + 0)


def test_the_finest_level_is_librosas():
    audio = np.random.default_rng(0).normal(size=SAMPLES).astype(np.float32)
    theirs = librosa.feature.melspectrogram(
        y=audio, sr=RATE, n_fft=WINDOW, hop_length=HOP, n_mels=BANDS, power=2.0, pad_mode="reflect"
    )[:, :-1]
    ours = pyramid(torch.from_numpy(audio)[None], "pool")[2][0].expm1().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=1e-4 * theirs.max())


def test_pooling_keeps_the_mean_power_and_recomputing_does_not_pool():
    audio = torch.randn(1, SAMPLES)
    pooled = [level.expm1().mean().item() for level in pyramid(audio, "pool")]
    assert pooled == pytest.approx([pooled[2]] * 3, rel=1e-5)


def test_pooled_coarse_levels_do_not_see_detail_within_two_frames():
    """A click lights two coarse frames under pool, and three or more through recompute's four times longer window."""
    audio = torch.zeros(1, SAMPLES)
    audio[0, SAMPLES // 2 + 300] = 1.0
    lit = {kind: int((pyramid(audio, kind)[0][0].sum(0) > 1e-6).sum()) for kind in ("pool", "recompute")}
    assert lit["pool"] <= 2 and 3 <= lit["recompute"] <= 4


def test_a_sine_at_the_centre_of_a_band_peaks_there():
    centres = librosa.mel_frequencies(n_mels=BANDS + 2, fmax=RATE / 2)
    for band in (40, 80, 120):
        tone = torch.sin(2 * torch.pi * centres[band + 1] * torch.arange(SAMPLES, dtype=torch.float64) / RATE).float()
        assert pyramid(tone[None], "pool")[2][0].mean(1).argmax() == band


def test_a_length_that_does_not_fit_is_one_sentence():
    with pytest.raises(UserError, match=r"make prepare\.chunk_samples a multiple of 1024"):
        pyramid(torch.zeros(1, SAMPLES + 1), "pool")
