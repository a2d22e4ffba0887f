"""VGGish through a torch.hub folder as the frechet-audio-distance package expects it.

The folder made here has the real names, layout and tensor names; its network is a narrow stand-in with random weights,
since the real one has 72 million.
"""

import hashlib
import socket
from types import SimpleNamespace

import pytest
import torch

from etude.embeddings import vggish
from etude.errors import UserError

HUBCONF = '''
import numpy as np
import torch
from torch import nn

dependencies = ["torch", "numpy"]
RELEASE = "https://github.com/harritaylor/torchvggish/releases/download/v0.1/"


class Narrow(nn.Module):
    """The interface of torchvggish's VGGish: waveform and rate in, one vector per 0.96 s out."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(8))
        self.embeddings = nn.Sequential(nn.Linear(2 * 12 * 8, 16), nn.ReLU(), nn.Linear(16, 128), nn.ReLU())
        self.load_state_dict(torch.hub.load_state_dict_from_url(RELEASE + "vggish-10086976.pth"))
        self.pca = torch.hub.load_state_dict_from_url(RELEASE + "vggish_pca_params-970ea276.pth")
        self.postprocess = True

    def forward(self, samples, rate):
        assert rate == 16000 and samples.ndim == 1
        frames = torch.from_numpy(np.lib.stride_tricks.sliding_window_view(samples, 400)[::160].copy()).float()
        spectra = torch.log(torch.fft.rfft(frames, n=512).abs()[:, 1:257].unflatten(1, (64, 4)).mean(2) + 0.01)
        count = len(spectra) // 96
        found = self.embeddings(self.features(spectra[: count * 96].reshape(count, 1, 96, 64)).flatten(1))
        return torch.round(found) if self.postprocess else found


def vggish(**kwargs):
    return Narrow()
'''


@pytest.fixture
def hub(tmp_path):
    """A torch.hub folder, and its settings."""
    torch.manual_seed(0)
    folder = tmp_path / "hub"
    (folder / vggish.CODE).mkdir(parents=True)
    (folder / vggish.CODE / "hubconf.py").write_text(HUBCONF)
    (folder / "checkpoints").mkdir()
    shapes = {"features.0.weight": (2, 1, 3, 3), "features.0.bias": (2,), "embeddings.0.weight": (16, 192)}
    shapes |= {"embeddings.0.bias": (16,), "embeddings.2.weight": (128, 16), "embeddings.2.bias": (128,)}
    weights = folder / "checkpoints" / vggish.FILE
    torch.save({name: torch.randn(shape) for name, shape in shapes.items()}, weights)
    pca = {"pca_eigen_vectors": torch.eye(128).numpy(), "pca_means": torch.zeros(128, 1).numpy()}
    torch.save(pca, folder / "checkpoints" / vggish.PCA)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    return folder, SimpleNamespace(weights=str(folder), sha256=digest)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_it_loads_from_the_folder_alone(hub, tmp_path):
    _, settings = hub
    before = torch.hub.get_dir()
    facts = vggish.obtain(tmp_path, tmp_path, settings)
    assert torch.hub.get_dir() == before
    assert facts["weights_sha256"] == settings.sha256 and facts["window"] == pytest.approx(0.975)
    audio = torch.randn(3, 32768, generator=torch.Generator().manual_seed(0)) * 0.1
    vectors = vggish.load(tmp_path, facts).embed(audio)
    assert vectors.shape == (3, 2, 128)
    assert (vectors < 0).any()  # the last ReLU is off
    assert not torch.equal(vectors, vectors.round())  # and so is the quantisation after PCA


@pytest.mark.parametrize("samples, windows", [(15600, 1), (30959, 1), (30960, 2)])
def test_incomplete_windows_are_dropped(hub, tmp_path, samples, windows):
    embedding = vggish.load(tmp_path, vggish.obtain(tmp_path, tmp_path, hub[1]))
    assert embedding.shortest == 15600
    assert embedding.embed(torch.zeros(1, samples)).shape[1] == windows


def test_without_weights_it_says_how_to_get_them(tmp_path):
    with pytest.raises(UserError, match=r"is not set: make a folder .*288,567,937 bytes"):
        vggish.obtain(tmp_path, tmp_path, SimpleNamespace(weights=None))


@pytest.mark.parametrize(
    "missing", [f"{vggish.CODE}/hubconf.py", f"checkpoints/{vggish.FILE}", f"checkpoints/{vggish.PCA}"]
)
def test_every_part_of_the_folder_is_asked_for(hub, tmp_path, missing):
    folder, settings = hub
    (folder / missing).unlink()
    with pytest.raises(UserError, match=rf"{missing}: weights for vggish not found"):
        vggish.obtain(tmp_path, tmp_path, settings)


def test_weights_other_than_the_published_need_their_hash(hub, tmp_path):
    with pytest.raises(UserError, match="found, 10086976 expected"):
        vggish.obtain(tmp_path, tmp_path, SimpleNamespace(weights=hub[1].weights))


def test_weights_that_change_later_are_refused(hub, tmp_path):
    folder, settings = hub
    facts = vggish.obtain(tmp_path, tmp_path, settings)
    path = folder / "checkpoints" / vggish.FILE
    torch.save({name: tensor * 2 for name, tensor in torch.load(path, weights_only=True).items()}, path)
    with pytest.raises(UserError, match=f"{settings.sha256} expected"):
        vggish.load(tmp_path, facts)


def test_weights_of_another_network_are_refused(hub, tmp_path):
    folder, _ = hub
    path = folder / "checkpoints" / vggish.FILE
    torch.save(torch.nn.Linear(2, 2).state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(UserError, match="not those of vggish"):
        vggish.obtain(tmp_path, tmp_path, SimpleNamespace(weights=str(folder), sha256=digest))


def test_a_clip_that_the_package_drops_is_an_error(hub, tmp_path):
    """It prints the reason and goes on; the set would be one clip shorter."""
    embedding = vggish.load(tmp_path, vggish.obtain(tmp_path, tmp_path, hub[1]))
    with pytest.raises(UserError, match="could not embed a clip"):
        embedding.embed(torch.zeros(1, 100))


def test_code_that_wants_more_than_is_there_downloads_nothing(hub, tmp_path):
    folder, settings = hub
    code = folder / vggish.CODE / "hubconf.py"
    code.write_text(HUBCONF.replace("vggish-10086976.pth", "other-12345678.pth"))
    with pytest.raises(UserError, match=r"other-12345678.pth: not found, and nothing is downloaded"):
        vggish.obtain(tmp_path, tmp_path, settings)
