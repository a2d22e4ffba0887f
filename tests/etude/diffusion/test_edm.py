"""EDM against closed forms: for Gaussian data the best denoiser is known (P-14, P-15)."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from etude.diffusion.edm import LogNormalNoise, Preconditioning, edm_loss

SIGMAS = st.floats(1e-3, 1e2)
DATA = st.floats(0.1, 2.0)


def zero(x, level):
    return torch.zeros_like(x)


@given(SIGMAS, DATA)
def test_coefficients(sigma, data):
    edm, s = Preconditioning(data), torch.tensor(sigma, dtype=torch.float64)
    assert (edm.weight(s) * edm.out(s) ** 2).item() == pytest.approx(1)
    assert (edm.input(s) ** 2 * (s**2 + data**2)).item() == pytest.approx(1)
    # With F = 0 the denoiser is the best linear one for Gaussian data: its gain is the Wiener filter's.
    assert edm.skip(s).item() == pytest.approx(data**2 / (sigma**2 + data**2))


def test_limits():
    edm, x = Preconditioning(0.5), torch.randn(1, 2, 3)
    torch.testing.assert_close(edm.denoise(lambda x, level: x, x, torch.tensor([1e-6])), x, atol=1e-5, rtol=0)
    assert edm.skip(torch.tensor(1e6)) < 1e-9
    assert edm.out(torch.tensor(1e6)).item() == pytest.approx(0.5)


@pytest.mark.parametrize("sigma", [0.01, 0.5, 3.0, 80.0])
def test_loss_of_a_zero_network_is_one_at_every_noise_level_and_nothing_beats_it(sigma):
    torch.manual_seed(0)
    edm = Preconditioning(0.5)
    clean, noise = 0.5 * torch.randn(64, 16, 64), torch.randn(64, 16, 64)
    level = torch.full((64,), sigma)
    best = edm_loss(zero, clean, level, noise, edm)
    assert best.item() == pytest.approx(1, abs=0.02)
    for slope in (-0.2, 0.2):
        assert edm_loss(lambda x, level, slope=slope: slope * x, clean, level, noise, edm) > best


def test_training_noise_is_log_normal():
    sigma = LogNormalNoise(-1.2, 1.2).draw(100_000, torch.Generator().manual_seed(0)).log()
    assert sigma.mean().item() == pytest.approx(-1.2, abs=0.02)
    assert sigma.std().item() == pytest.approx(1.2, abs=0.02)


def test_the_number_of_axes_changes_nothing():
    edm, level = Preconditioning(0.5), torch.tensor([0.1, 2.0])
    clean, noise = torch.randn(2, 6, 4), torch.randn(2, 6, 4)
    wide = [x.reshape(2, 2, 3, 4) for x in (clean, noise)]
    assert torch.equal(edm_loss(zero, clean, level, noise, edm), edm_loss(zero, wide[0], level, wide[1], edm))
    flat = edm.denoise(zero, noise, level)
    assert torch.equal(flat, edm.denoise(zero, wide[1], level).reshape(2, 6, 4))
