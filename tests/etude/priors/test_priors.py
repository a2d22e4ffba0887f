"""Priors against distributions that are known: moments, dependence between levels, exact denoisers (P-64, P-72)."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from etude.diffusion.samplers import SamplerSettings
from etude.errors import UserError
from etude.pipeline.stage import namespace
from etude.priors import plugin
from etude.priors.diffusion import DiffusionPrior, hold
from etude.training.loop import train

SETTINGS = {
    "unet": {"channels": [32, 48, 48], "embedding": 16},
    "coarser_noise": 0.0,
    "sigma_data": 0.5,
    "noise_mean": -1.2,
    "noise_std": 1.2,
}
SHAPES = {"level8": (2, 8), "level4": (3, 4), "level16": (2, 16)}  # in no order: the number of frames decides
HEUN = SamplerSettings(steps=40, sigma_min=0.002, sigma_max=80.0, alpha=1.0)


class Clips:
    """Levels in memory, as an EncodedSplit gives them."""

    def __init__(self, levels: dict[str, Tensor]):
        self.levels = levels
        self.shapes = {name: tuple(level.shape[1:]) for name, level in levels.items()}

    def __len__(self) -> int:
        return len(next(iter(self.levels.values())))

    def batch(self, clips, names=None) -> dict[str, Tensor]:
        return {name: self.levels[name][clips] for name in names or self.levels}

    def mean_and_std(self, name: str) -> tuple[Tensor, Tensor]:
        level = self.levels[name]
        return level.mean((0, 2)), level.std((0, 2), unbiased=False)


class NoCheckpoint:
    def load(self):
        return None

    def save(self, state):
        pass


def noise(prior, clips: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(clips, *SHAPES[name], generator=generator) for name in prior.names]


def flat(levels: list[Tensor]) -> np.ndarray:
    return torch.cat([level.flatten(1) for level in levels], dim=1).double().numpy()


@pytest.fixture(scope="module")
def gaussian() -> SimpleNamespace:
    """All levels as one Gaussian with a mean and a covariance that joins them; and clips drawn from it."""
    rng = np.random.default_rng(3)
    names = ["level4", "level8", "level16"]
    sizes = [SHAPES[name][0] * SHAPES[name][1] for name in names]
    mixing = rng.standard_normal((sum(sizes), sum(sizes))) / sum(sizes) ** 0.5
    covariance = 0.05 * mixing @ mixing.T + 0.005 * np.eye(sum(sizes))
    mean = 0.3 * rng.standard_normal(sum(sizes))
    drawn = torch.from_numpy(rng.multivariate_normal(mean, covariance, 20_000)).float()
    parts = dict(zip(names, drawn.split(sizes, dim=1), strict=True))
    clips = Clips({name: parts[name].reshape(-1, *SHAPES[name]) for name in SHAPES})
    return SimpleNamespace(names=names, sizes=sizes, mean=mean, covariance=covariance, clips=clips)


class Exact(DiffusionPrior):
    """The prior with the one denoiser that is right for ``known``, in place of its networks."""

    def __init__(self, known):
        super().__init__(namespace(SETTINGS), known.clips.shapes)
        self.known = known

    def network(self, stage, coarser, frames):
        """F from D: with a = all coarser levels and b this one, b given a is Gaussian, and so is it given b + noise."""
        known, first = self.known, sum(self.known.sizes[:stage])
        here = slice(first, first + known.sizes[stage])
        scale = torch.cat([self._scale(name) for name in self.names]).double().numpy()
        centre = (known.mean - torch.cat([self._mean(name) for name in self.names]).double().numpy()) * scale
        covariance = scale[:, None] * known.covariance * scale
        gain = covariance[here, :first] @ np.linalg.pinv(covariance[:first, :first])
        inner = covariance[here, here] - gain @ covariance[:first, here]
        given = torch.cat([level.flatten(1) for level in coarser], dim=1).double().numpy() if coarser else None

        def network(x, c_noise):
            sigma = float((4 * c_noise[0]).exp())
            level = torch.full((len(x),), sigma)
            unscaled = (x / self.edm.input(level)[:, None, None]).flatten(1).double().numpy()
            expected = centre[here] + (0.0 if given is None else (given - centre[:first]) @ gain.T)
            weight = inner @ np.linalg.inv(inner + sigma**2 * np.eye(len(inner)))
            clean = torch.from_numpy(expected + (unscaled - expected) @ weight.T).float().view_as(x)
            noisy = x / self.edm.input(level)[:, None, None]
            return (clean - self.edm.skip(level)[:, None, None] * noisy) / self.edm.out(level)[:, None, None]

        return network

    def _scale(self, name):
        return (self.edm.sigma_data / getattr(self, f"std_{name}")).expand(SHAPES[name]).flatten()

    def _mean(self, name):
        return getattr(self, f"mean_{name}").expand(SHAPES[name]).flatten()


def test_with_the_exact_denoisers_the_chain_draws_from_the_joint_gaussian(gaussian):
    prior = Exact(gaussian)
    prior.fit(gaussian.clips)
    drawn = flat(prior.sample(noise(prior, 20_000), "alpha_heun", HEUN))
    error = (np.diag(gaussian.covariance) / 20_000) ** 0.5
    assert np.abs((drawn.mean(0) - gaussian.mean) / error).max() < 6  # also the sampler's own, small, error
    spread = np.diag(gaussian.covariance) ** 0.5
    correlation = gaussian.covariance / spread / spread[:, None]
    assert np.abs(np.cov(drawn.T) / spread / spread[:, None] - correlation).max() < 0.05
    first = gaussian.sizes[0]
    assert np.abs(correlation[:first, first:]).max() > 0.2, "the levels hardly depend on each other"


def test_gaussians_have_the_moments_of_each_level_and_nothing_between_levels(gaussian):
    prior = plugin("gaussian").build(None, gaussian.clips.shapes)
    prior.fit(gaussian.clips)
    assert prior.names == gaussian.names
    drawn, truth = flat(prior.sample(noise(prior, 20_000), "", HEUN)), gaussian.covariance
    spread = np.diag(truth) ** 0.5
    np.testing.assert_allclose((drawn.mean(0) - gaussian.mean) / spread, 0, atol=0.04)
    expected = np.zeros_like(truth)
    start = 0
    for size in gaussian.sizes:
        block = slice(start, start + size)
        expected[block, block], start = truth[block, block], start + size
    scale = spread * spread[:, None]
    np.testing.assert_allclose(np.cov(drawn.T) / scale, expected / scale, atol=0.05)


def fitted(levels: dict[str, Tensor], steps: int = 600, **changes) -> DiffusionPrior:
    """A small prior, really trained."""
    torch.manual_seed(0)
    clips = Clips(levels)
    prior = plugin("diffusion").build(namespace(SETTINGS | changes), clips.shapes)
    prior.fit(clips)
    settings = {"steps": steps, "batch": 128, "lr": 0.003, "warmup": 20, "schedule": "cosine", "ema": 0.98}
    train(prior, clips, namespace(settings | {"log_every": 50, "checkpoint_every": 50}), 0, NoCheckpoint(), "prior")
    return prior.eval()


def test_training_finds_a_level_that_is_a_function_of_another():
    """h_16 repeats h_4, h_8 has nothing to do with them; h_4 has two clusters, which no Gaussian has."""
    generator = torch.Generator().manual_seed(1)
    side = torch.randint(2, (3000, 1, 1), generator=generator) * 2.0 - 1
    h4 = 0.5 * side + 0.1 * torch.randn(3000, 3, 4, generator=generator)
    h8 = 0.2 * torch.randn(3000, 2, 8, generator=generator) + 0.4
    h16 = hold(h4[:, :2], 16)
    prior = fitted({"level4": h4, "level8": h8, "level16": h16}, 900)
    d4, d8, d16 = prior.sample(noise(prior, 1000), "alpha_heun", SamplerSettings(steps=18, sigma_min=0.002, alpha=1.0))
    assert (d16 - hold(d4[:, :2], 16)).square().mean().sqrt() < 0.12  # 0.7 if it were drawn by itself
    means = d4.mean((1, 2))
    assert (means.abs() > 0.25).float().mean() > 0.97, "samples between the clusters"
    assert 0.4 < (means > 0).float().mean() < 0.6
    assert (d8.mean() - 0.4).abs() < 0.05 and abs(d8.std() / 0.2 - 1) < 0.15
    assert abs(np.corrcoef(d8.mean((1, 2)), means)[0, 1]) < 0.15


def test_training_finds_mean_and_covariance_of_a_gaussian():
    generator = torch.Generator().manual_seed(2)
    mixing = torch.tensor([[0.3, 0.0], [0.2, 0.1]])
    h4 = torch.einsum("ij,bjt->bit", mixing, torch.randn(4000, 2, 4, generator=generator)) + 0.2
    prior = fitted({"level4": h4}, 400)
    start = torch.randn(4000, 2, 4, generator=generator)
    (drawn,) = prior.sample([start], "alpha_heun", SamplerSettings(steps=18, sigma_min=0.002, alpha=1.0))
    frames = drawn.transpose(1, 2).reshape(-1, 2)
    np.testing.assert_allclose(frames.mean(0), [0.2, 0.2], atol=0.03)
    np.testing.assert_allclose(torch.cov(frames.T), mixing @ mixing.T, atol=0.012)


def build(shapes=SHAPES, **changes) -> DiffusionPrior:
    torch.manual_seed(0)
    return plugin("diffusion").build(namespace(SETTINGS | changes), shapes)


def test_a_stage_moves_one_denoiser_and_reads_no_finer_level():
    prior = build()
    levels = {name: torch.randn(5, *shape) for name, shape in SHAPES.items()}
    for stage in range(3):
        prior.zero_grad()
        batch = {name: levels[name] for name in prior.arrays_in(stage)}
        prior.loss(batch, stage, torch.Generator().manual_seed(0)).backward()
        moved = [any(p.grad is not None for p in denoiser.parameters()) for denoiser in prior.denoisers]
        assert moved == [k == stage for k in range(3)]
        assert prior.trained_in(stage) == [prior.denoisers[stage]]


def test_the_first_loss_is_that_of_data_of_the_assumed_spread():
    """F = 0 on data of standard deviation sigma_data has loss 1 (P-15), whatever the levels' own scale."""
    generator = torch.Generator().manual_seed(0)
    clips = Clips({"level4": 7.0 + 0.01 * torch.randn(4000, 3, 4, generator=generator)})
    prior = build(clips.shapes)
    prior.fit(clips)
    for parameter in prior.denoisers[0].narrow.parameters():
        torch.nn.init.zeros_(parameter)
    losses = [prior.loss(clips.levels, 0, torch.Generator().manual_seed(k)).item() for k in range(8)]
    assert np.mean(losses) == pytest.approx(1, abs=0.03)


def test_noise_on_the_coarser_levels_is_of_the_size_that_was_asked_for(monkeypatch):
    prior = build(coarser_noise=0.5)
    seen = []
    monkeypatch.setattr(
        DiffusionPrior, "network", lambda self, stage, coarser, frames: seen.append(coarser) or (lambda x, level: x)
    )
    levels = {name: torch.zeros(4000, *shape) for name, shape in SHAPES.items()}
    prior.loss(levels, 2, torch.Generator().manual_seed(0))
    assert [round(level.std().item(), 2) for level in seen[0]] == [0.25, 0.25]  # half of sigma_data


def test_a_channel_that_never_changes_stays_what_it_is():
    levels = {"level4": torch.cat([torch.full((50, 1, 4), 0.75), torch.randn(50, 2, 4)], dim=1)}
    prior = build(Clips(levels).shapes)
    prior.fit(Clips(levels))
    (drawn,) = prior.sample([torch.randn(20, 3, 4)], "euler", SamplerSettings(steps=4))
    assert torch.isfinite(drawn).all() and (drawn[:, 0] - 0.75).abs().max() < 0.1


@pytest.mark.parametrize("frames", [1, 2, 3, 6, 32])
def test_levels_of_any_length_find_a_network(frames):
    """levels_1_3_5 has 2, 8 and 32 frames."""
    prior = build({"level": (3, frames)})
    (drawn,) = prior.sample([torch.randn(2, 3, frames)], "euler", SamplerSettings(steps=2))
    assert drawn.shape == (2, 3, frames)


def test_no_such_prior_is_one_sentence():
    with pytest.raises(UserError, match="no prior called 'gausian'"):
        plugin("gausian")
