"""Codes of EnCodec (M-06): rates, the quantiser's identities, and refusals. The network is the package's own."""

import copy
import warnings
from types import SimpleNamespace

import pytest
import torch

from etude.codecs import encodec
from etude.codecs.codes import CodesCodec, check_codes
from etude.codecs.framed import FramedCodec
from etude.pipeline.files import sha256_file
from tests.etude.codecs.pretrained import hollow, refusal

RATE, SAMPLES = 24000, 6400


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from encodec import EncodecModel

        made = EncodecModel.encodec_model_24khz(pretrained=False)
    for layer in made.quantizer.vq.layers:
        layer._codebook.embed.normal_(std=0.03)
    return made.eval().requires_grad_(False)


def codec(network, **changes):
    chosen = {"bandwidth": 12.0, "components": 0, "latents": "continuous"} | changes
    return encodec.EncodecCodec(network, SimpleNamespace(**chosen))


@pytest.fixture(scope="module")
def audio():
    generator = torch.Generator().manual_seed(0)
    time = torch.arange(SAMPLES) / RATE
    tones = torch.sin(6.2832 * (100 + 2000 * torch.rand(10, 1, generator=generator)) * time)
    return 0.3 * tones + 0.03 * torch.randn(10, SAMPLES, generator=generator)


def test_the_rate_and_the_bandwidths_are_those_of_table_3_1(network):
    assert encodec.RATE / encodec.HOP == 75
    for kbps, codebooks in {1.5: 2, 3.0: 4, 6.0: 8, 12.0: 16, 24.0: 32}.items():
        made = codec(network, bandwidth=kbps)
        assert made.codebooks == codebooks and made.codebooks * 10 * 75 == 1000 * kbps
        assert 2**encodec.BITS == made.classes == network.quantizer.bins


def test_it_has_codes_and_says_where_its_frames_lie(network):
    made = codec(network)
    assert isinstance(made, CodesCodec) and isinstance(made, FramedCodec)
    assert (made.frames_per_second, made.centre, made.frames(8 * RATE)) == (75.0, 0.5, 600)


def test_codes_are_the_packages(network, audio):
    made = codec(network)
    network.set_target_bandwidth(12.0)
    expected = network.encode(audio[:, None])[0][0]
    codes = made.encode_codes(audio)
    assert codes.dtype == torch.int64 and codes.shape == (10, 16, SAMPLES // 320)
    assert (codes != expected).float().mean() < 1e-3  # of equal distances one may be taken or the other
    decoded = network.decode([(codes, None)])[:, 0, :SAMPLES]
    torch.testing.assert_close(made.decode_codes(codes, SAMPLES, 0), decoded, atol=1e-5, rtol=1e-4)


def test_decoding_codes_is_decoding_the_sum_of_their_vectors(network, audio):
    made = codec(network)
    codes = made.encode_codes(audio)
    books = torch.stack([layer.codebook for layer in network.quantizer.vq.layers[:16]])
    total = sum(books[q][codes[:, q]] for q in range(16)).transpose(1, 2)
    torch.testing.assert_close(made.sum_of_codes(codes), total, atol=1e-6, rtol=1e-5)
    assert torch.equal(made.decode_codes(codes, SAMPLES, 0), made.decode(made.sum_of_codes(codes), SAMPLES, 0))


def test_codes_are_of_the_encoders_output_whatever_the_latents_are(network, audio):
    codes = codec(network).encode_codes(audio)
    quantised = codec(network, latents="quantised")
    assert torch.equal(codes, quantised.encode_codes(audio))
    torch.testing.assert_close(quantised.encode(audio), quantised.sum_of_codes(codes), atol=1e-5, rtol=1e-5)


def test_more_codebooks_lower_error(network, audio):
    """With codebooks drawn from what the ones before leave over of other clips, each with a zero among its vectors."""
    made = codec(copy.deepcopy(network))
    residual = made.encode(audio[:5]).transpose(1, 2).reshape(-1, 128)
    generator = torch.Generator().manual_seed(0)
    for layer in made.network.quantizer.vq.layers[:16]:
        book = layer._codebook
        book.embed.copy_(0.5 * residual[torch.randint(len(residual), (1024,), generator=generator)])
        book.embed[0] = 0.0
        residual = residual - book.embed[book.quantize(residual)]
    latents, codes = made.encode(audio[5:]), made.encode_codes(audio[5:])
    errors = [(made.sum_of_codes(codes[:, :n]) - latents).square().mean().item() for n in (1, 2, 4, 8, 16)]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.9 * errors[0]


def test_a_code_out_of_range_is_one_sentence(network):
    made = codec(network)
    codes = torch.zeros(2, 16, 5, dtype=torch.int64)
    for wrong in (-1, 1024):
        codes[1, 3, 2] = wrong
        refusal(f"a code is {wrong} ", "clip 1, codebook 3, frame 2", "0..1023",
                call=lambda: made.decode_codes(codes, 1600, 0))  # fmt: skip
    codes[1, 3, 2] = 1023
    assert made.decode_codes(codes, 1600, 0).shape == (2, 1600)


def test_what_is_no_array_of_codes_is_one_sentence():
    refusal("torch.float32", call=lambda: check_codes(torch.zeros(1, 16, 5), 16, 1024))
    refusal("[1, 17, 5]", "1 to 16 codebooks", call=lambda: check_codes(torch.zeros(1, 17, 5).long(), 16, 1024))
    refusal("[16, 5]", call=lambda: check_codes(torch.zeros(16, 5).long(), 16, 1024))
    check_codes(torch.zeros(1, 16, 0).long(), 16, 1024)


def test_weights_for_a_lower_bandwidth_are_refused(network, tmp_path):
    path = tmp_path / "six.th"
    kept = {k: v for k, v in hollow(network.state_dict()).items()
            if not k.startswith("quantizer.vq.layers.") or int(k.split(".")[3]) < 8}  # fmt: skip
    torch.save(kept, path)
    chosen = {"weights": str(path), "sha256": sha256_file(path), "bandwidth": 12.0, "components": 0}
    settings = SimpleNamespace(**chosen, latents="continuous")
    refusal("8 codebooks", "6 kbps", "12 kbps", "16", call=lambda: encodec.load(tmp_path, settings))
