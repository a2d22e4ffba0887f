"""The SEANet codec: its architecture against the package's, its start against principal components, its quantiser."""

import os
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from etude.codecs import plugin, seanet
from etude.codecs._linear_start import NEAR_ZERO, linear_start, transform
from etude.codecs.codes import CodesCodec
from etude.codecs.framed import FramedCodec
from etude.pipeline.files import sha256_file, write_json
from etude.pipeline.stage import namespace
from etude.training.checkpoint import Checkpoint
from tests.etude.codecs.pretrained import refusal

RATE, SAMPLES = 24000, 19200
TRAIN = {"steps": 4, "batch": 4, "lr": 1e-5, "warmup": 1, "schedule": "cosine", "ema": 0.9}
SETTINGS = {
    "filters": 8, "lstm": 1, "bandwidth": 3.0, "kmeans": {"frames": 600, "iterations": 2},
    "crop": 2560, "spectral": 0.3, "commitment": 0.1, "decay": 0.99, "seed": 0,
    "train": TRAIN | {"log_every": 2, "checkpoint_every": 2},
}  # fmt: skip


def settings(**changes):
    return namespace(SETTINGS | changes)


@pytest.fixture(scope="module")
def audio():
    """int16 [12, samples]: decaying harmonic tones."""
    generator = np.random.default_rng(0)
    time = np.arange(SAMPLES) / RATE
    pitch = generator.uniform(130, 520, (12, 1))
    tones = sum(np.sin(2 * np.pi * k * pitch * time) / k**2 for k in range(1, 6)) * np.exp(-2 * time)
    return (0.3 * 32767 * tones).astype(np.int16)


def floats(audio):
    return torch.from_numpy(audio / 32768).float()


def si_sdr(reference, estimate):
    scale = (reference * estimate).sum(1, keepdim=True) / reference.square().sum(1, keepdim=True)
    part = scale * reference
    return (10 * torch.log10(part.square().sum(1) / (estimate - part).square().sum(1))).mean().item()


@pytest.fixture(scope="module")
def made(audio, tmp_path_factory):
    folder = tmp_path_factory.mktemp("seanet")
    facts = seanet.obtain(folder, audio[:8], RATE, settings(), Checkpoint(folder / "scratch"))
    write_json(folder / "codec.json", facts)
    return SimpleNamespace(folder=folder, facts=facts, codec=seanet.load(folder, settings()))


def test_as_wide_as_encodec_it_is_encodecs_network():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from encodec import EncodecModel

        package = EncodecModel.encodec_model_24khz(pretrained=False).state_dict()
    ours = seanet.build_network(settings(filters=32, lstm=2, bandwidth=24.0)).state_dict()
    assert {name: tensor.shape for name, tensor in ours.items()} == {k: v.shape for k, v in package.items()}


def test_rates_and_shapes(made):
    codec = made.codec
    assert plugin("seanet") is seanet and isinstance(codec, CodesCodec) and isinstance(codec, FramedCodec)
    assert (codec.sample_rate, codec.channels, codec.frames_per_second, codec.classes) == (RATE, 128, 75.0, 1024)
    assert codec.codebooks * 10 * 75 == 3000
    silence = torch.zeros(1, 8 * RATE)
    latents, codes = codec.encode(silence), codec.encode_codes(silence)
    assert latents.shape == (1, 128, 600) and codes.shape == (1, 4, 600) and codec.frames(8 * RATE) == 600
    assert codec.decode(latents, 8 * RATE, 0).shape == codec.decode_codes(codes, 8 * RATE, 0).shape == (1, 8 * RATE)


def test_the_start_is_the_projection_on_principal_components(audio):
    """Decoded by the untrained network: the blocks' projection on their components, as NumPy finds them."""
    torch.manual_seed(0)
    network = seanet.build_network(settings())
    linear_start(network, audio)
    sound = floats(audio)
    with torch.no_grad():
        decoded = network.decoder(network.encoder(sound[:, None]))[:, 0]
    blocks = audio.reshape(-1, 320) / 32768
    _, vectors = np.linalg.eigh(blocks.T @ blocks)
    projected = torch.from_numpy(blocks @ vectors[:, -128:] @ vectors[:, -128:].T).reshape(sound.shape).float()
    assert si_sdr(projected, decoded) > 22  # the activation is not quite linear near zero
    assert NEAR_ZERO < 0.1


def test_latents_of_the_start_have_unit_variance_and_synthesis_inverts_analysis(audio):
    torch.manual_seed(0)
    inward, outward = transform(audio, 320, 128)
    blocks = floats(audio).reshape(-1, 320)
    latents = blocks @ inward.T
    assert latents.square().mean() == pytest.approx(1.0, rel=0.02)
    gram = inward @ outward.T  # a projection on the rotated components, so the identity among latents
    torch.testing.assert_close(gram, torch.eye(128), atol=1e-3, rtol=0)


def test_it_hears_what_it_was_not_trained_on(made, audio):
    sound = floats(audio[8:])
    assert si_sdr(sound, made.codec.decode(made.codec.encode(sound), SAMPLES, 0)) > 10


def test_more_codebooks_lower_error(made, audio):
    sound = floats(audio[:8])
    latents, codes = made.codec.encode(sound), made.codec.encode_codes(sound)
    errors = [(made.codec.sum_of_codes(codes[:, :n]) - latents).square().mean().item() for n in range(1, 5)]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.6 * latents.square().mean()


def test_kmeans_finds_clusters_and_puts_empty_means_to_use():
    generator = torch.Generator().manual_seed(0)
    centres = 10 * torch.randn(6, 5, generator=generator)
    vectors = centres.repeat_interleave(50, 0) + 0.01 * torch.randn(300, 5, generator=generator)
    means, sizes = seanet.kmeans(vectors, 24, 20, torch.Generator().manual_seed(1))
    assert sizes.sum() == 300
    assert (torch.cdist(centres, means).amin(1) < 0.05).all()


def test_codebooks_follow_to_the_means_and_dead_codes_revive():
    book = SimpleNamespace(embed=torch.zeros(1024, 2), embed_avg=torch.zeros(1024, 2), cluster_size=torch.zeros(1024))
    book.embed[0], book.embed_avg[0], book.cluster_size[0] = 5.0, 5.0, 1.0
    vectors = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        seanet.follow(book, vectors, torch.zeros(2, dtype=torch.int64), 0.9, generator)
    torch.testing.assert_close(book.embed[0], torch.tensor([2.0, 3.0]), atol=1e-4, rtol=0)
    alive = (book.embed[1:, None] == vectors).all(2).any(1) | (book.cluster_size[1:] > 0.01 / 1024)
    assert alive.all()


def test_silence_and_loud_noise_train_too(tmp_path):
    for level in (0, 32767):
        audio = np.random.default_rng(0).integers(-level, level + 1, (4, 6400)).astype(np.int16)
        facts = seanet.obtain(tmp_path, audio, RATE, settings(), Checkpoint(tmp_path / str(level)))
        assert np.isfinite(facts["final_loss"])


def test_a_killed_training_goes_on_to_the_same_weights(audio, made, tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    class Dying(Checkpoint):
        def save(self, state):
            super().save(state)
            raise Killed

    with pytest.raises(Killed):
        seanet.obtain(tmp_path, audio[:8], RATE, settings(), Dying(tmp_path / "scratch"))
    assert os.listdir(tmp_path) == ["scratch"]
    facts = seanet.obtain(tmp_path, audio[:8], RATE, settings(), Checkpoint(tmp_path / "scratch"))
    assert facts == made.facts


class TestRefused:
    def test_weights_of_another_width_or_bandwidth(self, made, tmp_path):
        refusal("of another shape", "weights.safetensors", call=lambda: seanet.load(tmp_path, settings(filters=9)))

    @pytest.fixture
    def tmp_path(self, made, tmp_path):
        (tmp_path / "weights.safetensors").write_bytes((made.folder / "weights.safetensors").read_bytes())
        return tmp_path

    def test_weights_for_a_lower_bandwidth(self, tmp_path):
        words = "another bandwidth", "4 codebooks", "3 kbps", "12 kbps", "16"
        refusal(*words, call=lambda: seanet.load(tmp_path, settings(bandwidth=12.0)))

    def test_weights_exchanged(self, made, tmp_path):
        write_json(tmp_path / "codec.json", made.facts)
        state = load_file(tmp_path / "weights.safetensors")
        save_file(state | {"encoder.model.0.conv.conv.bias": torch.zeros(8)}, tmp_path / "weights.safetensors")
        digest = sha256_file(tmp_path / "weights.safetensors")
        refusal("weights_sha256", digest, call=lambda: seanet.load(tmp_path, settings()))

    def test_damaged_or_missing_weights(self, tmp_path):
        path = tmp_path / "weights.safetensors"
        path.write_bytes(path.read_bytes()[:1000])
        refusal(path, "build models/codecs again", call=lambda: seanet.load(tmp_path, settings()))
        path.unlink()
        refusal(path, "no such file", call=lambda: seanet.load(tmp_path, settings()))

    def test_settings(self, audio, tmp_path):
        for change, words in {"bandwidth": (5.0, "1.5, 3, 6, 12, 24"), "crop": (2500, "320")}.items():
            value, word = words
            refusal(f"codec.seanet.{change}", word, call=lambda c=change, v=value: seanet.obtain(
                tmp_path, audio, RATE, settings(**{c: v}), Checkpoint(tmp_path)))  # fmt: skip
        refusal("24000", "16000", call=lambda: seanet.obtain(tmp_path, audio, 16000, settings(), Checkpoint(tmp_path)))
