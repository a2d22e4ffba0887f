"""DDPM against closed forms (M-11), the ways to skip times, and guidance (M-55)."""

import pytest
import torch

from etude.diffusion.ddpm import GaussianDiffusion
from etude.diffusion.guidance import guided
from etude.diffusion.schedules import SCHEDULES, alpha_bars, times_of


def at(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def exact(chain: GaussianDiffusion, mean: float, std: float):
    """The noise prediction that no other beats for data N(mean, std²): E[noise | x_t]."""

    def network(x, level):
        bar = chain.alpha_bar[(level * chain.steps).round().long()].reshape(-1, *[1] * (x.ndim - 1)).to(x)
        return (1 - bar).sqrt() * (x - bar.sqrt() * mean) / (bar * std**2 + 1 - bar)

    return network


def test_alpha_bar_of_the_card():
    assert alpha_bars("linear", 1000)[1000].item() == pytest.approx(4.0358e-5, abs=5e-10)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_schedules_fall_from_one_towards_zero(name, steps):
    bars = alpha_bars(name, steps)
    assert bars[0] == 1 and len(bars) == steps + 1 and (bars.diff() < 0).all() and bars[-1] > 0
    if name == "cosine":
        assert bars[-1] < 1.5e-3


@pytest.mark.parametrize("t", [1, 300, 1000])
def test_moments_of_x_t(t):
    chain, clean = GaussianDiffusion(), torch.full((20_000, 1, 1), 2.0)
    x = chain.noised(clean, torch.full((20_000,), t), torch.randn(clean.shape, generator=at()))
    bar = chain.alpha_bar[t].item()
    assert x.mean().item() == pytest.approx(2 * bar**0.5, abs=4 * ((1 - bar) / 20_000) ** 0.5)
    assert x.std().item() == pytest.approx((1 - bar) ** 0.5, rel=0.02)


def test_steps_of_the_chain_add_up_to_the_closed_form():
    """q(x_t | x_0) from t single steps, as variances: v -> (1 - beta) v + beta, and the mean by sqrt(1 - beta)."""
    chain, mean, variance = GaussianDiffusion(steps=50, last_beta=0.2), 1.0, 0.0
    for beta in SCHEDULES["linear"](50, 1e-4, 0.2).tolist():
        mean, variance = mean * (1 - beta) ** 0.5, (1 - beta) * variance + beta
    assert mean**2 == pytest.approx(chain.alpha_bar[50].item())
    assert variance == pytest.approx(1 - chain.alpha_bar[50].item())


@pytest.mark.parametrize("steps", [None, 100])
def test_the_exact_network_returns_the_data(steps):
    """Unit variance, where sigma² = beta is right: also when times are skipped."""
    chain = GaussianDiffusion()
    out = chain.ancestral(exact(chain, 0.7, 1.0), torch.randn(20_000, 1, generator=at()), at(1), steps)
    assert out.mean().item() == pytest.approx(0.7, abs=0.03)
    assert out.std().item() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(("variance", "right"), [("beta", False), ("posterior", True)])
def test_a_single_point_wants_the_posterior_variance(variance, right):
    """For data that are one point the posterior variance is right at every step; beta leaves too much on the way."""
    chain, seen = GaussianDiffusion(steps=20, last_beta=0.5), []
    network = exact(chain, 0.0, 0.0)

    def watched(x, level):
        seen.append((x.std().item(), (1 - chain.alpha_bar[round(level[0].item() * 20)].item()) ** 0.5))
        return network(x, level)

    out = chain.ancestral(watched, torch.randn(20_000, 1, generator=at()), at(1), variance=variance)
    assert out.abs().max() < 1e-3
    assert (max(abs(found / true - 1) for found, true in seen[1:]) < 0.03) == right


def test_the_loss_of_the_exact_network_is_what_no_network_can_know():
    chain = GaussianDiffusion()
    clean, noise = torch.randn(20_000, 1, generator=at()), torch.randn(20_000, 1, generator=at(1))
    times = torch.full((20_000,), 300)
    loss = chain.loss(exact(chain, 0.0, 1.0), clean, times, noise)
    assert loss.item() == pytest.approx(chain.alpha_bar[300].item(), rel=0.05)  # Var(noise | x_t), unit variance
    assert chain.loss(lambda x, level: 0 * x, clean, times, noise).item() == pytest.approx(1, rel=0.05)


def test_times_that_a_sampler_visits():
    assert times_of(5, None) == [5, 4, 3, 2, 1, 0] == times_of(5, 5) == times_of(5, 99)
    assert times_of(1000, 4) == [1000, 750, 500, 250, 0]


def test_noise_of_a_clip_does_not_depend_on_its_company():
    chain = GaussianDiffusion(steps=5)
    noise = torch.randn(3, 2, 4, generator=at())
    together = chain.ancestral(lambda x, level: 0.1 * x, noise, [at(k) for k in range(3)])
    alone = chain.ancestral(lambda x, level: 0.1 * x, noise[1:2], [at(1)])
    torch.testing.assert_close(together[1:2], alone)
    with pytest.raises(ValueError, match="one per clip"):
        chain.ancestral(lambda x, level: x, noise, [at()])


def test_guidance_is_linear_and_has_both_networks_at_its_ends():
    given, free = (lambda x, level: 2 * x), (lambda x, level: 3 * x)
    x = torch.ones(1)
    assert guided(given, free, 0.0) is given and guided(given, free, -1.0) is free
    assert guided(given, free, 1.5)(x, x).item() == pytest.approx(2.5 * 2 - 1.5 * 3)
