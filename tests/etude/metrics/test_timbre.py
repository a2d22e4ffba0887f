"""The timbre metric's front end, network and loss (P-32)."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from etude.errors import UserError
from etude.metrics.timbre import TimbreMetric, TripletNetwork, mfcc, triplet_loss

RATE = 16000


def tone(pitch: float, partials, seconds: float = 2.048, rate: int = RATE) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    sound = sum(a * np.sin(2 * np.pi * frequency * (k + 1) * time) for k, a in enumerate(partials))
    return (0.2 * sound * np.exp(-2 * time)).astype(np.float32)


@pytest.fixture(scope="module")
def metric():
    torch.manual_seed(0)
    return TimbreMetric(TripletNetwork())


def test_features_are_librosas_second_to_thirteenth_coefficients():
    import librosa

    sound = tone(60, [1, 0.5, 0.3]) + np.random.default_rng(0).normal(0, 0.01, 32768).astype(np.float32)
    expected = librosa.feature.mfcc(y=np.resize(sound, 8 * RATE), sr=RATE, n_mfcc=13, hop_length=500)[1:]
    found = mfcc(sound, RATE)
    assert found.shape == expected.shape == (12, 257)
    np.testing.assert_allclose(found, expected, atol=0.02)  # of some hundreds


def test_the_network_has_the_size_of_the_original():
    network = TripletNetwork()
    assert sum(p.numel() for p in network.parameters()) == 44_800
    moments = [b for name, b in network.named_buffers() if "running" in name]
    assert sum(b.numel() for b in moments) + 44_800 == 45_312


def test_fewer_than_128_frames_would_leave_nothing_to_pool():
    network = TripletNetwork().eval()
    assert network(torch.randn(1, 12, 128)).shape == (1, 64)
    with pytest.raises(RuntimeError):
        network(torch.randn(1, 12, 127))


@pytest.mark.parametrize("seconds", [0.05, 0.5, 3.9, 8.0, 11.0])
def test_a_clip_of_any_length_has_a_timbre(metric, seconds):
    sound = tone(60, [1, 0.5], seconds)
    assert metric.similarity(sound, sound, RATE) == pytest.approx(1, abs=1e-5)


def test_identical_clips_are_alike_and_gain_does_not_matter(metric):
    one, other = tone(60, [1]), tone(60, [0, 0, 1, 1, 1])
    assert metric.similarity(one, other, RATE) < 0.999
    for gain in (0.5, 2.0):
        assert metric.similarity(gain * one, other, RATE) == pytest.approx(
            metric.similarity(one, other, RATE), abs=0.02
        )


def test_another_rate_is_the_same_sound(metric):
    one, other = tone(60, [1, 0.5, 0.3]), tone(60, [1, 0.5, 0.3], rate=44100)
    a, b = metric.vectors(np.stack([mfcc(one, RATE), mfcc(other, 44100)]))
    assert a @ b > 0.99


def test_the_loss_is_the_hinge_on_cosines():
    anchor = torch.tensor([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    positive = torch.tensor([[3.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    negative = torch.tensor([[0.0, 5.0], [1.0, 1.0], [1.0, 0.0]])
    # cosines 1 against 0: none; equal: the margin; 0 against 1: 1.1
    assert triplet_loss(anchor, positive, negative).item() == pytest.approx((0 + 0.1 + 1.1) / 3)


def test_silence_is_a_sound_like_any_other(metric):
    silence = np.zeros(1000, np.float32)
    assert metric.similarity(silence, silence, RATE) == pytest.approx(1, abs=1e-5)
    with pytest.raises(UserError, match="without samples"):
        mfcc(np.zeros(0, np.float32), RATE)


def test_weights_of_another_network_are_one_sentence(tmp_path):
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    (tmp_path / "text.safetensors").write_text("not weights")
    for name in ("other", "text"):
        with pytest.raises(UserError, match="not the weights of the timbre metric") as caught:
            TimbreMetric.load(tmp_path / f"{name}.safetensors")
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="no such weights"):
        TimbreMetric.load(tmp_path / "none.safetensors")
