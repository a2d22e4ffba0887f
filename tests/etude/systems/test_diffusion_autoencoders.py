"""Invariants of HDAE and of the multi-scale spectral DAE (P-08 to P-12, P-16, P-21 to P-23)."""

import copy

import pytest
import torch

from etude.diffusion.samplers import SamplerSettings
from etude.errors import UserError
from etude.pipeline.stage import namespace
from etude.systems import plugin
from etude.systems.placement import PLACEMENTS
from tests.etude.systems.learning import losses_on

COMMON = {
    "unet": {"channels": [12, 12, 16, 16], "embedding": 16},
    "width": 6,
    "whitening": 0.5,
    "sigma_data": 0.5,
    "noise_mean": -1.2,
    "noise_std": 1.2,
}
SETTINGS = {
    "hdae": COMMON
    | {"encoder": {"channels": [8, 8, 8], "bottlenecks": [3, 4, 5], "full_rate_bottleneck": 0}, "conditioning": "hold"},
    "msdae": COMMON
    | {
        "encoder": {"channels": [4, 6, 8], "bottleneck": 4, "bands": "kept"},
        "conditioning": "hold",
        "residual": "cumulative",
        "stride": "mel",
    },
}
SHAPES = {"latents": (8, 32), "mel1": (8, 64), "mel2": (16, 128), "mel3": (32, 256)}


def build(name: str, **changes):
    torch.manual_seed(0)
    system = plugin(name).build(namespace(SETTINGS[name] | changes), SHAPES)
    system.fit_scale(torch.randn(8), torch.rand(8) + 0.1)
    return system.eval()


def batch(clips: int = 3) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {name: torch.randn(clips, *shape, generator=generator) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("name", ["hdae", "msdae"])
def test_levels_are_bounded_and_have_4_8_and_16_frames(name):
    levels = build(name).levels(batch())
    assert [level.shape[-1] for level in levels] == [4, 8, 16]
    assert all(level.abs().max() <= 1 for level in levels)


@pytest.mark.parametrize("whitening", [0.0, 0.5, 1.0])
def test_latents_are_scaled_to_sigma_data_and_back(whitening):
    system = build("hdae", whitening=whitening)
    raw = torch.randn(4000, 8, 32) * torch.logspace(-1, 1, 8)[:, None] + torch.arange(8.0)[:, None]
    system.fit_scale(raw.mean((0, 2)), raw.std((0, 2)))
    scaled = system.normalise(raw)
    assert scaled.square().mean().sqrt().item() == pytest.approx(0.5, rel=1e-3)
    per_channel = scaled.std((0, 2))
    assert (per_channel.max() / per_channel.min()).item() == pytest.approx(100 ** (1 - whitening), rel=0.02)
    torch.testing.assert_close(scaled / system.scale + system.shift, raw, atol=1e-4, rtol=1e-4)


def test_residuals_are_cumulative_or_plain():
    up = torch.nn.functional.interpolate
    h = [torch.randn(2, 6, 4), torch.zeros(2, 6, 8), torch.zeros(2, 6, 16)]
    once = up(h[0], size=8, mode="linear")
    cumulative = build("msdae").refine(h)
    torch.testing.assert_close(cumulative[2], up(once, size=16, mode="linear"))
    plain = build("msdae", residual="plain").refine(h)
    torch.testing.assert_close(plain[1], once)
    assert plain[2].abs().max() == 0
    h[1] = torch.randn(2, 6, 8)
    refined = build("msdae").refine(h)
    torch.testing.assert_close(refined[1] - up(refined[0], size=8, mode="linear"), h[1])


@pytest.mark.parametrize("changed", [0, 1, 2])
def test_exchanging_a_level_moves_it_and_the_finer_ones_only(changed):
    system = build("msdae")
    a = system.levels(batch())
    b = [level.clone() for level in a]
    b[changed] = b[changed].flip(0)
    moved = [not torch.equal(x, y) for x, y in zip(system.refine(a), system.refine(b), strict=True)]
    assert moved == [k >= changed for k in range(3)]


def test_stages_train_one_encoder_and_the_unet_and_finer_levels_are_silent():
    system = build("msdae")
    for stage in range(3):
        data = batch() | system.frozen_levels(batch(), stage)
        kept = {name: data[name] for name in (*system.arrays_in(stage), *(f"h{k + 1}" for k in range(stage)))}
        system.zero_grad()
        system.loss(kept, stage, torch.Generator().manual_seed(0)).backward()
        touched = [any(p.grad is not None and p.grad.abs().sum() > 0 for p in e.parameters()) for e in system.encoders]
        assert touched == [k == stage for k in range(3)]
        assert any(p.grad is not None for p in system.unet.parameters())
        levels = system.stage_levels(kept, stage)
        assert [bool(level.abs().sum() > 0) for level in levels] == [k <= stage for k in range(3)]
        moved = {id(p) for module in system.trained_in(stage) for p in module.parameters()}
        assert moved == {id(p) for module in (system.unet, system.encoders[stage]) for p in module.parameters()}


def test_frozen_outputs_are_what_the_encoders_give():
    system = build("msdae")
    data = batch()
    frozen = system.frozen_levels(data, 2)
    whole = system.loss(data, 2, torch.Generator().manual_seed(3))
    cached = system.loss({k: data[k] for k in ("latents", "mel3")} | frozen, 2, torch.Generator().manual_seed(3))
    torch.testing.assert_close(cached, whole)


@pytest.mark.parametrize("placement", sorted(PLACEMENTS))
def test_a_latent_frame_acts_where_it_belongs_in_time(placement):
    """Effect of each frame of each level on the U-Net's conditions, seen on the time axis of the output."""
    place = PLACEMENTS[placement]
    for k in range(3):
        levels = [torch.zeros(1, 1, length) for length in place.lengths(32)]
        frame = levels[k].shape[-1] // 2
        levels[k][..., frame] = 1.0
        for side, conditions in zip((place.encoder, place.decoder), place.conditions(levels, 32), strict=True):
            for level, source in side.items():
                if source == k:
                    length = conditions[level].shape[-1]
                    assert length == 32 >> level
                    centres = (conditions[level][0, 0].nonzero().flatten() + 0.5) / length
                    spread = (centres - (frame + 0.5) / levels[k].shape[-1]).abs().max().item()
                    aligned = spread < 1 / levels[k].shape[-1]
                    # The tiled decoder is the released code's slip: half of the ridge lies half a clip away.
                    assert aligned == (not (place.tiled and side is place.decoder))


@pytest.mark.parametrize("name", ["hdae", "msdae"])
def test_one_batch_can_be_learnt_by_heart(name):
    system, data = build(name).train(), {key: array[..., :1].expand(array.shape) for key, array in batch(8).items()}
    system.fit_scale(data["latents"].mean((0, 2)), data["latents"].std((0, 2)))
    losses = losses_on(system, data, 400, 2e-3)
    assert sum(losses[-20:]) < 0.5 * sum(losses[:20])


@pytest.mark.parametrize("name", ["hdae", "msdae"])
def test_generation_depends_on_noise_and_levels_and_nothing_else(name):
    system, data = build(name), batch()
    noise = torch.randn(3, 8, 32)
    settings = SamplerSettings(steps=4)
    levels = system.levels(data)
    once = system.generate(levels, noise, "alpha_heun", settings)
    assert torch.equal(once, system.generate(levels, noise, "alpha_heun", settings))
    # Alone or in a batch: the same clip. Batched arithmetic may round differently, no more.
    alone = system.generate([level[:1] for level in levels], noise[:1], "alpha_heun", settings)
    torch.testing.assert_close(alone, once[:1], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(once, system.generate([level.flip(0) for level in levels], noise, "alpha_heun", settings))


def test_hdae_refuses_levels_it_does_not_have():
    with pytest.raises(UserError, match="2, 8 and 32 frames"):
        build("hdae", conditioning="levels_1_3_5")


def test_variant_of_the_text_runs():
    system = build("msdae", conditioning="levels_1_3_5", residual="plain", stride="both")
    assert [level.shape[-1] for level in system.levels(batch())] == [2, 8, 32]
    assert system.loss(batch(), 2, torch.Generator().manual_seed(0)).isfinite()


def test_a_copy_of_the_state_is_the_system():
    system, data = build("msdae"), batch()
    other = build("msdae")
    other.load_state_dict(copy.deepcopy(system.state_dict()))
    noise = torch.randn(3, 8, 32)
    settings = SamplerSettings(steps=3)
    assert torch.equal(
        system.generate(system.levels(data), noise, "euler", settings),
        other.generate(other.levels(data), noise, "euler", settings),
    )
