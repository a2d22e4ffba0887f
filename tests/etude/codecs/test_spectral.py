import numpy as np
import pytest
import torch

from etude.codecs import plugin, spectral
from etude.codecs.spectral import SpectralCodec, load, obtain
from etude.errors import UserError
from etude.pipeline.stage import namespace
from etude.training.checkpoint import Checkpoint

SETTINGS = {
    "sample_rate": 16000,
    "n_fft": 256,
    "hop": 64,
    "frames_per_latent": 2,
    "components": 24,
    "floor_db": -80.0,
    "width": 32,
    "blocks": 1,
    "phase_iterations": 60,
    "seed": 0,
    "train": {
        "steps": 40,
        "batch": 8,
        "lr": 0.002,
        "warmup": 2,
        "schedule": "cosine",
        "ema": 0.9,
        "log_every": 10,
        "checkpoint_every": 20,
    },
}
SAMPLES = 4096


def notes(clips: int = 40) -> np.ndarray:
    """Decaying harmonic notes, int16 [clips, SAMPLES] at 16 kHz."""
    rng = np.random.default_rng(0)
    time = np.arange(SAMPLES) / 16000
    pitches = 110 * 2 ** (rng.integers(0, 36, clips) / 12)
    partials = sum(np.sin(2 * np.pi * pitches[:, None] * n * time) / n for n in range(1, 5))
    return (8000 * partials * np.exp(-4 * time)).astype(np.int16)


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spectral")
    facts = obtain(folder, notes(), 16000, namespace(SETTINGS), Checkpoint(folder))
    assert facts["weights_sha256"] and (folder / facts["weights"]).exists()
    return load(folder, namespace(SETTINGS))


def test_shapes_and_frames(codec):
    audio = torch.from_numpy(notes(3) / 32768.0).float()
    latents = codec.encode(audio)
    assert latents.shape == (3, 24, codec.frames(SAMPLES)) == (3, 24, 32)
    assert codec.decode(latents, SAMPLES, seed=0).shape == (3, SAMPLES)
    with pytest.raises(UserError, match="latent frames of 128 samples"):
        codec.frames(SAMPLES + 1)


def test_frames_say_where_in_time_they_lie(codec):
    assert (codec.frames_per_second, codec.centre) == (125.0, 0.25)
    click = torch.zeros(1, SAMPLES)
    click[0, round((10 + codec.centre) * 128)] = 1.0
    spectra = codec.spectrum(click).reshape(codec.bins, 2, -1)
    loudest = spectra.exp().sum((0, 1))
    assert loudest.argmax() == 10
    torch.testing.assert_close(spectra[:, 0, 10], spectra[:, 1, 10], atol=1e-4, rtol=1e-4)


def test_with_all_components_the_spectrum_comes_back_exactly():
    full = namespace(SETTINGS | {"components": 258, "blocks": 0})
    codec = SpectralCodec(full)
    codec.fit(notes())
    spectrum = codec.spectrum(torch.from_numpy(notes(4) / 32768.0).float())
    latents = codec.encode(torch.from_numpy(notes(4) / 32768.0).float())
    torch.testing.assert_close(codec.decoded_spectrum(latents), spectrum, atol=2e-3, rtol=0)


def test_the_components_are_orthonormal_and_their_variances_fall(codec):
    gram = codec.components @ codec.components.T
    torch.testing.assert_close(gram, torch.eye(24), atol=1e-4, rtol=0)
    assert (codec.deviations.diff() <= 1e-6).all()


def test_the_closed_form_is_the_best_linear_one():
    """No other projection of the same rank has a smaller squared error on the clips it was fitted to."""
    codec = SpectralCodec(namespace(SETTINGS | {"blocks": 0}))
    codec.fit(notes())
    spectrum = codec.spectrum(torch.from_numpy(notes() / 32768.0).float())

    def error(components):
        centred = spectrum - codec.mean[:, None]
        return (torch.einsum("cs,ct,btf->bsf", components, components, centred) - centred).square().mean().item()

    best = error(codec.components)
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        other, _ = torch.linalg.qr(
            (codec.components + 0.05 * torch.randn(codec.components.shape, generator=generator)).T
        )
        assert error(other.T) > best


def test_the_residual_decoder_improves_on_the_closed_form(codec):
    audio = torch.from_numpy(notes() / 32768.0).float()
    spectrum, latents = codec.spectrum(audio), codec.encode(audio)
    closed = torch.einsum("cs,bct->bst", codec.components, latents) + codec.mean[:, None]
    learned = (codec.decoded_spectrum(latents) - spectrum).abs().mean()
    assert learned < (closed - spectrum).abs().mean()


def test_a_round_trip_keeps_pitch_and_level(codec):
    time = np.arange(SAMPLES) / 16000
    tone = torch.from_numpy(0.25 * sum(np.sin(2 * np.pi * 440 * n * time) / n for n in range(1, 5))).float()[None]
    trip = codec.decode(codec.encode(tone), SAMPLES, seed=0)
    peak = torch.fft.rfft(trip[0]).abs().argmax().item() * 16000 / SAMPLES
    assert peak == pytest.approx(440, abs=16)
    assert trip.square().mean().sqrt().item() == pytest.approx(tone.square().mean().sqrt().item(), rel=0.35)


def test_the_same_seed_gives_the_same_sound_and_another_seed_another_phase(codec):
    latents = codec.encode(torch.from_numpy(notes(2) / 32768.0).float())
    assert torch.equal(codec.decode(latents, SAMPLES, 3), codec.decode(latents, SAMPLES, 3))
    assert not torch.equal(codec.decode(latents, SAMPLES, 3), codec.decode(latents, SAMPLES, 4))


@pytest.mark.parametrize("size", [1, 2 * 129 * 65, 1 << 30])
def test_sounds_do_not_depend_on_how_many_are_made_at_once(codec, monkeypatch, size):
    audio = torch.from_numpy(notes(5) / 32768.0).float()
    monkeypatch.setattr(spectral, "IN_CACHE", 1 << 60)
    latents = codec.encode(audio)
    together = codec.decode(latents, SAMPLES, 3)
    monkeypatch.setattr(spectral, "IN_CACHE", size)
    assert torch.equal(codec.encode(audio), latents)
    assert torch.equal(codec.decode(latents, SAMPLES, 3), together)


def test_silence_stays_quiet(codec):
    silence = torch.zeros(1, SAMPLES)
    assert codec.decode(codec.encode(silence), SAMPLES, 0).abs().max() < 0.02


def test_fitting_twice_gives_the_same_bytes(tmp_path):
    facts = [
        obtain(tmp_path / str(k), notes(), 16000, namespace(SETTINGS), Checkpoint(tmp_path / str(k))) for k in (1, 2)
    ]
    assert facts[0]["weights_sha256"] == facts[1]["weights_sha256"]


def test_mistakes_are_one_sentence(tmp_path):
    with pytest.raises(UserError, match="set to 16000 Hz and the clips have 44100 Hz"):
        obtain(tmp_path, notes(), 44100, namespace(SETTINGS), Checkpoint(tmp_path))
    obtain(tmp_path, notes(), 16000, namespace(SETTINGS), Checkpoint(tmp_path))
    with pytest.raises(UserError, match="weights of another spectral codec"):
        load(tmp_path, namespace(SETTINGS | {"width": 16}))
    with pytest.raises(UserError, match="no codec called 'spectrall'"):
        plugin("spectrall")
