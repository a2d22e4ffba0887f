"""Each ablation differs from its system in one thing, and in nothing else (P-26)."""

from pathlib import Path

import pytest
import torch
import yaml

from etude.config import resolve
from etude.errors import UserError
from etude.pipeline.stage import namespace
from etude.systems import plugin
from tests.etude.systems.learning import losses_on
from tests.etude.systems.test_diffusion_autoencoders import SETTINGS, SHAPES, batch

ROOT = Path(__file__).parents[3]
RAW = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def build(name: str):
    torch.manual_seed(0)
    base = resolve(RAW, ROOT)["ablated_systems"].get(name, name)
    system = plugin(name).build(namespace(SETTINGS[base]), SHAPES)
    system.fit_scale(torch.zeros(8), torch.ones(8))
    return system.eval()


@pytest.mark.parametrize("scale", ["laptop", "smoke", "paper"])
def test_an_ablation_has_the_block_of_its_system_whatever_the_scale(scale):
    params = resolve(RAW | {"scale": scale}, ROOT)
    assert sorted(params["ablated_systems"]) == ["hdae_pyramid", "msdae_joint", "msdae_one_mel", "msdae_unrefined"]
    for name, base in params["ablated_systems"].items():
        assert params["systems"][name] == params["systems"][base]


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("ablated_systems", {"msdae_join": "msdae"}, r"msdae_join is not known; did you mean msdae_joint\?"),
        ("ablated_systems", {"msdae_joint": "msdea"}, r"ablated_systems\.msdae_joint is 'msdea'.*did you mean msdae\?"),
        ("systems", RAW["systems"] | {"msdae_joint": {}}, r"systems\.msdae_joint is given, but as an ablation"),
    ],
)
def test_mistakes_are_one_sentence(name, changes, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        resolve(RAW | {name: changes}, ROOT)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["msdae_unrefined", "msdae_joint"])
def test_they_start_from_the_same_network(name):
    ours, theirs = build(name).state_dict(), build("msdae").state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_without_refinement_the_network_sees_each_level_by_itself():
    plain, full = build("msdae_unrefined"), build("msdae")
    levels = plain.levels(batch())
    assert all(torch.equal(a, b) for a, b in zip(levels, full.levels(batch()), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(plain.refine(levels), levels, strict=True))
    assert not torch.equal(full.refine(levels)[2], levels[2])


def test_joint_training_moves_everything_at_once_towards_the_loss_of_the_last_stage():
    joint, staged = build("msdae_joint"), build("msdae")
    assert joint.stages == 1
    loss = joint.loss(batch(), 0, torch.Generator().manual_seed(3))
    torch.testing.assert_close(loss, staged.loss(batch(), 2, torch.Generator().manual_seed(3)))
    loss.backward()
    moved = {id(p) for module in joint.trained_in(0) for p in module.parameters()}
    assert moved == {id(p) for p in joint.parameters()}
    assert all(any(p.grad.abs().sum() > 0 for p in encoder.parameters()) for encoder in joint.encoders)
    assert set(joint.arrays_in(0)) == set(SHAPES) and joint.arrays_frozen_in(0) == ()


def test_with_one_mel_the_coarser_ones_play_no_part():
    one, full = build("msdae_one_mel"), build("msdae")
    data = batch()
    other = data | {name: torch.randn_like(data[name]) for name in ("mel1", "mel2")}
    assert all(torch.equal(a, b) for a, b in zip(one.levels(data), one.levels(other), strict=True))
    assert [level.shape for level in one.levels(data)] == [level.shape for level in full.levels(data)]
    assert all(torch.equal(h, e(data["mel3"])) for h, e in zip(one.levels(data), one.encoders, strict=True))
    for (key, ours), theirs in zip(one.unet.state_dict().items(), full.unet.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs), key
    for stage in range(3):
        frozen = one.frozen_levels({name: data[name] for name in one.arrays_frozen_in(stage)}, stage)
        kept = {name: data[name] for name in one.arrays_in(stage)} | frozen
        whole = one.loss(data, stage, torch.Generator().manual_seed(1))
        torch.testing.assert_close(one.loss(kept, stage, torch.Generator().manual_seed(1)), whole)


def test_hdae_on_the_pyramid_hears_every_mel_and_not_the_latents():
    system, plain = build("hdae_pyramid"), build("hdae")
    data = batch()
    levels = system.levels(data)
    assert [level.shape for level in levels] == [level.shape for level in plain.levels(data)]
    unchanged = system.levels(data | {"latents": torch.randn_like(data["latents"])})
    assert all(torch.equal(a, b) for a, b in zip(levels, unchanged, strict=True))
    for name in ("mel1", "mel2", "mel3"):
        moved = system.levels(data | {name: torch.randn_like(data[name])})
        assert not any(torch.equal(a, b) for a, b in zip(levels, moved, strict=True))
    for (key, ours), theirs in zip(system.unet.state_dict().items(), plain.unet.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs), key
    system.loss(data, 0, torch.Generator().manual_seed(0)).backward()
    assert all(p.grad is not None for p in system.encoder.parameters())


def test_a_mel_is_brought_to_the_frames_of_the_latents_in_its_place_in_time():
    system = build("hdae_pyramid")
    for frames in (16, 32, 64):
        mel = torch.zeros(1, 1, frames)
        mel[..., frames // 4 :: frames] = 1.0
        brought = system._at_latent_frames(mel)
        assert brought.shape[-1] == 32 and brought.sum() / 32 == pytest.approx(1 / frames)
        assert brought[0, 0].nonzero()[0] == 8


def test_one_batch_can_be_learnt_from_the_pyramid():
    system, data = (
        build("hdae_pyramid").train(),
        {key: array[..., :1].expand(array.shape) for key, array in batch(8).items()},
    )
    system.fit_scale(data["latents"].mean((0, 2)), data["latents"].std((0, 2)))
    losses = losses_on(system, data, 60, 2e-3)
    assert sum(losses[-15:]) < 0.9 * sum(losses[:15])
