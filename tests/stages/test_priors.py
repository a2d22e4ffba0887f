"""From the levels of a system to clips that it generates of itself."""

import numpy as np
import pytest
import torch

from etude.audio.files import read_audio
from etude.errors import UserError
from etude.pipeline.files import read_csv, sha256_file
from etude.pipeline.stage import namespace
from etude.priors.diffusion import DiffusionPrior
from stages.generate import samples
from stages.generate.levels import main as levels_stage
from stages.train.priors import main as train_stage
from tests.stages.test_chain import GENERATE, SAMPLER, SYSTEMS, TRAIN, generate, made  # noqa: F401

MODEL = {
    "unet": {"channels": [16, 16, 16], "embedding": 16},
    "coarser_noise": 0.1,
    "sigma_data": 0.5,
    "noise_mean": -1.2,
    "noise_std": 1.2,
}


@pytest.fixture(scope="module")
def levels(made, tmp_path_factory):  # noqa: F811
    """Levels of all clips by the two systems: folders by system."""
    root = tmp_path_factory.mktemp("levels") / "toy" / "spectral"
    for name in SYSTEMS:
        settings = {"name": name, "system": SYSTEMS[name], "source": "trained", "batch": 16}
        levels_stage(namespace(settings), made.encoded / "index.csv", getattr(made.weights, name), root / name / "0")
    return root


def train(levels, out, name="msdae", seed=0, scratch=None, model=None, **changes):
    settings = {"prior": "diffusion", "seed": seed, "model": MODEL | (model or {}), "train": TRAIN | changes}
    index = levels / name / "0" / "index.csv"
    train_stage(namespace(settings), index, scratch or out / "scratch", out / "tensorboard", out)
    return out / "weights.safetensors"


@pytest.fixture(scope="module")
def prior(levels, tmp_path_factory):
    return train(levels, tmp_path_factory.mktemp("prior"))


def sample(made, levels, out, prior="none", name="msdae", **changes):  # noqa: F811
    kind = {"name": "gaussian", "model": {}, "sampler": {}}
    if prior != "none":
        kind = {"name": "diffusion", "model": MODEL, "sampler": SAMPLER}
    settings = GENERATE | {"source": "trained", "name": name, "system": SYSTEMS[name], "prior": kind} | changes
    paths = made.encoded / "index.csv", levels / name / "0" / "index.csv", made.codec, getattr(made.weights, name)
    samples.main(namespace(settings), *paths, prior, out)
    return read_csv(out / "index.csv")


def test_a_training_writes_weights_and_a_curve_of_every_level_and_is_repeatable(levels, prior, tmp_path):
    assert sha256_file(train(levels, tmp_path)) == sha256_file(prior)
    curve = read_csv(tmp_path / "loss.csv")
    assert [(row["stage"], row["step"]) for row in curve] == [(s, t) for s in "123" for t in "24"]
    assert list((tmp_path / "tensorboard").glob("events*"))
    assert not list((tmp_path / "scratch").rglob("*.pt")), "the checkpoint outlived the training"


def test_killed_and_resumed_gives_the_same_bytes(levels, prior, tmp_path, monkeypatch):
    """The process dies inside a step of each level; the same command goes on."""
    plain_loss = DiffusionPrior.loss
    for _ in range(3):
        count = iter(range(100))

        def loss(self, *arguments, count=count):
            if next(count) == 3:
                raise KeyboardInterrupt
            return plain_loss(self, *arguments)

        monkeypatch.setattr(DiffusionPrior, "loss", loss)
        with pytest.raises(KeyboardInterrupt):
            train(levels, tmp_path / "out", scratch=tmp_path / "scratch")
    assert list((tmp_path / "scratch").rglob("checkpoint.pt"))
    monkeypatch.setattr(DiffusionPrior, "loss", plain_loss)
    resumed = train(levels, tmp_path / "out", scratch=tmp_path / "scratch")
    assert sha256_file(resumed) == sha256_file(prior)
    assert (tmp_path / "out/loss.csv").read_bytes() == prior.with_name("loss.csv").read_bytes()


def test_a_checkpoint_of_other_levels_or_settings_is_not_taken(levels, tmp_path, monkeypatch):
    from etude.training.checkpoint import Checkpoint

    folders = []
    monkeypatch.setattr(Checkpoint, "load", lambda self: folders.append(self.path.parent.name))
    train(levels, tmp_path, "msdae")
    train(levels, tmp_path, "hdae")
    train(levels, tmp_path, seed=1)
    train(levels, tmp_path, lr=0.001)
    train(levels, tmp_path, model={"coarser_noise": 0.2})
    assert len(set(folders)) == 5


@pytest.mark.parametrize("kind", ["gaussian", "diffusion"])
def test_samples_are_listed_whole_and_are_the_same_every_time_and_in_any_batch(made, levels, prior, tmp_path, kind):  # noqa: F811
    weights = prior if kind == "diffusion" else "none"
    rows = sample(made, levels, tmp_path / "a", weights)
    assert [row["clip"] for row in rows] == [f"sample_{k:05d}" for k in range(8)], "not as many as the test split"
    for row in rows:
        sound, rate = read_audio(tmp_path / "a" / row["file"])
        assert (len(sound), rate) == (8192, 16000) and sha256_file(tmp_path / "a" / row["file"]) == row["sha256"]
        assert np.isfinite(float(row["novelty"])) and float(row["novelty"]) > 0
    assert len({row["sha256"] for row in rows}) == 8, "two samples are the same"
    assert sample(made, levels, tmp_path / "b", weights) == rows
    other = sample(made, levels, tmp_path / "c", weights, batch=8, clips=5)
    assert len(other) == 5
    # What is drawn is the same in other company; the codec's phases, seeded per batch, are not.
    for ours, theirs in zip(rows, other, strict=False):
        assert float(ours["novelty"]) == pytest.approx(float(theirs["novelty"]), abs=2e-3)
    assert sample(made, levels, tmp_path / "d", weights, noise_seed=1) != rows


def test_given_a_clips_own_levels_and_noise_it_is_the_reconstruction(made, levels, tmp_path, monkeypatch):  # noqa: F811
    """P-72: the teacher-forced chain is P-21."""
    truth = generate(made, tmp_path / "reconstructions", name="msdae")
    names, plain_noise = [row["clip"] for row in truth], samples.starting_noise
    rows = {row["clip"]: int(row["row"]) for row in read_csv(levels / "msdae/0/index.csv")}
    arrays = [np.load(levels / f"msdae/0/level{frames}.npy") for frames in (4, 8, 16)]

    def known(_, __, clips, *___):
        chosen = [rows[names[int(clip[-5:])]] for clip in clips]
        return [torch.from_numpy(array[chosen]) for array in arrays]

    def noise(clips, *arguments):
        return plain_noise([names[int(clip[-5:])] for clip in clips], *arguments)

    monkeypatch.setattr(samples, "_draw", known)
    monkeypatch.setattr(samples, "starting_noise", noise)
    drawn = sample(made, levels, tmp_path / "samples")
    for row, original in zip(drawn, truth, strict=True):
        ours, theirs = (
            read_audio(tmp_path / "samples" / row["file"]),
            read_audio(tmp_path / "reconstructions" / original["file"]),
        )
        np.testing.assert_allclose(ours[0], theirs[0], atol=1e-3)


def test_drawn_levels_stay_within_their_tanh(made, levels, tmp_path, monkeypatch):  # noqa: F811
    from etude.priors.gaussian import GaussianPrior
    from etude.systems.diffusion_autoencoder import DiffusionAutoencoder

    seen = []
    plain_generate = DiffusionAutoencoder.generate
    monkeypatch.setattr(GaussianPrior, "sample", lambda self, noise, *_: [3 * level for level in noise])
    monkeypatch.setattr(
        DiffusionAutoencoder,
        "generate",
        lambda self, levels, *rest: seen.extend(levels) or plain_generate(self, levels, *rest),
    )
    sample(made, levels, tmp_path, clips=2)
    assert all(level.abs().max() <= 1 for level in seen) and len(seen) == 3


def test_weights_of_another_prior_are_one_sentence(made, levels, tmp_path):  # noqa: F811
    other = train(levels, tmp_path / "other", model={"unet": {"channels": [8, 8], "embedding": 16}})
    with pytest.raises(UserError, match=r"weights of another prior than priors\.model describes") as caught:
        sample(made, levels, tmp_path / "out", other)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out/index.csv").exists()
