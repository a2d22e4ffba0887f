"""CLAP from a local folder in transformers' format: a narrow network with random weights."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from etude.embeddings import clap
from etude.errors import UserError

transformers = pytest.importorskip("transformers", reason="clap needs the package transformers")

RATE, WINDOW = 48000, 480000
AUDIO = {
    "hidden_size": 32, "patch_embeds_hidden_size": 4, "depths": [1, 1, 1, 1], "num_attention_heads": [1, 1, 2, 2],
    "projection_dim": 24, "num_classes": 5,
}  # fmt: skip


def save(folder, fusion=False):
    """A folder as published checkpoints are: the whole model, text tower included, by `save_pretrained`."""
    torch.manual_seed(0)
    text = {
        "vocab_size": 10,
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "intermediate_size": 8,
    }
    audio = AUDIO | ({"enable_fusion": True, "fusion_type": "aff_2d"} if fusion else {})
    config = transformers.ClapConfig(text_config=text | {"projection_dim": 24}, audio_config=audio, projection_dim=24)
    transformers.ClapModel(config).save_pretrained(folder)
    transformers.ClapFeatureExtractor(truncation="fusion" if fusion else "rand_trunc").save_pretrained(folder)
    return SimpleNamespace(weights=str(folder))


@pytest.fixture(scope="module", params=[False, True], ids=["unfused", "fused"])
def model(request, tmp_path_factory):
    return save(tmp_path_factory.mktemp("clap"), request.param)


@pytest.fixture(scope="module")
def embedding(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("judge")
    return clap.load(folder, clap.obtain(folder, folder, model))


def sound(samples, seed=0):
    return torch.randn(1, samples, generator=torch.Generator().manual_seed(seed)) * 0.1


def test_facts_come_from_the_model(model, tmp_path):
    facts = clap.obtain(tmp_path, tmp_path, model)
    assert (facts["dimension"], facts["sample_rate"], facts["window"], facts["hop"]) == (24, RATE, 10.0, 1.0)


@pytest.mark.parametrize("seconds, windows", [(0.5, 1), (10, 1), (10.9, 1), (12.5, 3)])
def test_full_windows_only(embedding, seconds, windows):
    vectors = embedding.embed(sound(int(seconds * RATE)))
    assert vectors.shape == (1, windows, 24)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(1, windows))


def test_a_long_clip_is_not_cropped_at_random(embedding):
    long = sound(11 * RATE)
    first, again = embedding.embed(long), embedding.embed(long)
    assert torch.equal(first, again)
    torch.testing.assert_close(first[:, 1:], embedding.embed(long[:, RATE:]))


def test_a_short_clip_is_repeated(embedding):
    short = sound(2 * RATE)
    torch.testing.assert_close(embedding.embed(short), embedding.embed(short.repeat(1, 5)))


def test_clips_of_a_batch_do_not_touch_each_other(embedding):
    clips = torch.cat([sound(RATE, 1), sound(RATE, 2), torch.zeros(1, RATE)])
    together = embedding.embed(clips)
    assert torch.isfinite(together).all()
    torch.testing.assert_close(together[1:2], embedding.embed(clips[1:2]))


def test_durations_must_not_be_mixed(embedding):
    assert embedding.one_duration


def test_without_weights_it_says_how_to_get_them(tmp_path):
    with pytest.raises(UserError, match=r"is not set: fetch model.safetensors"):
        clap.obtain(tmp_path, tmp_path, SimpleNamespace())
    with pytest.raises(UserError, match=r"model.safetensors: weights for clap not found .*fetch"):
        clap.obtain(tmp_path, tmp_path, SimpleNamespace(weights=str(tmp_path)))


def test_hash_is_checked(tmp_path):
    settings = save(tmp_path / "model")
    digest = hashlib.sha256((tmp_path / "model" / "model.safetensors").read_bytes()).hexdigest()
    settings.sha256 = "0" * 64
    with pytest.raises(UserError, match=f"{digest} found, {'0' * 64} expected"):
        clap.obtain(tmp_path, tmp_path, settings)
    settings.sha256 = digest
    assert clap.obtain(tmp_path, tmp_path, settings)["weights_sha256"] == digest


def test_a_text_model_alone_is_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    settings = save(tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    tensors = {name: tensor for name, tensor in load_file(path).items() if name.startswith("text")}
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(UserError, match="tensors are missing"):
        clap.obtain(tmp_path, tmp_path, settings)


def test_a_damaged_file_is_refused(tmp_path):
    settings = save(tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match="not a CLAP model"):
        clap.obtain(tmp_path, tmp_path, settings)


def test_louder_is_not_the_same(embedding):
    """Loudness is left as it is, not normalised away."""
    quiet = sound(RATE)
    assert not np.allclose(embedding.embed(quiet), embedding.embed(8 * quiet), atol=1e-4)
