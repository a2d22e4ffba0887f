"""Levels of several clips in one sound (P-22)."""

import pytest
import torch

from etude.diffusion.samplers import SamplerSettings
from etude.systems.recombination import RULES, generate_recombined
from tests.etude.systems.test_diffusion_autoencoders import SHAPES, batch, build

SAMPLER = ("alpha_heun", SamplerSettings(steps=3))
NOISE = torch.randn(2, *SHAPES["latents"], generator=torch.Generator().manual_seed(2))


def clips(system):
    """h of three times two clips."""
    levels = system.levels(batch(6))
    return [[level[k : k + 2] for level in levels] for k in (0, 2, 4)]


@pytest.mark.parametrize("name", ["hdae", "msdae"])
@pytest.mark.parametrize("rule", sorted(RULES))
def test_one_clip_in_all_places_is_its_reconstruction(name, rule):
    system = build(name)
    clip = clips(system)[0]
    expected = system.generate(clip, NOISE, *SAMPLER)
    assert torch.equal(generate_recombined(system, [clip] * 3, rule, NOISE, *SAMPLER), expected)


@pytest.mark.parametrize(
    ("rule", "changed", "moved"),
    [
        ("joint", 0, [True, True, True]),
        ("joint", 1, [False, True, True]),
        ("joint", 2, [False, False, True]),
        ("tilde", 0, [True, False, False]),
        ("tilde", 1, [False, True, False]),
        ("tilde", 2, [False, False, True]),
    ],
)
def test_which_slots_of_the_residual_system_a_level_moves(rule, changed, moved):
    system = build("msdae")
    one, other, _ = clips(system)
    givers = [other if k == changed else one for k in range(3)]
    before, after = RULES[rule](system, [one] * 3), RULES[rule](system, givers)
    assert [not torch.equal(a, b) for a, b in zip(before, after, strict=True)] == moved


def test_the_rules_are_one_where_levels_are_kept_apart():
    system = build("hdae")
    givers = clips(system)
    for a, b in zip(RULES["joint"](system, givers), RULES["tilde"](system, givers), strict=True):
        assert torch.equal(a, b)


def test_the_system_is_itself_again_afterwards():
    system = build("msdae")
    givers = clips(system)
    before = system.generate(givers[0], NOISE, *SAMPLER)
    generate_recombined(system, givers, "joint", NOISE, *SAMPLER)
    assert "refine" not in vars(system)
    assert torch.equal(system.generate(givers[0], NOISE, *SAMPLER), before)
