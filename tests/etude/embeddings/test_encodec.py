"""EnCodec's encoder from a weight file of the real format: random weights, real names and shapes."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from encodec import EncodecModel

from etude.embeddings import encodec
from etude.errors import UserError


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A 24 kHz state dict, and the network it is of."""
    torch.manual_seed(0)
    network = EncodecModel.encodec_model_24khz(pretrained=False).eval()
    path = tmp_path_factory.mktemp("encodec") / "any name.th"
    torch.save(network.state_dict(), path)
    return path, network


def settings(path, **more):
    return SimpleNamespace(weights=str(path), **more)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_vectors_are_the_encoder_s(weights, tmp_path):
    path, network = weights
    facts = encodec.obtain(tmp_path, tmp_path, settings(path, sha256=sha256(path)))
    assert facts["weights_sha256"] == sha256(path) and facts["weights_bytes"] == path.stat().st_size
    audio = torch.randn(2, 24000, generator=torch.Generator().manual_seed(1)) * 0.1
    vectors = encodec.load(tmp_path, facts).embed(audio)
    assert vectors.shape == (2, 75, facts["dimension"])
    with torch.no_grad():
        torch.testing.assert_close(vectors, network.encoder(audio.unsqueeze(1)).transpose(1, 2))


@pytest.mark.parametrize("samples", [320, 321, 24000, 49152])
def test_one_vector_per_started_frame(weights, tmp_path, samples):
    path, _ = weights
    embedding = encodec.load(tmp_path, {"weights": str(path), "weights_sha256": sha256(path)})
    assert samples >= embedding.shortest
    assert embedding.embed(torch.zeros(1, samples)).shape == (1, -(-samples // 320), 128)


def test_without_weights_it_says_how_to_get_them(tmp_path):
    for missing in (SimpleNamespace(), settings(""), SimpleNamespace(weights=None)):
        with pytest.raises(
            UserError,
            match=r"judge\.encodec\.weights .* is not set: fetch encodec_24khz-d7cc33bc.th \(93,171,529 bytes",
        ):
            encodec.obtain(tmp_path, tmp_path, missing)
    with pytest.raises(UserError, match=r"nowhere.*not found.*fetch encodec_24khz"):
        encodec.obtain(tmp_path, tmp_path, settings(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="a folder found"):
        encodec.obtain(tmp_path, tmp_path, settings(tmp_path))


def test_weights_other_than_the_published_need_their_hash(weights, tmp_path):
    path, _ = weights
    with pytest.raises(UserError, match=f"sha256 {sha256(path)} found, {encodec.SHA256} expected"):
        encodec.obtain(tmp_path, tmp_path, settings(path))


@pytest.mark.parametrize("content", ["another network", "no weights", "cut off", "empty"])
def test_a_file_of_something_else_is_refused(weights, tmp_path, content):
    path = tmp_path / "wrong.th"
    if content == "another network":
        torch.save(torch.nn.Linear(2, 2).state_dict(), path)
    elif content == "no weights":
        path.write_text("hello")
    elif content == "cut off":
        path.write_bytes(weights[0].read_bytes()[:100000])
    else:
        path.write_bytes(b"")
    with pytest.raises(UserError, match="not those of encodec"):
        encodec.obtain(tmp_path, tmp_path, settings(path, sha256=sha256(path)))


def test_a_file_that_would_run_code_does_not(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "written"), "w"))

    path = tmp_path / "evil.th"
    torch.save({"encoder": Evil()}, path)
    with pytest.raises(UserError, match="not those of encodec"):
        encodec.obtain(tmp_path, tmp_path, settings(path, sha256=sha256(path)))
    assert not (tmp_path / "written").exists()


def test_silence_and_loud_noise_are_finite(weights, tmp_path):
    path, _ = weights
    embedding = encodec.load(tmp_path, {"weights": str(path), "weights_sha256": sha256(path)})
    noise = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (1, 24000)).astype(np.float32))
    assert torch.isfinite(embedding.embed(torch.cat([noise, torch.zeros(1, 24000)]))).all()
