"""The memoir's backbone and the ways to control it (M-19 to M-30)."""

from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from etude.config import resolve
from etude.config.schema import Controls
from etude.networks.branches import GlobalBranch, LocalBranch
from etude.networks.control import CONTROLS
from etude.networks.controlled_unet import CodeEmbedding, ControlledUNet, deal_patches, gather_patches, widths
from etude.networks.joins import Concatenation, CrossAttention, Film, Gate, MixedConvolution, Sum
from etude.networks.noise_embedding import LearntNoiseEmbedding
from etude.networks.unet import ConditionedBlock
from etude.pipeline.stage import namespace

ROOT = Path(__file__).parents[3]
RAW = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
NETWORK = {"base": 8, "factors": [2, 1.5, 1], "up_factors": None, "embedding": 16, "out_kernel": 3, "patch": 1}
CONTROL = {"how": "concatenation", "channels": 8, "side": "encoder", "decimate": 1, "lift": 0, "dropout": 0.3}
SHAPES = {"latents": ((6, 37), 0), "cqt": ((2, 21, 37), 0), "codes": ((4, 37), 11)}
PAPER = {"latents": ((128, 600), 0), "cqt": ((2, 216, 1921), 0), "codes": ((16, 600), 1024)}


def build(form="latents", shapes=SHAPES, control=None, **network) -> ControlledUNet:
    torch.manual_seed(0)
    shape, classes = shapes[form]
    return ControlledUNet(shape, 5, namespace(NETWORK | network), namespace(CONTROL | (control or {})), classes).eval()


def clips(form: str, frames: int = 37, batch: int = 2) -> torch.Tensor:
    shape, classes = SHAPES[form]
    shape = (batch, *shape[:-1], frames)
    generator = torch.Generator().manual_seed(1)
    return torch.randint(classes, shape, generator=generator) if classes else torch.randn(shape, generator=generator)


def millions(name: str, scale: str) -> float:
    params = resolve(RAW | {"scale": scale}, ROOT)["mante2024"]
    form = "cqt" if name == "cqt" else "codes" if name.startswith("codes") else "latents"
    shape, classes = PAPER[form]
    with torch.device("meta"):
        network = ControlledUNet(shape, 5, namespace(params["networks"][name]), namespace(params["control"]), classes)
    return sum(parameter.numel() for parameter in network.parameters()) / 1e6


@pytest.mark.parametrize(("name", "memoirs"), [("cqt", 56.9), ("latents", 225.8), ("codes", 87.9), ("best", 231.6)])
def test_paper_scale_has_the_memoirs_parameter_counts(name, memoirs):
    assert millions(name, "paper") == pytest.approx(memoirs, rel=0.02)


@pytest.mark.parametrize("scale", ["laptop", "paper"])
def test_equal_networks_are_as_large_as_that_of_the_cqt(scale):
    """M-41; and the rejected form for codes is as large as the chosen one."""
    for name in ("latents_equal", "codes_equal"):
        assert millions(name, scale) == pytest.approx(millions("cqt", scale), rel=0.02)
    assert millions("codes_plain", scale) == pytest.approx(millions("codes", scale), rel=0.02)


def test_laptop_scale_keeps_the_memoirs_ratios():
    cqt = millions("cqt", "laptop")
    assert millions("latents", "laptop") / cqt == pytest.approx(225.8 / 56.9, rel=0.1)
    assert millions("codes", "laptop") / cqt == pytest.approx(87.9 / 56.9, rel=0.1)


def test_a_lifted_chroma_is_told_by_twelve_rows_more():
    torch.manual_seed(0)
    network = ControlledUNet((6, 37), 5, namespace(NETWORK), namespace(CONTROL | {"lift": 12}), 0, [1]).eval()
    assert network.branch.layers[0].in_channels == 5 + 12
    assert build().branch.layers[0].in_channels == 5
    controls = torch.rand(2, 5, 37)
    assert network(clips("latents"), torch.ones(2), controls).shape == (2, 6, 37)


@pytest.mark.parametrize("how", ["none", *CONTROLS])
@pytest.mark.parametrize("form", SHAPES)
def test_any_length_comes_back_as_it_came(form, how):
    """37 frames and 21 bins are no multiples of 8, nor are 1 frame and 1921."""
    for side, frames in (("encoder", 37), ("both", 5)):
        network, x = build(form, control={"how": how, "side": side}), clips(form, frames)
        out = network(x, torch.rand(2), torch.rand(2, 5, frames))
        expected = (2, 4, 11, frames) if form == "codes" else x.shape
        assert out.shape == expected and out.isfinite().all()


def test_every_way_is_known_to_params_yaml_and_the_other_way_round():
    assert set(Controls.model_fields["how"].annotation.__args__) == {"none", *CONTROLS}


def test_unet_expand_grows_on_the_way_up_to_the_classes():
    network = build("codes", PAPER, base=8, factors=[1.5, 1], up_factors=[2, 2])
    assert [block.first.out_channels for block in network.unet.decoder] == [
        48,
        24,
    ] and network.unet.out.out_channels == 16 * 1024
    out = network(torch.randint(1024, (1, 16, 600)), torch.rand(1), torch.rand(1, 5, 600))
    assert out.shape == (1, 16, 1024, 600)
    torch.testing.assert_close(out.softmax(2).sum(2), torch.ones(1, 16, 600))


def test_widths_are_products_of_the_factors():
    assert widths(10, [2, 1.5, 1]) == [10, 20, 30, 30]


def test_code_embedding_is_a_linear_map_of_the_one_hot_form():
    layer, x = CodeEmbedding(3, 5, 7), torch.randint(5, (2, 3, 4))
    one_hot = nn.functional.one_hot(x, 5).float().movedim(-1, 2).flatten(1, 2)  # [batch, codes * classes, frames]
    expected = torch.einsum("bkt,kw->bwt", one_hot, layer.vectors.weight)
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("shape", [(2, 3, 8), (2, 3, 7), (2, 3, 8, 12), (1, 2, 5, 7)])
def test_patches_are_dealt_out_as_they_were_gathered(shape):
    x = torch.randn(shape)
    gathered = gather_patches(x, 4)
    assert gathered.shape == (shape[0], shape[1] * 4 ** (len(shape) - 2), *[-(-size // 4) for size in shape[2:]])
    back = deal_patches(gathered, 4)
    torch.testing.assert_close(back[tuple(slice(size) for size in shape)], x)
    assert gather_patches(x, 1) is x and deal_patches(x, 1) is x
    network = build("cqt", patch=4)
    assert network(clips("cqt"), torch.rand(2), torch.rand(2, 5, 37)).shape == (2, 2, 21, 37)


def test_a_block_is_modulated_between_its_convolutions_alone():
    """M-30: zero linear layers leave plain normalisations; two noise levels give two outputs."""
    block, x = ConditionedBlock(6, 4, modulations=1), torch.randn(2, 6, 9)
    e, other = torch.randn(2, 4), torch.randn(2, 4)
    assert not torch.allclose(block(x, e), block(x, other))
    (modulation,) = block.norm.modulations
    nn.init.zeros_(modulation.weight)
    norm, silu = nn.functional.group_norm, nn.functional.silu
    middle = x + silu(norm(block.first(x), 1))
    torch.testing.assert_close(block(x, e), middle + silu(norm(block.second(middle), 1)))
    network = build()
    assert isinstance(network.unet.embedding, LearntNoiseEmbedding)
    outs = [network(clips("latents"), torch.full((2,), level), torch.zeros(2, 5, 37)) for level in (0.1, 0.9)]
    assert not torch.allclose(*outs)


def test_without_skip_weights_it_is_an_autoencoder():
    """M-19: then nothing but the bottom reaches the way up."""
    network, x = build(control={"how": "none"}), clips("latents")
    for block in network.unet.decoder:
        nn.init.zeros_(block.first.weight[:, -(block.first.in_channels - block.first.out_channels) :])
    nn.init.zeros_(network.unet.bottom.first.weight)
    for up in network.unet.up:
        nn.init.zeros_(up.weight)
    once, other = (network(y, torch.zeros(2)) for y in (x, torch.randn_like(x)))
    torch.testing.assert_close(once, other)


def without_norms(module: nn.Module) -> nn.Module:
    """The same with every group normalisation left out: with one group it mixes all frames."""
    for child in module.modules():
        for name, part in list(child.named_children()):
            if isinstance(part, nn.GroupNorm):
                setattr(child, name, nn.Identity())
    return module


def changed_frames(a: torch.Tensor, b: torch.Tensor) -> list[int]:
    return (a - b).abs().flatten(0, -2).amax(0).gt(0).nonzero().flatten().tolist()


def test_a_frame_of_control_acts_within_its_receptive_field():
    torch.manual_seed(0)
    branch, controls = LocalBranch(5, 8, 3), torch.rand(1, 5, 64)
    moved = controls.clone()
    moved[..., 30:33] += 1
    reach, start, stop = 1, 30, 32
    for level, (a, b) in enumerate(zip(branch(controls, 64), branch(moved, 64), strict=True)):
        start, stop = (
            (start - reach, stop + reach) if level == 0 else ((start - 1) // 2 + (start - 1) % 2, (stop + 1) // 2)
        )
        frames = changed_frames(a, b)
        assert frames and min(frames) >= start and max(frames) <= stop and a.shape == (1, 8, 64 >> level)
    network = without_norms(build(factors=[1]))
    x = clips("latents", 128, 1)
    controls = torch.rand(1, 5, 128)
    moved = controls.clone()
    moved[..., 60:63] = -1.0
    frames = changed_frames(*(network(x, torch.zeros(1), c) for c in (controls, moved)))
    assert frames and min(frames) > 60 - 24 and max(frames) < 63 + 24


def test_concatenated_controls_with_zero_weights_are_no_controls():
    """M-23: the control's columns of the convolutions after the join at zero."""
    controlled, x = build(), clips("latents")
    blocks = [*controlled.unet.encoder, controlled.unet.bottom]
    for block in blocks:
        nn.init.zeros_(block.second.weight[:, -8:])
    level = torch.rand(2)
    once, other = (controlled(x, level, controls) for controls in (torch.rand(2, 5, 37), torch.full((2, 5, 37), -1.0)))
    torch.testing.assert_close(once, other)
    plain = build(control={"how": "none"})
    state = {name: value for name, value in controlled.state_dict().items() if not name.startswith("branch")}
    for name in state:
        if name.endswith("second.weight") and state[name].shape != plain.state_dict()[name].shape:
            state[name] = state[name][:, :-8]
    plain.load_state_dict(state)
    torch.testing.assert_close(plain(x, level), once)


@pytest.mark.parametrize("how", sorted(set(CONTROLS) - {"sum", "film", "global_film"}))
def test_controls_are_heard(how):
    network, x = build(control={"how": how}), clips("latents")
    once, other = (network(x, torch.zeros(2), c) for c in (torch.rand(2, 5, 37), torch.full((2, 5, 37), -1.0)))
    assert not torch.allclose(once, other, atol=1e-4)


@pytest.mark.parametrize("how", ["sum", "film", "global_film"])
def test_joins_that_start_as_the_identity_leave_the_trunk_as_it_is_and_learn(how):
    """M-24 to M-26: at first the controls change nothing; the join has a gradient, what feeds it has none yet."""
    network, x = build(control={"how": how}), clips("latents")
    once, other = (network(x, torch.zeros(2), c) for c in (torch.rand(2, 5, 37), torch.full((2, 5, 37), -1.0)))
    torch.testing.assert_close(once, other)
    once.square().mean().backward()
    layer = network.unet.bottom.join.zero if how == "sum" else network.unet.bottom.join.affine
    assert layer.weight.grad.abs().sum() > 0
    assert all(p.grad is None or p.grad.abs().sum() == 0 for p in network.branch.parameters())


def test_film_is_one_map_at_all_times_where_the_control_is_global():
    film, x = Film(6, 4), torch.ones(1, 6, 9)
    nn.init.normal_(film.affine.weight)
    assert film(x, torch.randn(1, 4, 1)).std(-1).max() < 1e-6
    assert [level.shape for level in GlobalBranch(5, 4, 2)(torch.rand(3, 5, 7), 7)] == [(3, 4, 1)] * 3


def test_a_gate_lies_between_nothing_and_all():
    gate, x = Gate(6, 4), torch.ones(2, 6, 3, 9)
    out = gate(x, 10 * torch.randn(2, 4, 1))
    assert out.min() >= 0 and out.max() <= 1
    nn.init.constant_(gate.gate.bias, 60.0)
    nn.init.zeros_(gate.gate.weight)
    torch.testing.assert_close(gate(x, torch.randn(2, 4, 1)), x)


@pytest.mark.parametrize("shape", [(2, 6, 12), (2, 6, 3, 12)])
def test_cross_attention_takes_controls_at_any_rate(shape):
    torch.manual_seed(0)
    x, tokens = torch.randn(shape), torch.randn(2, 8, 5)
    blind, ordered = CrossAttention(6, 8, positions=False), CrossAttention(6, 8)
    shuffled = tokens[..., torch.randperm(5)]
    torch.testing.assert_close(blind(x, tokens), blind(x, shuffled))
    assert not torch.allclose(ordered(x, tokens), ordered(x, shuffled))
    for attention in (blind, ordered):
        one = tokens[..., :1]
        torch.testing.assert_close(attention(x, one.expand(2, 8, 50)), attention(x, one))
    assert not torch.allclose(blind(x, tokens), x)


def test_the_network_takes_controls_at_a_tenth_of_the_frame_rate():
    x, coarse = clips("latents", 40), torch.rand(2, 5, 4)
    for how in ("attention", "concatenation"):
        network = build(control={"how": how, "decimate": 1, "lift": 00})
        held = coarse.repeat_interleave(10, dim=-1)
        torch.testing.assert_close(network(x, torch.zeros(2), coarse), network(x, torch.zeros(2), held))


@pytest.mark.parametrize("axes", [1, 2])
def test_mixed_convolution(axes):
    """M-29: with one expert a plain convolution; linear in the experts' shares."""
    torch.manual_seed(0)
    x = torch.randn(3, 4, *[7] * axes)
    convolve = (nn.functional.conv1d, nn.functional.conv2d)[axes - 1]
    one = MixedConvolution(4, 5, axes, experts=1)
    plain = convolve(x, one.kernels[0], one.bias[0], padding=1)
    torch.testing.assert_close(one(x, torch.randn(3, 5, 2)), x + plain)
    many = MixedConvolution(4, 5, axes, experts=3)
    r, s = torch.rand(3, 3), torch.rand(3, 3)
    torch.testing.assert_close(many.convolve(x, r + 2 * s), many.convolve(x, r) + 2 * many.convolve(x, s))


def test_joins_say_how_many_channels_they_leave():
    x, condition = torch.randn(2, 6, 9), torch.randn(2, 8, 9)
    for join in (Concatenation(6, 8), Film(6, 8), Gate(6, 8), Sum(6, 8), CrossAttention(6, 8), MixedConvolution(6, 8)):
        assert join(x, condition).shape == (2, join.channels, 9)
