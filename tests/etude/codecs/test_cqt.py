"""The CQT against closed forms: sines, a tight frame's identities, the grid of the memoir (M-04)."""

import math
import os
from types import SimpleNamespace

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from etude.codecs import cqt, plugin
from etude.codecs.framed import FramedCodec
from etude.pipeline.files import write_json
from tests.etude.codecs.pretrained import refusal

RATE = 24000
MEMOIR = {"sample_rate": RATE, "f_min": 130.81, "bins_per_octave": 36, "bins": 216, "hop": 100}
SMALL = MEMOIR | {"f_min": 261.63, "bins_per_octave": 12, "bins": 36, "hop": 160}


def settings(grid, **changes):
    return SimpleNamespace(**grid | {"iterations": 4, "deviation": 0.5} | changes)


def codec(grid=SMALL, **changes):
    return cqt.CqtCodec(settings(grid, **changes))


def sine(frequency, samples=2 * RATE, phase=0.3):
    return torch.cos(2 * math.pi * frequency * torch.arange(samples, dtype=torch.float64) / RATE + phase).float()[None]


def band_limited(low, high, clips, samples=2 * RATE, fade=0.25):
    """Noise between ``low`` and ``high`` Hz that begins and ends in silence."""
    generator = torch.Generator().manual_seed(0)
    spectrum = torch.fft.rfft(torch.randn(clips, samples, generator=generator))
    frequency = torch.fft.rfftfreq(samples, 1 / RATE)
    sound = torch.fft.irfft(spectrum * ((frequency > low) & (frequency < high)), samples)
    ramp = torch.sin(math.pi / 2 * torch.linspace(0, 1, round(fade * samples))) ** 2
    window = torch.cat([ramp, torch.ones(samples - 2 * len(ramp)), ramp.flip(0)])
    return 0.1 * sound / sound.std() * window


def decibels(reference, estimate):
    return (10 * torch.log10(reference.square().sum(1) / (reference - estimate).square().sum(1))).min().item()


def test_it_is_found_by_its_name_and_says_where_its_frames_lie():
    assert plugin("cqt") is cqt
    made = codec(MEMOIR)
    assert isinstance(made, FramedCodec)
    assert (made.frames_per_second, made.centre) == (240.0, 0.0)


@pytest.mark.parametrize(("seconds", "frames"), [(8, 1921), (4, 961)])
def test_shapes_are_the_memoirs(seconds, frames):
    made = codec(MEMOIR)
    latents = made.encode(torch.zeros(1, seconds * RATE))
    assert latents.shape == (1, 2, 216, frames) and made.frames(seconds * RATE) == frames
    assert made.decode(latents, seconds * RATE, 0).shape == (1, seconds * RATE)
    assert made.grid.centres[-1] == pytest.approx(8212, abs=1)


@pytest.mark.parametrize("b", [0, 7, 35])
def test_a_sine_peaks_in_its_bin_and_turns_by_its_frequency(b):
    made = codec()
    frequency = made.grid.centres[b]
    latents = made.encode(sine(frequency))[0]
    values = torch.complex(latents[0], latents[1])[:, 50:-50]
    assert (values.abs().argmax(0) == b).all()
    turn = torch.angle(values[b, 1:] / values[b, :-1]).double()
    expected = 2 * math.pi * frequency * SMALL["hop"] / RATE
    difference = torch.remainder(turn - expected + math.pi, 2 * math.pi) - math.pi
    assert difference.abs().max() < 1e-3
    assert torch.angle(torch.complex(*made.encode(sine(frequency, phase=0.3))[0, :, b, 60])) == pytest.approx(
        math.remainder(0.3 + 60 * expected, 2 * math.pi), abs=1e-3
    )


def test_an_octave_up_is_a_dozen_bins_up():
    made = codec()
    low, high = (made.encode(sine(f))[0].square().sum(0)[:, 50:-50].mean(1) for f in (300.0, 600.0))
    peak = low.argmax()
    torch.testing.assert_close(high[12:][peak - 1 : peak + 2], low[peak - 1 : peak + 2], rtol=1e-3, atol=1e-3)


def test_the_memoirs_grid_moves_by_36_bins():
    made = codec(MEMOIR)
    low, high = (made.encode(sine(f, RATE))[0].square().sum(0).mean(1).argmax() for f in (300.0, 600.0))
    assert high - low == 36


@pytest.mark.parametrize("grid", [MEMOIR, SMALL, SMALL | {"hop": 150}, MEMOIR | {"bins": 160, "hop": 400}])
def test_windows_add_up_to_one_in_the_band_and_none_is_wider_than_the_frame_rate(grid):
    made = cqt.Grid(settings(grid))
    low, high = made.band
    octaves = np.log2(np.linspace(low * 1.0001, high * 0.9999, 4001))
    total = sum(made.window(b, octaves) ** 2 for b in range(made.bins))
    np.testing.assert_allclose(total, 1, atol=1e-9)
    widths = [np.subtract(*made.support(b)[::-1]) for b in range(made.bins)]
    assert max(widths) <= RATE / grid["hop"] * (1 + 1e-9)


def test_energy_is_kept():
    """A tight frame: coefficients are as large as the sound, when it ends in silence."""
    made = codec()
    sound = band_limited(300, 1800, 3)
    size = made.encode(sound).square().sum((1, 2, 3))
    torch.testing.assert_close(size, sound.square().sum(1), rtol=1e-3, atol=0)


def test_the_adjoint_is_the_adjoint():
    frame = cqt.Frame(cqt.Grid(settings(SMALL)), 9000)
    generator = torch.Generator().manual_seed(1)
    sound = torch.randn(1, 9000, generator=generator)
    other = torch.randn(1, 2, 36, frame.kept, generator=generator)
    image = frame.analyse(sound)
    left = (image.real * other[:, 0] + image.imag * other[:, 1]).sum()
    right = (sound * frame.adjoint(torch.complex(other[:, 0], other[:, 1]))).sum()
    torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("grid", "band"), [(MEMOIR, (140, 8000)), (MEMOIR | {"bins": 160, "hop": 400}, (140, 2700)), (SMALL, (280, 1800))]
)
def test_what_lies_in_the_band_comes_back(grid, band):
    made = codec(grid)
    made.scale.fill_(0.07)
    sound = band_limited(*band, 2)
    assert decibels(sound, made.decode(made.encode(sound), sound.shape[1], 0)) > 60


def test_a_clip_that_is_cut_off_comes_back_the_better_the_more_iterations():
    sound = band_limited(280, 1800, 2)[:, RATE // 2 : RATE // 2 + 20000]
    errors = []
    for iterations in (0, 4, 16):
        made = codec(iterations=iterations)
        errors.append(decibels(sound, made.decode(made.encode(sound), 20000, 0)))
    assert errors == sorted(errors) and errors[1] > 25


def test_half_precision_costs_nothing_that_is_heard():
    made = codec()
    sound = band_limited(300, 1800, 2)
    latents = made.encode(sound)
    assert decibels(sound, made.decode(latents.half().float(), sound.shape[1], 0)) > 60


def test_a_clip_does_not_depend_on_its_batch():
    made = codec()
    sound = band_limited(300, 1800, 10, 8000)
    latents = made.encode(sound)
    torch.testing.assert_close(made.encode(sound[9:])[0], latents[9], atol=1e-6, rtol=0)
    torch.testing.assert_close(
        made.decode(latents[9:], 8000, 1)[0], made.decode(latents, 8000, 0)[9], atol=1e-6, rtol=0
    )


@hypothesis.settings(deadline=None, max_examples=15)
@hypothesis.given(samples=st.integers(1800, 9000))
def test_any_length(samples):
    made = codec()
    latents = made.encode(sine(500.0, samples))
    assert latents.shape == (1, 2, 36, made.frames(samples)) and made.frames(samples) == samples // 160 + 1
    assert decibels(sine(500.0, samples), made.decode(latents, samples, 0)) > 20


def obtained(folder, chosen, level=0.2):
    generator = np.random.default_rng(0)
    audio = (level * 32767 * generator.standard_normal((4, RATE)).clip(-3, 3)).astype(np.int16)
    facts = cqt.obtain(folder, audio, RATE, chosen, None)
    write_json(folder / "codec.json", facts)
    return cqt.load(folder, chosen), facts, torch.from_numpy(audio / 32768).float()


def test_the_scale_gives_the_train_split_the_deviation_that_is_wanted(tmp_path):
    made, facts, audio = obtained(tmp_path, settings(SMALL, deviation=0.5))
    assert made.encode(audio).square().mean().sqrt() == pytest.approx(0.5, rel=1e-4)
    low, high = facts["band_hz"]
    assert facts["energy_in_band"] == pytest.approx((high - low) / (RATE / 2), rel=0.05)  # of white noise
    assert facts["redundancy"] == pytest.approx(36 * 150 / (high - low))
    again = cqt.obtain(tmp_path, (audio.numpy() * 32768).astype(np.int16), RATE, settings(SMALL), None)
    assert again == facts and sorted(os.listdir(tmp_path)) == ["weights.safetensors"]


def test_silence_has_a_scale_too(tmp_path):
    made, _, _ = obtained(tmp_path, settings(SMALL), level=0.0)
    assert torch.isfinite(made.encode(torch.zeros(1, RATE))).all()


class TestRefused:
    """One sentence each."""

    def test_bins_beyond_the_sample_rate(self):
        sentence = refusal("missing", "12000 Hz", call=lambda: codec(MEMOIR | {"bins": 250}))
        advised = int(sentence.split("set bins to ")[1].split()[0])
        codec(MEMOIR | {"bins": advised, "hop": 50})
        refusal("missing", call=lambda: codec(MEMOIR | {"bins": advised + 1, "hop": 50}))

    def test_a_hop_too_long_for_the_widest_bin(self):
        sentence = refusal("inverted", "hop of 150", "160 frames", call=lambda: codec(MEMOIR | {"hop": 150}))
        advised = int(sentence.split("set hop to ")[1].split()[0])
        codec(MEMOIR | {"hop": advised})
        refusal("inverted", call=lambda: codec(MEMOIR | {"hop": advised + 1}))

    def test_bins_missing_in_what_is_to_be_decoded(self):
        made = codec()
        latents = made.encode(torch.zeros(1, 8000))
        refusal("[2, 35, 51]", "[2, 36, 51]", "inverted", call=lambda: made.decode(latents[:, :, 1:], 8000, 0))
        refusal("[2, 36, 50]", call=lambda: made.decode(latents[..., 1:], 8000, 0))
        refusal("[2, 36]", call=lambda: made.decode(latents[..., 0], 8000, 0))

    def test_a_clip_shorter_than_the_lowest_bin(self):
        refusal(
            "3000 samples",
            "261.63 Hz",
            call=lambda: codec(SMALL | {"bins_per_octave": 36}).encode(torch.zeros(1, 3000)),
        )

    def test_another_rate(self, tmp_path):
        audio = np.zeros((1, 8000), np.int16)
        refusal("24000", "16000", call=lambda: cqt.obtain(tmp_path, audio, 16000, settings(SMALL), None))

    def test_a_grid_or_scale_other_than_recorded(self, tmp_path):
        obtained(tmp_path, settings(SMALL))
        refusal("band_hz", call=lambda: cqt.load(tmp_path, settings(SMALL | {"bins": 30})))
        refusal("recorded", call=lambda: cqt.load(tmp_path, settings(SMALL | {"hop": 120})))
        refusal("weights_sha256", call=lambda: self._after_other_clips(tmp_path))
        (tmp_path / "weights.safetensors").write_bytes(b"nothing")
        refusal("weights.safetensors", "build models/codecs again", call=lambda: cqt.load(tmp_path, settings(SMALL)))
        (tmp_path / "weights.safetensors").unlink()
        refusal("weights.safetensors", call=lambda: cqt.load(tmp_path, settings(SMALL)))

    @staticmethod
    def _after_other_clips(folder):
        """The scale of other clips lies where another is recorded."""
        record = (folder / "codec.json").read_bytes()
        obtained(folder, settings(SMALL), level=0.1)
        (folder / "codec.json").write_bytes(record)
        return cqt.load(folder, settings(SMALL))
