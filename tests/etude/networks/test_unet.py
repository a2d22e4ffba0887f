import pytest
import torch

from etude.networks.adaptive_norm import AdaptiveGroupNorm
from etude.networks.hierarchical_encoder import HierarchicalEncoder
from etude.networks.noise_embedding import NoiseEmbedding
from etude.networks.spectral_encoder import SpectralEncoder, pooled_convolution
from etude.networks.unet import UNet


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def conditioned(width: int) -> tuple[dict[int, int], dict[int, int]]:
    return dict.fromkeys((1, 2, 3), width), dict.fromkeys((0, 1, 2), width)


def test_released_sizes_of_the_networks():
    """Millions of parameters of the released configurations, as counted in the card (P-08, P-09, P-11, P-23)."""
    released = {
        "U-Net, music2latent_mel": (UNet([64, 256, 512, 512, 1024], 64, *conditioned(32)), 20.1347),
        "U-Net, HDAE 01": (UNet([64, 256, 512, 512, 1024], 128, *conditioned(128)), 21.693),
        "U-Net, HDAE 02 and 03": (UNet([64, 128, 256, 512, 1024], 64, *conditioned(64)), 15.350),
        "encoder": (SpectralEncoder([1, 64, 128, 512], 16, 32, 4), 1.0426),
        "HDAE 01": (HierarchicalEncoder([64, 256, 512, 1024], [16, 32, 64], 128, 16), 4.117),
        "HDAE 02": (HierarchicalEncoder([64, 128, 256, 512], [32, 64, 128], 64, 16), 1.139),
        "HDAE 03": (HierarchicalEncoder([64, 128, 256, 512], [2, 8, 32], 64, 2), 1.058),
    }
    for name, (network, millions) in released.items():
        digits = len(str(millions).split(".")[1])
        assert round(count(network) / 1e6, digits) == pytest.approx(millions, abs=1e-9), name


def test_unet_keeps_the_shape_and_stays_finite():
    network = UNet([8, 16, 16], 16, {1: 4}, {0: 4, 2: 3})
    x = torch.zeros(2, 8, 12)
    out = network(
        x, torch.tensor([-1.0, 0.5]), {1: torch.randn(2, 4, 6)}, {0: torch.randn(2, 4, 12), 2: torch.randn(2, 3, 3)}
    )
    assert out.shape == x.shape and out.isfinite().all()


def test_adaptive_norm_is_plain_group_norm_with_scale_one_and_shift_zero():
    norm = AdaptiveGroupNorm(6, 4, uses=2)
    x, embedding = torch.randn(3, 6, 10), torch.randn(3, 4)
    for modulation in norm.modulations:
        torch.nn.init.zeros_(modulation.weight)
    plain = torch.nn.functional.group_norm(x, 1)
    torch.testing.assert_close(norm(x, embedding, use=0), plain)
    torch.testing.assert_close(norm(x, embedding, use=1), plain)


def test_noise_levels_give_different_outputs_and_distinct_embeddings():
    network = UNet([4, 8, 8], 16)
    x = torch.randn(1, 4, 8)
    assert not torch.allclose(network(x, torch.tensor([0.0])), network(x, torch.tensor([1.0])))
    embedding = NoiseEmbedding(64)(torch.tensor([0.0]))
    torch.testing.assert_close(embedding, torch.cat([torch.ones(1, 32), torch.zeros(1, 32)], dim=1))


@pytest.mark.parametrize("stride", ["mel", "both"])
@pytest.mark.parametrize("bands", [None, 30])
def test_spectral_encoder_is_bounded_and_follows_a_shift_in_time(stride, bands):
    torch.manual_seed(0)
    encoder = SpectralEncoder([1, 8, 8, 8], 4, 6, 16, stride=stride, bands=bands).eval()
    mel = torch.rand(2, 30, 256)
    shifted = torch.roll(mel, 256 // 16, dims=-1)
    h, h_shifted = encoder(mel), encoder(shifted)
    assert h.shape == (2, 6, 16) and h.abs().max() < 1
    torch.testing.assert_close(h_shifted[..., 4:-4], h[..., 3:-5], atol=1e-4, rtol=1e-3)


def test_hierarchical_encoder_taps_each_halving():
    encoder = HierarchicalEncoder([8, 16, 16, 16], [2, 3, 5], 7)
    levels = encoder(torch.randn(2, 8, 32))
    assert [tuple(level.shape) for level in levels] == [(2, 2, 16), (2, 3, 8), (2, 5, 4)]
    assert all(level.abs().max() <= 1 for level in levels)


@pytest.mark.parametrize("stride", [(2, 1), (2, 2), (1, 1)])
@pytest.mark.parametrize("bands", [7, 8])
def test_pooling_before_the_convolution_is_pooling_after_it(stride, bands):
    convolution = torch.nn.Conv2d(3, 5, 3, stride=stride, padding=1).double()
    x = torch.randn(2, 3, bands, 32, dtype=torch.float64)
    after = torch.nn.functional.adaptive_avg_pool2d(convolution(x), (1, 4)).squeeze(2)
    torch.testing.assert_close(pooled_convolution(x, convolution, 4), after)
    left = convolution(x).shape[2]
    after = torch.nn.functional.adaptive_avg_pool2d(convolution(x), (left, 4)).flatten(1, 2)
    torch.testing.assert_close(pooled_convolution(x, convolution, 4, left), after)


def test_only_an_encoder_that_keeps_its_bands_tells_a_partial_from_the_same_partial_further_up():
    """A partial far from both ends of the axis, moved by one whole step of the last band."""
    torch.manual_seed(0)
    low, high = torch.zeros(1, 64, 64), torch.zeros(1, 64, 64)
    low[:, 24:27] = high[:, 32:35] = 3.0
    averaged, kept = (SpectralEncoder([1, 4, 4, 4], 4, 6, 4, bands=bands).eval() for bands in (None, 64))
    torch.testing.assert_close(averaged(low), averaged(high), atol=1e-6, rtol=1e-6)
    assert (kept(low) - kept(high)).abs().max() > 1e-3
