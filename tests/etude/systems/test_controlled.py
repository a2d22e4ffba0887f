"""Invariants of the memoir's systems (M-10, M-11, M-13, M-16, M-35 to M-41, M-46, M-55)."""

import pytest
import torch

from etude.controls.tracks import FREE, control_features
from etude.errors import UserError
from etude.pipeline.stage import namespace
from etude.systems.controlled import build_controlled, hide
from tests.etude.systems.learning import losses_on

NETWORK = {"base": 8, "factors": [2, 1], "up_factors": None, "embedding": 16, "out_kernel": 1, "patch": 1}
CONTROL = {"how": "concatenation", "channels": 8, "side": "encoder", "decimate": 1, "lift": 0, "dropout": 0.3}
CHAIN = {"steps": 12, "schedule": "linear", "first_beta": 0.01, "last_beta": 0.5}
NAMES = ["velocity", "chroma", "piano", "violin", "trumpet"]
BLOCKS = {
    "ddpm": CHAIN | {"scaling": "channel"},
    "edm": {"sigma_data": 0.5, "noise_mean": -1.2, "noise_std": 1.2, "scaling": "channel"},
    "discdpm": CHAIN | {"schedule": "cosine"},
}
SAMPLERS = {
    "ddpm": {"steps": None, "variance": "beta", "guidance": 0.0},
    "edm": {"name": "stochastic_heun", "steps": 5, "churn": 3.0, "guidance": 0.0},
    "discdpm": {"steps": None, "guidance": 0.0},
}
FORMS = {"ddpm": ((6, 20), 0), "edm": ((2, 9, 20), 0), "discdpm": ((4, 20), 11)}


def build(name: str, form=None, control=None, **block):
    torch.manual_seed(0)
    shape, classes = form or FORMS[name]
    shapes = {"clips": shape, "controls": (5, shape[-1])}
    settings = namespace(BLOCKS[name] | block), namespace(NETWORK), namespace(CONTROL | (control or {}))
    return build_controlled(name, *settings, shapes, classes, NAMES).eval()


def batch(name: str, clips: int = 3) -> dict[str, torch.Tensor]:
    (shape, classes), generator = FORMS[name], torch.Generator().manual_seed(1)
    data = torch.randn(clips, *shape, generator=generator)
    if classes:
        data = torch.randint(classes, (clips, *shape), generator=generator).float()
    return {"clips": data, "controls": torch.rand(clips, 5, shape[-1], generator=generator)}


def generators(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(k) for k in range(count)]


@pytest.mark.parametrize("name", BLOCKS)
def test_clips_of_any_length_that_do_not_depend_on_their_company(name):
    system, frames = build(name), 27
    noise, controls = torch.randn(3, *system.noise_shape(frames)), torch.rand(3, 5, frames)
    sampler = namespace(SAMPLERS[name])
    together = system.generate(controls, noise, sampler, generators(3))
    assert together.shape == noise.shape
    alone = system.generate(controls[1:2], noise[1:2], sampler, generators(3)[1:2])
    torch.testing.assert_close(alone, together[1:2], atol=1e-4, rtol=1e-4)
    assert not torch.equal(system.generate(controls.flip(0), noise, sampler, generators(3)), together)
    if name == "discdpm":
        assert together.dtype == torch.int64 and together.min() >= 0 and together.max() < 11


@pytest.mark.parametrize("name", BLOCKS)
def test_guidance_of_minus_one_does_not_hear_the_controls(name):
    """M-55: w = 0 is the conditional network, w = -1 that of free controls."""
    system = build(name)
    noise, controls = torch.randn(2, *system.noise_shape(20)), torch.rand(2, 5, 20)

    def out(controls, guidance):
        return system.generate(controls, noise, namespace(SAMPLERS[name] | {"guidance": guidance}), generators(2))

    assert torch.equal(out(controls, -1.0), out(torch.full_like(controls, FREE), 0.0))
    assert not torch.equal(out(controls, 1.0), out(controls, 0.0))


@pytest.mark.parametrize("name", BLOCKS)
def test_one_batch_can_be_learnt_by_heart(name):
    system, data = build(name).train(), batch(name, 4)
    if name == "discdpm":
        data["clips"] = data["clips"][:1].expand(data["clips"].shape)
    if name != "discdpm":
        data["clips"] = data["clips"][..., :1].expand(data["clips"].shape).contiguous()
        others = tuple(axis for axis in range(data["clips"].ndim) if axis != 1)
        system.fit_scale(data["clips"].mean(others), data["clips"].std(others))
    losses = losses_on(system, data, 100, 5e-3)
    assert sum(losses[-20:]) < 0.8 * sum(losses[:20])


@pytest.mark.parametrize("name", ["ddpm", "edm"])
@pytest.mark.parametrize("scaling", ["channel", "global", "none"])
def test_scaling_brings_data_to_what_the_paradigm_assumes_and_back(name, scaling):
    """Card, section 5.8: latents far from unit variance, with and without."""
    system = build(name, form=((8, 20), 0), scaling=scaling)
    raw = torch.randn(2000, 8, 20) * torch.logspace(-1, 1, 8)[:, None] + torch.arange(8.0)[:, None]
    system.fit_scale(raw.mean((0, 2)), raw.std((0, 2)))
    scaled = system.normalise(raw)
    torch.testing.assert_close(system.restore(scaled), raw, atol=1e-4, rtol=1e-4)
    if scaling == "none":
        assert torch.equal(scaled, raw)
        return
    assert scaled.square().mean().sqrt().item() == pytest.approx({"ddpm": 1.0, "edm": 0.5}[name], rel=2e-3)
    spread = scaled.std((0, 2))
    assert (spread.max() / spread.min()).item() == pytest.approx(1 if scaling == "channel" else 100, rel=0.02)


def test_features_of_the_controls_are_hidden_independently_and_whole():
    controls, features = torch.rand(40_000, 5, 2), list(control_features(NAMES).values())
    assert features == [slice(0, 1), slice(1, 2), slice(2, 5)]
    hidden = hide(controls, features, 0.3, torch.Generator().manual_seed(1)) == FREE
    assert (controls >= 0).all(), "the clips' own controls were changed"
    found = torch.stack([hidden[:, rows].flatten(1).all(1) for rows in features], dim=1)
    assert torch.equal(found, torch.stack([hidden[:, rows].flatten(1).any(1) for rows in features], dim=1))
    assert found.float().mean(0).tolist() == pytest.approx([0.3] * 3, abs=0.01)
    assert found.all(1).float().mean().item() == pytest.approx(0.027, abs=0.005)
    assert torch.equal(hide(controls, features, 0.0, torch.Generator()), controls)


@pytest.mark.parametrize("name", ["ddpm", "edm"])
def test_a_continuous_paradigm_refuses_codes(name):
    with pytest.raises(UserError, match=f"{name} needs continuous data.*11 classes.*discdpm"):
        build(name, form=FORMS["discdpm"])


def test_multinomial_diffusion_refuses_continuous_data():
    with pytest.raises(UserError, match=r"discdpm diffuses classes.*ddpm or edm"):
        build("discdpm", form=FORMS["ddpm"])


def test_cells_of_one_format_share_the_network():
    """M-35 to M-38: only the paradigm differs."""
    one, other = (build(name, form=((6, 20), 0)) for name in ("ddpm", "edm"))
    assert one.learnable == other.learnable == sum(p.numel() for p in one.network.parameters())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("name", BLOCKS)
def test_without_controls_it_is_an_unconditional_system(name):
    system = build(name, control={"how": "none"})
    data = batch(name)
    del data["controls"]
    assert system.loss(data, 0, torch.Generator().manual_seed(0)).isfinite()
    noise = torch.randn(2, *system.noise_shape(20))
    assert system.generate(None, noise, namespace(SAMPLERS[name]), generators(2)).shape == noise.shape
