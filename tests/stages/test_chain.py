"""From prepared clips to reconstructions, stage by stage, as the rules call them."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from etude.audio.clips import clip_ids
from etude.audio.files import read_audio, to_float
from etude.errors import UserError
from etude.pipeline.files import read_csv, sha256_file
from etude.pipeline.stage import namespace
from stages.codec.codec import main as codec_stage
from stages.encode.encode import main as encode_stage
from stages.generate.generate import main as generate_stage
from stages.train.train import main as train_stage

TRAIN = {
    "steps": 12,
    "batch": 8,
    "lr": 0.002,
    "warmup": 2,
    "schedule": "cosine",
    "ema": 0.9,
    "log_every": 2,
    "checkpoint_every": 2,
}
SPECTRAL = {
    "sample_rate": 16000,
    "n_fft": 256,
    "hop": 64,
    "frames_per_latent": 4,
    "components": 16,
    "floor_db": -80.0,
    "width": 16,
    "blocks": 1,
    "phase_iterations": 8,
    "seed": 0,
    "train": TRAIN,
}
MEL = {"bands": 32, "hop": 64, "window": 256, "samples": 8192, "pyramid": "pool"}
COMMON = {
    "unet": {"channels": [16, 16, 16, 16], "embedding": 16},
    "width": 8,
    "conditioning": "hold",
    "whitening": 0.5,
    "sigma_data": 0.5,
    "noise_mean": -1.2,
    "noise_std": 1.2,
}
SYSTEMS = {
    "hdae": COMMON | {"encoder": {"channels": [8, 8, 8], "bottlenecks": [4, 4, 4], "full_rate_bottleneck": 0}},
    "msdae": COMMON
    | {"encoder": {"channels": [4, 4, 8], "bottleneck": 4, "bands": "kept"}, "residual": "cumulative", "stride": "mel"},
}
SAMPLER = {
    "name": "alpha_heun",
    "steps": 3,
    "sigma_min": 0.002,
    "sigma_max": 80.0,
    "rho": 7.0,
    "alpha": 0.5,
    "churn": 0.0,
    "churn_noise": 1.0,
}
GENERATE = {
    "split": "test",
    "clips": 0,
    "batch": 3,
    "noise_seed": 0,
    "sampler": SAMPLER,
    "codec": "spectral",
    "block": SPECTRAL,
}


def train(encoded, out, name="hdae", seed=0, scratch=None, **changes):
    settings = {"name": name, "seed": seed, "system": SYSTEMS[name], "train": TRAIN | changes}
    train_stage(namespace(settings), encoded / "index.csv", scratch or out / "scratch", out / "tensorboard", out)
    return out / "weights.safetensors"


@pytest.fixture(scope="session")
def made(prepared, tmp_path_factory):
    """Codec, encoded arrays and one trained system of each kind."""
    root = tmp_path_factory.mktemp("made")
    codec = root / "codec" / "codec.json"
    codec_stage(namespace({"codec": "spectral", "block": SPECTRAL}), prepared, root / "scratch", codec)
    encoded = root / "encoded" / "toy" / "spectral"
    encode_stage(namespace({"batch": 7, "mel": MEL, "codec": "spectral", "block": SPECTRAL}), prepared, codec, encoded)
    weights = {name: train(encoded, root / name, name) for name in SYSTEMS}
    return namespace({"root": root, "codec": codec, "encoded": encoded, "weights": weights})


def generate(made, out, source="trained", name="hdae", weights=None, **changes):
    settings = GENERATE | {"source": source} | changes
    if source != "codec":
        settings |= {"name": name, "system": SYSTEMS[name], "seed": 0}
    weights = weights or getattr(made.weights, name)
    generate_stage(namespace(settings), made.encoded / "index.csv", made.codec, weights, out)
    return read_csv(out / "index.csv")


def test_the_codec_reports_its_ceiling(made):
    facts = json.loads(made.codec.read_text())
    assert facts["chunk_samples"] == 8192 and facts["sample_rate"] == 16000
    assert facts["weights_sha256"] == sha256_file(made.codec.with_name("weights.safetensors"))
    assert 0 <= facts["ceiling"]["pitch_round_trip"] <= facts["ceiling"]["pitch_original"] <= 1
    assert not list((made.root / "scratch").rglob("*.pt")), "the checkpoint outlived the training"


def test_encoded_arrays_are_memory_mappable_and_follow_the_index(made, prepared):
    rows = read_csv(made.encoded / "index.csv")
    assert rows == read_csv(prepared)
    shapes = {
        name: np.load(made.encoded / f"{name}.npy", mmap_mode="r").shape for name in ("latents", "mel1", "mel2", "mel3")
    }
    assert shapes == {"latents": (38, 16, 32), "mel1": (38, 8, 32), "mel2": (38, 16, 64), "mel3": (38, 32, 128)}
    assert not list(made.encoded.glob(".*")), "temporary files were left"


def test_encoding_does_not_depend_on_the_batch(made, prepared, tmp_path):
    encode_stage(
        namespace({"batch": 38, "mel": MEL, "codec": "spectral", "block": SPECTRAL}), prepared, made.codec, tmp_path
    )
    for name in ("latents", "mel3"):
        a, b = np.load(made.encoded / f"{name}.npy"), np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(a, b, atol=2e-3)


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_a_training_writes_weights_and_curve_and_is_repeatable(made, tmp_path, name):
    again = train(made.encoded, tmp_path, name)
    assert sha256_file(again) == sha256_file(getattr(made.weights, name))
    curve = read_csv(tmp_path / "loss.csv")
    assert [row["stage"] for row in curve] == sorted(row["stage"] for row in curve)
    assert list((tmp_path / "tensorboard").glob("events*"))


def test_another_seed_or_another_parameter_is_another_network(made, tmp_path):
    original = sha256_file(made.weights.hdae)
    assert sha256_file(train(made.encoded, tmp_path / "a", seed=1)) != original
    assert sha256_file(train(made.encoded, tmp_path / "b", lr=0.001)) != original


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_killed_and_resumed_gives_the_same_bytes(made, tmp_path, name, monkeypatch):
    """The process dies inside a step, in each third of the training; the same command goes on."""
    from etude.systems.diffusion_autoencoder import DiffusionAutoencoder

    plain_loss = DiffusionAutoencoder.loss
    scratch = tmp_path / "scratch"
    taken = []
    for die_at in (3, 3, 3):
        count = iter(range(1, 100))

        def loss(self, *arguments, die_at=die_at, count=count):
            taken.append(1)
            if next(count) > die_at:
                raise KeyboardInterrupt
            return plain_loss(self, *arguments)

        monkeypatch.setattr(DiffusionAutoencoder, "loss", loss)
        with pytest.raises(KeyboardInterrupt):
            train(made.encoded, tmp_path / "out", name, scratch=scratch)
    monkeypatch.setattr(DiffusionAutoencoder, "loss", plain_loss)
    resumed = train(made.encoded, tmp_path / "out", name, scratch=scratch)
    assert sha256_file(resumed) == sha256_file(getattr(made.weights, name))
    assert (tmp_path / "out/loss.csv").read_bytes() == getattr(made.weights, name).with_name("loss.csv").read_bytes()


def test_a_checkpoint_of_another_configuration_is_not_taken(made, tmp_path, monkeypatch):
    from etude.training.checkpoint import Checkpoint

    loads = []
    load = Checkpoint.load
    monkeypatch.setattr(Checkpoint, "load", lambda self: loads.append(self.path.parent.name) or load(self))
    for seed, changes in ((0, {}), (1, {}), (0, {"lr": 0.001})):
        train(made.encoded, tmp_path / f"{seed}{len(loads)}", seed=seed, scratch=tmp_path / "scratch", **changes)
    other = tmp_path / "encoded/toy/spectral"
    shutil.copytree(made.encoded, other)
    latents = np.load(other / "latents.npy")
    np.save(other / "latents.npy", latents + 1)  # another codec, the same clips
    train(other, tmp_path / "other", scratch=tmp_path / "scratch")
    assert len(set(loads)) == 4


def test_reconstructions_are_listed_whole_and_repeatable(made, tmp_path):
    rows = generate(made, tmp_path / "a", name="msdae")
    assert [row["clip"] for row in rows] == [
        row["clip"] for row in read_csv(made.encoded / "index.csv") if row["split"] == "test"
    ]
    for row in rows:
        path = tmp_path / "a" / row["file"]
        samples, rate = read_audio(path)
        assert (len(samples), rate) == (8192, 16000) and sha256_file(path) == row["sha256"]
    assert generate(made, tmp_path / "b", name="msdae") == rows
    assert generate(made, tmp_path / "c", source="untrained", name="msdae") != rows


def test_a_shorter_run_leaves_no_clip_of_the_longer_one_behind(made, tmp_path):
    assert len(generate(made, tmp_path)) == 8
    few = generate(made, tmp_path, clips=3)
    assert [row["clip"] for row in few] == clip_ids(made.encoded / "index.csv", "test", 3), "not the reference's choice"
    assert len(list(tmp_path.glob("*.flac"))) == 3


def test_the_round_trip_is_the_codec_alone(made, prepared, tmp_path):
    from etude.codecs.spectral import load

    rows = generate(made, tmp_path, source="codec", batch=8)
    test = [int(row["row"]) for row in read_csv(prepared) if row["split"] == "test"]
    originals = torch.from_numpy(to_float(np.load(prepared.with_name("audio.npy"))[test]))
    codec = load(made.codec.parent, namespace(SPECTRAL))
    trips = codec.decode(codec.encode(originals), 8192, seed=0).numpy()
    for row, trip in zip(rows, trips, strict=True):
        samples, _ = read_audio(tmp_path / row["file"])
        np.testing.assert_allclose(samples[:, 0], trip, atol=2e-3)


def test_a_clip_beyond_full_scale_is_turned_down_and_not_clipped(made, tmp_path, monkeypatch):
    from etude.codecs.spectral import SpectralCodec

    ramp = torch.linspace(-4, 4, 8192)
    monkeypatch.setattr(SpectralCodec, "decode", lambda self, latents, samples, seed: ramp.expand(len(latents), -1))
    row = generate(made, tmp_path, source="codec", clips=1)[0]
    samples, _ = read_audio(tmp_path / row["file"])
    np.testing.assert_allclose(samples[:, 0], ramp / 4, atol=1e-4)
    assert float(row["gain_db"]) == pytest.approx(-12.04, abs=0.01)


def test_all_systems_share_the_noise_of_a_clip(made, tmp_path, monkeypatch):
    from etude.systems.diffusion_autoencoder import DiffusionAutoencoder

    seen = {}

    def spy(self, levels, noise, *arguments):
        seen.setdefault(type(self).__name__, []).append(noise)
        return noise

    monkeypatch.setattr(DiffusionAutoencoder, "generate", spy)
    generate(made, tmp_path / "a", name="hdae", batch=3)
    generate(made, tmp_path / "b", name="msdae", batch=8)
    hdae, msdae = (torch.cat(seen[name]) for name in ("HierarchicalDAE", "MultiScaleSpectralDAE"))
    assert torch.equal(hdae, msdae)


def test_weights_of_another_network_are_one_sentence(made, tmp_path):
    with pytest.raises(UserError, match=r"weights of another network than systems\.hdae describes") as caught:
        generate(made, tmp_path, name="hdae", weights=made.weights.msdae)
    assert "\n" not in str(caught.value)


def test_sampling_that_is_not_finite_is_one_sentence_and_writes_no_index(made, tmp_path):
    broken = load_file(made.weights.hdae)
    broken["unet.out.bias"] += float("nan")
    save_file(broken, tmp_path / "broken.safetensors")
    with pytest.raises(UserError, match="latents that are not finite"):
        generate(made, tmp_path / "out", weights=tmp_path / "broken.safetensors")
    assert not (tmp_path / "out/index.csv").exists()


def test_a_split_without_clips_is_one_sentence(made, tmp_path):
    shutil.copytree(made.encoded, tmp_path / "encoded")
    index = tmp_path / "encoded/index.csv"
    index.write_text(index.read_text().replace(",train,", ",valid,"))
    with pytest.raises(UserError, match="no clips in split 'train'"):
        train(tmp_path / "encoded", tmp_path / "out")
