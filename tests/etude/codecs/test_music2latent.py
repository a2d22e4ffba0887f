"""The Music2Latent plug-in against the package itself (P-04).

The weight file is in the published format, with random numbers. The network is the full-size one, so clips are as short
as the codec takes them: a frame or two.
"""

import os
import pickletools
import warnings
import zipfile
from collections import OrderedDict
from types import SimpleNamespace

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from etude.codecs import music2latent, plugin
from etude.codecs._pretrained import read_tensors
from etude.pipeline.files import sha256_file, write_json
from tests.etude.codecs.pretrained import hollow, refusal

RATE = 44100
SAMPLES = 5632  # one frame
TWO = SAMPLES + 4096


@pytest.fixture(scope="module")
def state():
    """What the package's network holds. Much of it starts as zeros, which would hide what depends on what."""
    from music2latent.models import UNet

    torch.manual_seed(0)
    state = UNet().state_dict()
    for tensor in state.values():
        if not tensor.any():
            tensor.normal_(std=0.03)
    return state


@pytest.fixture(scope="module")
def weights(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "music2latent.pt"
    facts = {"loss": np.float64(0.1), "fad": np.float32(1.5), "steps": np.int64(800_000), "rate": 1e-4}
    torch.save({"gen_state_dict": state} | facts, path)
    yield path
    path.unlink()  # pytest keeps the folders of its last runs


@pytest.fixture
def chosen(weights):
    def make(path=weights, sha256=None):
        return SimpleNamespace(weights=None if path is None else str(path), sha256=sha256)

    return make


@pytest.fixture(scope="module")
def codec(weights, tmp_path_factory):
    return music2latent.load(tmp_path_factory.mktemp("codec"), SimpleNamespace(weights=str(weights), sha256=None))


@pytest.fixture(scope="module")
def audio():
    generator = np.random.default_rng(0)
    tones = np.sin(2 * np.pi * generator.uniform(100, 4000, (3, 1)) * np.arange(TWO) / RATE)
    return torch.from_numpy((0.3 * tones + 0.02 * generator.standard_normal(tones.shape)).astype(np.float32))


@pytest.fixture(scope="module")
def clips():
    return np.zeros((2, SAMPLES), np.int16)


@pytest.fixture
def package(weights, monkeypatch):
    """The package's own encoder and decoder on the same file."""
    import music2latent.inference

    monkeypatch.setattr(music2latent.inference, "download_model", lambda: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for half precision on a GPU wherever it runs
        yield music2latent.inference.EncoderDecoder(str(weights), torch.device("cpu"))


def test_it_is_found_by_its_name():
    assert plugin("music2latent") is music2latent


def test_latents_are_those_of_the_package(codec, audio, package):
    latents = codec.encode(audio)
    assert latents.shape == (3, 64, 2) and latents.dtype == torch.float32
    for clip, found in zip(audio, latents, strict=True):
        torch.testing.assert_close(found[None], package.encode(clip), atol=1e-4, rtol=1e-4)


def test_sound_is_that_of_the_package_from_the_same_noise(codec, audio, package):
    latents = codec.encode(audio[:1])
    torch.manual_seed(3)
    expected = package.decode(latents)
    found = codec.decode(latents, TWO, seed=3)
    assert found.std() > 1e-6
    torch.testing.assert_close(found, expected, atol=1e-3 * expected.abs().max().item(), rtol=1e-3)


def test_decoding_depends_on_seed_and_latents_and_on_nothing_else(codec, audio):
    latents = codec.encode(audio[:, :SAMPLES])
    sound = codec.decode(latents, SAMPLES, seed=0)
    torch.manual_seed(99)
    assert torch.equal(sound, codec.decode(latents, SAMPLES, seed=0))
    scale = sound.abs().max().item()
    assert (codec.decode(latents, SAMPLES, seed=1) - sound).abs().max() > 0.01 * scale
    assert (sound[0] - sound[1]).abs().max() > 1e-3 * scale
    # the third clip is alone in its block, the first is not
    alone = torch.cat([codec.decode(latents[i : i + 1], SAMPLES, seed=0) for i in range(3)])
    torch.testing.assert_close(alone, sound, atol=1e-4 * scale, rtol=1e-4)


def test_encoding_twice_is_the_same_and_batches_do_not_matter(codec, audio):
    latents = codec.encode(audio)
    assert torch.equal(latents, codec.encode(audio))
    alone = torch.cat([codec.encode(clip[None]) for clip in audio])
    torch.testing.assert_close(alone, latents, atol=1e-4, rtol=1e-4)
    # samples that do not fill a latent frame change nothing
    torch.testing.assert_close(
        codec.encode(audio[:, : TWO - 1]), codec.encode(audio[:, :SAMPLES]), atol=1e-4, rtol=1e-4
    )


def test_decode_gives_as_many_samples_as_asked(codec, audio):
    latents = codec.encode(audio[:1, :SAMPLES])
    whole = codec.decode(latents, SAMPLES, 0)
    assert whole.shape == (1, SAMPLES) and whole.abs().max() <= 1
    assert torch.equal(codec.decode(latents, SAMPLES - 7, 0), whole[:, :-7])
    longer = codec.decode(latents, SAMPLES + 7, 0)
    assert torch.equal(longer[:, :SAMPLES], whole) and not longer[:, SAMPLES:].any()


@pytest.mark.parametrize(
    ("samples", "frames"), [(5632, 1), (9727, 1), (9728, 2), (131072, 31), (132607, 31), (132608, 32), (176400, 42)]
)
def test_frame_law(codec, samples, frames):
    assert codec.frames(samples) == frames


@hypothesis.settings(deadline=None, max_examples=30)
@hypothesis.given(samples=st.integers(SAMPLES, 60_000))
def test_frame_law_is_that_of_the_spectrogram(codec, samples):
    from music2latent.audio import to_representation_encoder

    assert codec.frames(samples) == to_representation_encoder(torch.zeros(1, samples)).shape[-1] // 8


@pytest.mark.parametrize("samples", [0, 511, SAMPLES - 1])
def test_a_clip_shorter_than_one_frame(codec, samples):
    refusal(samples, SAMPLES, "prepare.chunk_samples", call=lambda: codec.frames(samples))
    refusal(samples, SAMPLES, "prepare.chunk_samples", call=lambda: codec.encode(torch.zeros(1, samples)))


def test_obtain_records_the_file_and_load_takes_it(tmp_path, clips, chosen, weights, codec, audio, capfd):
    (tmp_path / "codec.json").write_text('{"weights_sha256": "of an earlier build"}')
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        facts = music2latent.obtain(tmp_path, clips, RATE, chosen(), None)
        found = music2latent.load(tmp_path, chosen())
    assert facts == {
        "weights": str(weights),
        "weights_sha256": sha256_file(weights),
        "weights_bytes": weights.stat().st_size,
    }
    assert os.listdir(tmp_path) == []
    assert torch.equal(torch.rand(3), expected)
    assert capfd.readouterr() == ("", "")
    assert (found.sample_rate, found.channels) == (RATE, 64)
    assert torch.equal(found.encode(audio[:1]), codec.encode(audio[:1]))
    write_json(tmp_path / "codec.json", facts)
    music2latent.load(tmp_path, chosen(sha256=facts["weights_sha256"]))


def test_another_rate_is_refused_by_the_key_to_change(tmp_path, clips, chosen):
    refusal(
        "44100",
        "16000",
        "prepare.sample_rate",
        call=lambda: music2latent.obtain(tmp_path, clips, 16000, chosen(), None),
    )


def test_clips_too_short_are_refused_before_anything_is_encoded(tmp_path, chosen):
    short = np.zeros((2, 4096), np.int16)
    refusal("4096", "prepare.chunk_samples", call=lambda: music2latent.obtain(tmp_path, short, RATE, chosen(), None))


class TestWeightFile:
    """Every wrong file is one sentence with its name, and nothing is written."""

    @pytest.fixture
    def refused(self, tmp_path, clips):
        def check(settings, *words):
            folder = tmp_path / "codec"
            folder.mkdir()
            sentence = refusal(*words, call=lambda: music2latent.obtain(folder, clips, RATE, settings, None))
            assert refusal(*words, call=lambda: music2latent.load(folder, settings)) == sentence
            assert os.listdir(folder) == []

        return check

    @pytest.fixture
    def saved(self, tmp_path, chosen):
        def save(value):
            torch.save(value, tmp_path / "other.pt")
            return chosen(tmp_path / "other.pt")

        return save

    def test_not_set(self, refused, chosen):
        refused(chosen(None), "codec.music2latent.weights", "music2latent.pt")

    def test_missing(self, refused, chosen, tmp_path):
        refused(chosen(tmp_path / "none.pt"), tmp_path / "none.pt", "no such file")

    def test_wrong_sum(self, refused, chosen, weights):
        refused(chosen(sha256="0" * 64), weights, sha256_file(weights), "0" * 64)

    def test_truncated(self, refused, chosen, weights, tmp_path):
        path = tmp_path / "cut.pt"
        path.write_bytes(weights.read_bytes()[:1_000_000])
        refused(chosen(path), path, "truncated")

    def test_no_entry_of_the_model(self, refused, saved, state):
        refused(saved(hollow(state)), "other.pt", "gen_state_dict")

    def test_another_model(self, refused, saved):
        refused(
            saved({"gen_state_dict": {"encoder.weight": torch.zeros(3)}}), "583 missing", "1 not known (encoder.weight)"
        )

    def test_a_missing_tensor_is_not_passed_over(self, refused, saved, state):
        name = "decoder.conv_inp.weight"
        rest = {key: tensor for key, tensor in state.items() if key != name}
        refused(saved({"gen_state_dict": hollow(rest)}), f"1 missing ({name})")

    def test_a_tensor_of_another_shape(self, refused, saved, state):
        name = "encoder.conv_out.weight"
        other = hollow(state) | {name: torch.zeros(32, 512, 1)}
        refused(saved({"gen_state_dict": other}), f"1 of another shape ({name})")

    def test_code_in_the_file_is_not_run(self, refused, saved, tmp_path):
        class Harm:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "harm"),)

        refused(saved({"gen_state_dict": Harm()}), "mkdir")
        assert not (tmp_path / "harm").exists()

    def test_exchanged_after_the_latents_were_made(self, tmp_path, clips, chosen, saved, state):
        write_json(tmp_path / "codec.json", music2latent.obtain(tmp_path, clips, RATE, chosen(), None))
        other = saved({"gen_state_dict": hollow(state)})
        refusal("codec.json", "weights_sha256", call=lambda: music2latent.load(tmp_path, other))


def test_a_file_with_the_imports_of_the_published_one_is_read(tmp_path):
    """Its publisher's page lists what its pickle imports; NumPy 1 wrote scalars under a name that NumPy 2 has not."""
    state = OrderedDict(weight=torch.ones(2))
    torch.save({"gen_state_dict": state, "loss": np.float64(0.25)}, tmp_path / "new.pt")
    with zipfile.ZipFile(tmp_path / "new.pt") as new, zipfile.ZipFile(tmp_path / "old.pt", "w") as old:
        for entry in new.infolist():
            content = new.read(entry)
            if entry.filename.endswith("data.pkl"):
                content = content.replace(b"numpy._core.multiarray\nscalar", b"numpy.core.multiarray\nscalar")
                imports = {
                    name.replace(" ", ".") for code, name, _ in pickletools.genops(content) if code.name == "GLOBAL"
                }
            old.writestr(entry.filename, content)
    assert imports == {
        *("_codecs.encode", "collections.OrderedDict", "numpy.core.multiarray.scalar", "numpy.dtype"),
        *("torch.FloatStorage", "torch._utils._rebuild_tensor_v2"),
    }
    for name in ("new.pt", "old.pt"):
        saved = read_tensors(tmp_path / name, music2latent.PUBLISHED, music2latent.SCALARS)
        assert saved["loss"] == 0.25 and torch.equal(saved["gen_state_dict"]["weight"], state["weight"])
