"""The EnCodec plug-in against the package itself and against closed forms of PCA (P-07).

The weight file is what the package's own 24 kHz network saves, with random numbers: names and shapes are the published
ones.
"""

import os
import pickle
import warnings
from types import SimpleNamespace

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from etude.audio.files import to_float, to_int16
from etude.codecs import encodec, plugin
from etude.codecs._pretrained import read_tensors
from etude.pipeline.files import sha256_file, write_json
from tests.etude.codecs.pretrained import hollow, refusal

RATE = 24000
SAMPLES = 4800  # 15 frames


def network_of_the_package(rate=RATE):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from encodec import EncodecModel

        build = EncodecModel.encodec_model_24khz if rate == RATE else EncodecModel.encodec_model_48khz
        return build(pretrained=False)


@pytest.fixture(scope="module")
def package():
    """The package's network with random weights. Its own initial codebooks are zero, so they are drawn here."""
    torch.manual_seed(0)
    network = network_of_the_package()
    for layer in network.quantizer.vq.layers:
        layer._codebook.embed.normal_(std=0.03)  # about as large as what its encoder gives
        layer._codebook.inited.fill_(1)
    return network


@pytest.fixture(scope="module")
def weights(package, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "encodec_24khz-d7cc33bc.th"
    torch.save(package.state_dict(), path)
    yield path
    path.unlink()  # pytest keeps the folders of its last runs


@pytest.fixture(scope="module")
def digest(weights):
    return sha256_file(weights)


@pytest.fixture
def settings(weights, digest):
    def make(**changes):
        chosen = {"weights": str(weights), "sha256": digest, "bandwidth": 6.0, "components": 0, "latents": "quantised"}
        return SimpleNamespace(**chosen | changes)

    return make


@pytest.fixture(scope="module")
def clips():
    """int16 [11, samples]: more than one block, no two alike."""
    generator = np.random.default_rng(0)
    time = np.arange(SAMPLES) / RATE
    tones = np.sin(2 * np.pi * generator.uniform(100, 3000, (11, 1)) * time) * generator.uniform(0.1, 0.6, (11, 1))
    return to_int16(tones + 0.05 * generator.standard_normal(tones.shape))


@pytest.fixture(scope="module")
def audio(clips):
    return torch.from_numpy(to_float(clips))


def obtained(folder, clips, settings, rate=RATE):
    """Obtain and load as the stages do: facts go into codec.json between the two."""
    facts = encodec.obtain(folder, clips, rate, settings, None)
    write_json(folder / "codec.json", facts)
    return encodec.load(folder, settings), facts


def test_it_is_found_by_its_name():
    assert plugin("encodec") is encodec


@pytest.mark.parametrize("bandwidth", [1.5, 24.0])
def test_without_projection_it_is_the_package(tmp_path, clips, audio, settings, package, bandwidth):
    codec, _ = obtained(tmp_path, clips, settings(bandwidth=bandwidth))
    package.set_target_bandwidth(bandwidth)
    with torch.no_grad():
        coded = package.encode(audio[:, None])
        embedding = package.quantizer.decode(coded[0][0].transpose(0, 1))
        decoded = package.decode(coded)[:, 0, :SAMPLES]
    latents = codec.encode(audio)
    torch.testing.assert_close(latents, embedding, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(codec.decode(latents, SAMPLES, 0), decoded, atol=1e-5, rtol=1e-4)


def test_continuous_latents_are_the_encoders_output(tmp_path, clips, audio, settings, package):
    codec, _ = obtained(tmp_path, clips, settings(latents="continuous"))
    with torch.no_grad():
        expected = package.encoder(audio[:, None])
    torch.testing.assert_close(codec.encode(audio), expected, atol=1e-6, rtol=1e-5)


def test_frames_are_those_of_the_latents_at_75_hz(tmp_path, clips, audio, settings):
    codec, _ = obtained(tmp_path, clips, settings())
    assert codec.sample_rate == RATE and codec.frames(RATE) == 75
    for samples in (1, 319, 320, 321, 1000, SAMPLES):
        latents = codec.encode(audio[:1, :samples])
        assert latents.shape == (1, 128, codec.frames(samples))
        assert codec.decode(latents, samples, 0).shape == (1, samples)


@pytest.mark.parametrize("latents", ["quantised", "continuous"])
def test_all_128_components_lose_nothing(tmp_path, clips, audio, settings, latents):
    plain, _ = obtained(tmp_path / "plain", clips, settings(latents=latents))
    rotated, facts = obtained(tmp_path / "rotated", clips, settings(latents=latents, components=128))
    assert facts["variance_kept"] == pytest.approx(1, abs=1e-9)
    a, b = plain.encode(audio), rotated.encode(audio)
    assert (a - b).abs().max() > 1e-3  # they are other coordinates
    restored = torch.einsum("kc,bkt->bct", rotated.components.cpu(), b) + rotated.mean.cpu()[:, None]
    assert (restored - a).abs().max() < 1e-4
    assert (plain.decode(a, SAMPLES, 0) - rotated.decode(b, SAMPLES, 0)).abs().max() < 1e-4


def test_the_projection_is_the_best_one(tmp_path, clips, audio, settings):
    """Against the covariance's eigenvalues as NumPy finds them."""
    kept = 20
    plain, _ = obtained(tmp_path / "plain", clips, settings())
    codec, facts = obtained(tmp_path / "pca", clips, settings(components=kept))
    vectors = plain.encode(audio).transpose(1, 2).reshape(-1, 128).double().numpy()
    variances = np.linalg.eigvalsh(np.cov(vectors.T, bias=True))[::-1]
    assert facts["variance_kept"] == pytest.approx(variances[:kept].sum() / variances.sum(), rel=1e-5)

    latents = codec.encode(audio)
    assert latents.shape == (len(clips), kept, 15) and codec.channels == kept
    scores = latents.transpose(1, 2).reshape(-1, kept).double().numpy()
    np.testing.assert_allclose(scores.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(np.cov(scores.T, bias=True), np.diag(variances[:kept]), atol=1e-5 * variances[0])
    components = codec.components.cpu().double()
    torch.testing.assert_close(components @ components.T, torch.eye(kept, dtype=torch.float64), atol=1e-5, rtol=0)
    restored = scores @ components.numpy() + codec.mean.cpu().double().numpy()
    lost = ((restored - vectors) ** 2).sum(1).mean()
    assert lost == pytest.approx(variances[kept:].sum(), rel=1e-4)


def test_a_clip_does_not_depend_on_its_batch_nor_on_what_came_before(tmp_path, clips, audio, settings):
    codec, _ = obtained(tmp_path, clips, settings(components=64))
    latents = codec.encode(audio)
    assert torch.equal(latents, codec.encode(audio))
    sound = codec.decode(latents, SAMPLES, 0)
    assert torch.equal(sound, codec.decode(latents, SAMPLES, 1))  # nothing is random
    for clip in (0, 7, 8, 10):
        torch.testing.assert_close(codec.encode(audio[clip : clip + 1])[0], latents[clip], atol=1e-5, rtol=0)
        alone = codec.decode(latents[clip : clip + 1], SAMPLES, 0)[0]
        torch.testing.assert_close(alone, sound[clip], atol=1e-6, rtol=0)


def test_decode_gives_as_many_samples_as_asked(tmp_path, clips, audio, settings):
    codec, _ = obtained(tmp_path, clips, settings())
    latents = codec.encode(audio[:2])
    whole = codec.decode(latents, SAMPLES, 0)
    assert torch.equal(codec.decode(latents, SAMPLES - 7, 0), whole[:, :-7])
    longer = codec.decode(latents, SAMPLES + 7, 0)
    assert torch.equal(longer[:, :SAMPLES], whole) and not longer[:, SAMPLES:].any()


def test_obtaining_again_gives_the_same_bytes_and_leaves_nothing_old(tmp_path, clips, settings):
    _, first = obtained(tmp_path, clips, settings(components=8))
    _, again = obtained(tmp_path, clips, settings(components=8))
    assert first == again
    assert sorted(os.listdir(tmp_path)) == ["codec.json", "weights.safetensors"]
    assert first["projection_sha256"] == sha256_file(tmp_path / "weights.safetensors")
    facts = encodec.obtain(tmp_path, clips, RATE, settings(components=0), None)
    assert os.listdir(tmp_path) == []
    assert "projection_sha256" not in facts


def test_silence_can_be_fitted(tmp_path, settings):
    codec, facts = obtained(tmp_path, np.zeros((2, SAMPLES), np.int16), settings(components=4))
    assert np.isfinite(facts["variance_kept"])
    assert torch.isfinite(codec.encode(torch.zeros(1, SAMPLES))).all()


def test_loading_is_quiet_and_leaves_the_random_numbers_alone(tmp_path, clips, settings, capfd):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codec, _ = obtained(tmp_path, clips, settings(components=8))
    assert torch.equal(torch.rand(3), expected)
    assert not any(parameter.requires_grad for parameter in codec.parameters())
    assert capfd.readouterr() == ("", "")


def test_another_rate_is_refused_by_the_key_to_change(tmp_path, clips, settings):
    refusal(
        "24000", "44100", "prepare.sample_rate", call=lambda: encodec.obtain(tmp_path, clips, 44100, settings(), None)
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [({"bandwidth": 5.0}, "1.5, 3, 6, 12, 24"), ({"components": 129}, "128"), ({"latents": "codes"}, "codes")],
)
def test_settings_that_the_model_has_not(tmp_path, clips, settings, change, word):
    (key,) = change
    for call in (encodec.obtain, lambda folder, clips, rate, chosen, _: encodec.load(folder, chosen)):
        refusal(
            f"codec.encodec.{key}", word, call=lambda call=call: call(tmp_path, clips, RATE, settings(**change), None)
        )


class TestWeightFile:
    """Every wrong file is one sentence with its name, and nothing is written."""

    @pytest.fixture
    def refused(self, tmp_path, clips, settings):
        def check(*words, **change):
            folder = tmp_path / "codec"
            folder.mkdir()
            chosen = settings(components=8, **change)
            sentence = refusal(*words, call=lambda: encodec.obtain(folder, clips, RATE, chosen, None))
            assert os.listdir(folder) == []
            write_json(folder / "codec.json", {})
            (folder / "weights.safetensors").touch()
            assert refusal(*words, call=lambda: encodec.load(folder, chosen)) == sentence

        return check

    def test_not_set(self, refused):
        refused("codec.encodec.weights", "encodec_24khz-d7cc33bc.th", "93,171,529", weights=None)

    def test_missing(self, refused, tmp_path):
        refused(tmp_path / "none.th", "no such file", weights=str(tmp_path / "none.th"))

    def test_folder(self, refused, tmp_path):
        refused(tmp_path, "a folder", weights=str(tmp_path))

    def test_wrong_sum(self, refused, weights, digest):
        refused(weights, digest, "0" * 64, sha256="0" * 64)

    def test_the_published_sum_is_the_default(self, refused, weights):
        refused(weights, f"{weights.stat().st_size:,} bytes found", "93,171,529 expected", sha256=None)

    def test_of_the_published_size_but_other_content(self, refused, tmp_path):
        path = tmp_path / "encodec_24khz-d7cc33bc.th"
        with open(path, "wb") as file:
            file.truncate(93_171_529)
        refused(
            path,
            "d7cc33bcf1aad7f2dad9836f36431530744abeace3ca033005e3290ed4fa47bf expected",
            weights=str(path),
            sha256=None,
        )

    def test_truncated(self, refused, tmp_path, weights):
        path = tmp_path / "cut.th"
        path.write_bytes(weights.read_bytes()[:1_000_000])
        refused(path, "truncated", weights=str(path), sha256=sha256_file(path))

    def test_the_48_khz_model(self, refused, tmp_path):
        path = tmp_path / "encodec_48khz-7e698e3e.th"
        torch.save(hollow(network_of_the_package(48000).state_dict()), path)
        refused(
            path,
            "not the weights of EnCodec 24 kHz",
            "missing",
            "not known",
            weights=str(path),
            sha256=sha256_file(path),
        )

    @pytest.mark.parametrize("kind", ["shape", "extra", "tensor", "names"])
    def test_a_model_that_differs_a_little(self, refused, tmp_path, package, kind):
        state = hollow(package.state_dict())
        first = next(iter(state))
        if kind == "shape":
            state[first] = torch.zeros(3)
        elif kind == "extra":
            state["discriminator.weight"] = torch.zeros(3)
        elif kind == "tensor":
            state = torch.zeros(3)
        else:
            state = {f"module.{name}": tensor for name, tensor in state.items()}
        words = {"shape": "1 of another shape", "extra": "1 not known (discriminator.weight)"}
        path = tmp_path / "other.th"
        torch.save(state, path)
        refused(path, words.get(kind, "252 missing"), weights=str(path), sha256=sha256_file(path))

    def test_code_in_the_file_is_not_run(self, refused, tmp_path):
        class Harm:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "harm"),)

        path = tmp_path / "harm.th"
        torch.save({"encoder": Harm()}, path)
        refused(path, "mkdir", weights=str(path), sha256=sha256_file(path))
        assert not (tmp_path / "harm").exists()


@hypothesis.settings(deadline=None)
@hypothesis.given(
    st.one_of(st.binary(max_size=200), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(pickle.dumps))
)
def test_no_bytes_make_a_traceback(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "wild.th"
    path.write_bytes(content)
    refusal(path, call=lambda: read_tensors(path, encodec.PUBLISHED))


def test_weights_exchanged_after_the_latents_were_made(tmp_path, clips, settings, package):
    obtained(tmp_path, clips, settings())
    path = tmp_path / "exchanged.th"
    torch.save(hollow(package.state_dict()), path)
    other = settings(weights=str(path), sha256=sha256_file(path))
    refusal(tmp_path / "codec.json", "weights_sha256", other.sha256, call=lambda: encodec.load(tmp_path, other))


def test_a_weight_file_may_move(tmp_path, clips, settings, weights):
    obtained(tmp_path, clips, settings())
    (tmp_path / "moved.th").symlink_to(weights)
    encodec.load(tmp_path, settings(weights=str(tmp_path / "moved.th")))


@pytest.mark.parametrize("change", [{"components": 9}, {"bandwidth": 12.0}, {"latents": "continuous"}])
def test_settings_changed_after_the_latents_were_made(tmp_path, clips, settings, change):
    obtained(tmp_path, clips, settings(components=8))
    refusal(
        "codec.json", next(iter(change)), call=lambda: encodec.load(tmp_path, settings(**{"components": 8} | change))
    )


def test_projection_missing_damaged_or_of_another_build(tmp_path, clips, settings):
    chosen, path = settings(components=8), tmp_path / "weights.safetensors"
    obtained(tmp_path, clips, chosen)
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    refusal("projection_sha256", call=lambda: encodec.load(tmp_path, chosen))
    (tmp_path / "codec.json").unlink()
    refusal(path, "8 components", call=lambda: encodec.load(tmp_path, chosen))
    path.write_bytes(good)
    refusal(path, "9 components", call=lambda: encodec.load(tmp_path, settings(components=9)))
    path.unlink()
    refusal(path, "no such file", call=lambda: encodec.load(tmp_path, chosen))


def test_a_record_that_is_not_json(tmp_path, clips, settings):
    obtained(tmp_path, clips, settings())
    (tmp_path / "codec.json").write_text("{")
    refusal(tmp_path / "codec.json", "JSON", call=lambda: encodec.load(tmp_path, settings()))
