"""Invariants that hold for skeleton and should for whatever takes its place."""

import torch

from etude.diffusion.samplers import SamplerSettings
from etude.pipeline.stage import namespace
from etude.systems import plugin

SHAPES = {"latents": (8, 32), "mel1": (8, 64), "mel2": (16, 128), "mel3": (32, 256)}
SETTINGS = {
    "unet": {"channels": [12, 12, 16, 16], "embedding": 16},
    "width": 6,
    "encoder": {"channels": [8, 8, 8]},
    "conditioning": "hold",
    "whitening": 0.5,
    "sigma_data": 0.5,
    "noise_mean": -1.2,
    "noise_std": 1.2,
}


def system():
    torch.manual_seed(0)
    found = plugin("skeleton").build(namespace(SETTINGS), SHAPES)
    found.fit_scale(torch.zeros(8), torch.ones(8))
    return found


def batch(clips: int = 16) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {name: torch.randn(clips, *shape, generator=generator) for name, shape in SHAPES.items()}


def test_levels_are_coarse_to_fine():
    levels = system().levels(batch(3))
    assert [level.shape[-1] for level in levels] == [4, 8, 16]


def test_every_parameter_learns_and_the_loss_falls():
    found, clips = system(), batch()
    optimizer = torch.optim.Adam(found.parameters(), lr=3e-3)
    losses = []
    for step in range(60):
        loss = found.loss(clips, 0, torch.Generator().manual_seed(step % 4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(parameter.grad is not None for parameter in found.parameters())
    assert sum(losses[-4:]) < 0.9 * sum(losses[:4])


def test_what_is_generated_depends_on_levels_and_noise_alone():
    found = system().eval()
    settings = SamplerSettings(steps=3, sigma_min=0.002, sigma_max=80.0, rho=7.0, alpha=0.5, churn=0.0, churn_noise=1.0)
    noise = torch.randn(2, *SHAPES["latents"], generator=torch.Generator().manual_seed(2))
    first, second = (found.generate(found.levels(batch(2)), noise, "alpha_heun", settings) for _ in range(2))
    assert first.shape == (2, *SHAPES["latents"]) and torch.isfinite(first).all()
    torch.testing.assert_close(first, second)
