"""Samplers on the exact denoiser of Gaussian data: the flow maps x at sigma to x * s / sqrt(sigma**2 + s**2) (P-19)."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import yaml
from scipy import stats

from etude.config import resolve
from etude.diffusion.edm import Preconditioning
from etude.diffusion.samplers import SAMPLERS, SamplerSettings, sample, schedule

ROOT = Path(__file__).parents[3]
ONE = torch.ones(1, dtype=torch.float64)


def gaussian(x, sigma, data=0.5):
    return x * data**2 / (sigma**2 + data**2)


@pytest.mark.parametrize(
    ("name", "steps", "printed"),
    [
        ("alpha_heun", 30, 0.5119),
        ("alpha_heun", 100, 0.5009),
        ("euler", 30, 0.4521),
        ("alpha_heun_released", 30, 0.1767),
        ("alpha_heun_released", 100, 0.3952),
    ],
)
def test_standard_deviations_of_the_card(name, steps, printed):
    """The numbers that the card derived for each scheme, independently of this code (exact: 0.49999)."""
    found = sample(name, gaussian, ONE, SamplerSettings(steps=steps)).item()
    assert found == pytest.approx(printed, abs=6e-5)


@pytest.mark.parametrize(
    ("scale", "variant", "deviation"),
    [("laptop", "corrected", 0.500), ("paper", "corrected", 0.500), ("paper", "released", 0.177)],
)
def test_the_samplers_of_params_yaml_on_gaussian_data(scale, variant, deviation):
    """Standard deviation of 200 000 samples of data N(0, 0.5²): F = 0 makes EDM's D the exact denoiser."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    settings = resolve(raw | {"scale": scale, "variant": variant}, ROOT)["generate"]["sampler"]
    edm = Preconditioning(0.5)

    def denoiser(x, sigma):
        return edm.denoise(lambda scaled, level: torch.zeros_like(scaled), x, torch.full((len(x),), sigma))

    noise = torch.randn(2, 1, 100_000, generator=torch.Generator().manual_seed(0))
    out = sample(settings.pop("name"), denoiser, noise, SamplerSettings(**settings))
    assert out.std().item() == pytest.approx(deviation, abs=0.005)


@pytest.mark.parametrize(("name", "order"), [("euler", 1), ("alpha_heun", 2)])
@pytest.mark.parametrize("alpha", [1.0, 1.1])
def test_halving_the_step_divides_the_error_by_two_to_the_order(name, order, alpha):
    exact = 80 * 0.5 / math.sqrt(80**2 + 0.25)  # the last step, from sigma_min to 0, must not matter: a tiny sigma_min

    def error(steps: int) -> float:
        settings = SamplerSettings(steps=steps, sigma_min=1e-5, alpha=alpha)
        return abs(sample(name, gaussian, ONE, settings).item() - exact)

    assert error(100) / error(200) == pytest.approx(2**order, rel=0.15)


def test_schedule_falls_from_sigma_max_to_sigma_min_to_zero():
    sigmas = schedule(SamplerSettings(steps=30))
    assert (
        len(sigmas) == 31 and sigmas[0] == pytest.approx(80) and sigmas[-2] == pytest.approx(0.001) and sigmas[-1] == 0
    )
    assert all(a > b for a, b in pairwise(sigmas))


def test_without_churn_the_stochastic_sampler_is_heun_bit_for_bit():
    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    settings = SamplerSettings(steps=18, sigma_min=0.002, alpha=1.0)
    assert torch.equal(sample("stochastic_heun", gaussian, x, settings), sample("alpha_heun", gaussian, x, settings))


def test_churn_keeps_the_distribution():
    x = torch.randn(20_000, 1, 1, generator=torch.Generator().manual_seed(0))
    settings = SamplerSettings(steps=60, sigma_min=0.002, churn=20.0)
    out = sample("stochastic_heun", gaussian, x, settings, torch.Generator().manual_seed(1))
    assert out.std().item() == pytest.approx(0.5, abs=0.02)


MEMOIR = SamplerSettings(steps=18, sigma_min=0.002, alpha=1.0)


def test_the_memoirs_times_and_evaluations():
    """M-14: 18 steps, 35 calls."""
    printed = [80, 57.586, 40.786, 28.375, 19.352, 12.910, 8.401, 5.315, 3.257, 1.923, 1.088, 0.5854, 0.2964, 0.1395]
    printed += [0.05995, 0.02293, 0.00753, 0.002, 0]
    assert schedule(MEMOIR) == pytest.approx(printed, rel=6e-4)
    calls = []
    sample("stochastic_heun", lambda x, sigma: calls.append(sigma) or gaussian(x, sigma), ONE, MEMOIR)
    assert len(calls) == 35


def test_the_memoirs_sampler_maps_80_to_the_cards_number():
    assert sample("stochastic_heun", gaussian, ONE, MEMOIR).item() == pytest.approx(0.5276, abs=5e-5)


@pytest.mark.parametrize("churn", [5.0, 40.0])
def test_sde_and_ode_have_the_same_marginals_on_a_mixture(churn):
    """M-12: two Gaussians of unequal shares, whose denoiser is known; Kolmogorov-Smirnov distance."""
    means, shares, data = torch.tensor([-1.0, 1.0]), torch.tensor([0.3, 0.7]), 0.2

    def denoiser(x, sigma):
        spread = data**2 + sigma**2
        weights = (shares.log() - (x[..., None] - means) ** 2 / (2 * spread)).softmax(-1)
        return (weights * (means + data**2 / spread * (x[..., None] - means))).sum(-1)

    noise = torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    fine = SamplerSettings(steps=80, sigma_min=0.002, alpha=1.0)
    ode = sample("stochastic_heun", denoiser, noise, fine)
    churned = SamplerSettings(steps=80, sigma_min=0.002, alpha=1.0, churn=churn)
    sde = sample("stochastic_heun", denoiser, noise, churned, torch.Generator().manual_seed(1))
    assert stats.ks_2samp(ode.numpy(), sde.numpy()).statistic < 0.02
    assert (sde > 0).float().mean().item() == pytest.approx(0.7, abs=0.02)


def test_fresh_noise_of_a_clip_does_not_depend_on_its_company():
    x = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0))
    settings = SamplerSettings(steps=6, churn=4.0)
    fresh = [torch.Generator().manual_seed(k) for k in (0, 1, 2, 1)]
    together = sample("stochastic_heun", gaussian, x, settings, fresh[:3])
    assert torch.equal(together[1:2], sample("stochastic_heun", gaussian, x[1:2], settings, fresh[3:]))


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_a_single_data_point_is_hit_exactly(name):
    target = torch.randn(2, 3, 4)
    out = sample(name, lambda x, sigma: target, torch.randn(2, 3, 4), SamplerSettings(steps=8))
    torch.testing.assert_close(out, target, atol=1e-4 if name != "alpha_heun_released" else 30.0, rtol=0)
