"""Sounds of any length: windows agree, stretches join without a jump, memory stays where it is (P-21, P-22)."""

import tracemalloc
from argparse import Namespace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from etude.audio import stream
from etude.pipeline.trained import find_trained
from etude.play import render as rendering
from etude.play.load import load_player
from etude.play.player import Player
from etude.play.render import SHARED, SHIFT_SECONDS, Source, count_windows, render, stretches
from etude.training.seeds import generator_at
from tests.etude.play.conftest import RATE, WINDOW, tone


def player_of(project, system: str) -> Player:
    return load_player(
        find_trained(Namespace(system=system, dataset="gm_notes", codec="spectral", model_seed=0, scale=None), project)
    )


@pytest.fixture(scope="module", params=["hdae", "msdae"])
def player(project, request) -> Player:
    return player_of(project, request.param)


class Oracle(Player):
    """A player whose denoiser knows the answer: it gives back each window's own codec latents."""

    def __init__(self, player: Player):
        edm = SimpleNamespace(denoise=lambda network, x, sigma: network(x, sigma))
        system = SimpleNamespace(
            frames=player.frames, edm=edm, scale=torch.ones(1), shift=torch.zeros(1), eval=lambda: system,
            parameters=player.system.parameters, conditions=lambda levels: levels,
            unet=lambda x, sigma, latents: latents,
        )  # fmt: skip
        super().__init__(system, player.codec, player.mel, player.window, player.sampler, player.settings)

    def levels(self, audio):
        return [self.codec.encode(audio)]


def drone(pitch: float, seconds: float) -> np.ndarray:
    """A held note that swells slowly: whatever is sudden in it afterwards was not in the source."""
    time = np.arange(round(seconds * RATE)) / RATE
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    sound = sum(np.sin(2 * np.pi * frequency * k * time + k) / k for k in (1, 2, 3))
    return (0.2 * sound * (1 + 0.5 * np.sin(2 * np.pi * 0.3 * time))).astype(np.float32)


def write(path, sound, rate=RATE):
    soundfile.write(path, sound, rate, subtype="FLOAT")
    return path


def first(levels):
    return levels[0]


def rendered(player, sources, samples, mix=first, seed=0, **options) -> np.ndarray:
    return np.concatenate(list(render(player, sources, mix, samples, seed, **options)))


def decibels(sound: np.ndarray, size: int = 256) -> np.ndarray:
    """Level of consecutive short frames."""
    frames = sound[: len(sound) // size * size].reshape(-1, size).astype(np.float64)
    return 10 * np.log10((frames**2).mean(axis=1) + 1e-6)


def test_a_player_knows_its_codecs_hop_and_its_levels(player):
    assert (player.hop, player.step, player.frames) == (256, 16 * 256, 32)
    assert player.level_frames == [4, 8, 16]
    assert player.samples(3) == WINDOW + 2 * player.step


def test_hop_of_codecs_whose_edges_count(player):
    """Music2Latent's law of frames: floor((samples // 512 - 3) / 8); EnCodec's: rounded up."""
    laws = {4096: (lambda n: (n // 512 - 3) // 8, 132608), 320: (lambda n: -(-n // 320), 81920)}
    for hop, (law, window) in laws.items():
        codec = SimpleNamespace(sample_rate=44100, channels=16, frames=law)
        system = SimpleNamespace(frames=law(window), parameters=player.system.parameters)
        system.eval = lambda system=system: system
        made = Player(system, codec, player.mel, window, player.sampler, player.settings)
        assert made.hop == hop
        assert law(made.samples(7)) == made.frames + 6 * (made.frames // 2)


def test_one_window_is_the_systems_own_generation(player):
    levels = player.levels(torch.from_numpy(tone(60, WINDOW / RATE))[None])
    noise = torch.randn(16, 32, generator=torch.Generator().manual_seed(0))
    alone = player.system.generate(levels, noise[None], player.sampler, player.settings)[0]
    torch.testing.assert_close(player.latents(levels, noise), alone)


def test_windows_agree_on_one_sequence_and_weights_sum_to_one(player):
    weights = player._weights(5)
    torch.testing.assert_close(player._overlap(weights), torch.ones(1, 6 * 16))
    constant = torch.full((5, 2, 32), 3.0)
    torch.testing.assert_close(player._overlap(constant * weights), torch.full((2, 96), 3.0))


@pytest.mark.parametrize(("windows", "stretch"), [(1, 12), (2, 12), (12, 12), (13, 12), (22, 12), (23, 12), (100, 5)])
def test_stretches_cover_all_windows_and_share_two(windows, stretch):
    parts = stretches(windows, stretch)
    assert parts[0][0] == 0 and parts[-1][1] == windows
    assert all(last - begin <= stretch for begin, last in parts)
    assert all(a[1] - b[0] == SHARED for a, b in pairwise(parts))
    assert all(last - begin > SHARED for begin, last in parts[1:]), "a stretch that adds nothing"


@pytest.mark.parametrize("samples", [1, 100, WINDOW - 1, WINDOW, WINDOW + 1, 5 * WINDOW + 77])
def test_length_is_what_was_asked_for(player, tmp_path, samples):
    source = Source(write(tmp_path / "a.wav", tone(60, max(samples, 2) / RATE)))
    assert len(rendered(player, [source], samples, stretch=4)) == samples


def test_one_stretch_of_the_oracle_is_the_codecs_round_trip_of_the_whole_file(player, tmp_path):
    samples = 8 * WINDOW
    sound = drone(57, samples / RATE)
    codec = player.codec
    whole = codec.decode(codec.encode(torch.from_numpy(sound)[None]), samples, 0)[0].detach().numpy()
    ours = rendered(Oracle(player), [Source(write(tmp_path / "a.wav", sound))], samples, stretch=100)
    # All the windows' inner frames agree; the two outermost see their window's edge reflected.
    assert np.abs(decibels(ours) - decibels(whole)).max() < 0.5


def joins(player: Player, samples: int, stretch: int) -> list[int]:
    """The middle of each crossfade between two stretches, in samples."""
    windows = count_windows(player, samples, stretch, round(SHIFT_SECONDS * player.rate))
    return [begin * player.step + player.samples(SHARED) // 2 for begin, _ in stretches(windows, stretch)[1:]]


def test_joins_have_no_jump_in_energy_against_an_unchunked_reference(player, tmp_path):
    """Level of 16 ms frames: at the joins no further from the whole file in one piece than that is from itself when
    the codec throws its dice again."""
    samples, stretch, oracle = 12 * WINDOW, 6, Oracle(player)
    source = Source(write(tmp_path / "a.wav", drone(52, samples / RATE)), repeat=True)
    whole, again = (decibels(rendered(oracle, [source], samples, seed=k, stretch=1000)) for k in (0, 1))
    ours = rendered(oracle, [source], samples, stretch=stretch)
    dipped, inside = ours.copy(), np.zeros(samples // 256, bool)
    for seam in joins(player, samples, stretch):
        inside[seam // 256 - 5 : seam // 256 + 5] = True
        dipped[seam : seam + 256] *= 0.5
    assert inside.sum() == 50
    usual = np.abs(again - whole).max()
    error = (decibels(ours) - whole)[inside]
    assert usual < 2.5 and np.abs(error).max() < 1.2 * usual and abs(error.mean()) < 0.2
    assert np.abs(decibels(dipped) - whole)[inside].max() > 1.5 * usual, "a dip of 6 dB would not be seen"


def test_joins_do_not_click(player, tmp_path):
    """Stretches laid end to end do."""
    samples, stretch, oracle = 12 * WINDOW, 6, Oracle(player)
    source = Source(write(tmp_path / "a.wav", drone(40, samples / RATE)), repeat=True)
    assert worst_click(rendered(oracle, [source], samples, stretch=stretch), joins(player, samples, stretch)) < 1.5
    ends = [stretch * player.step * k for k in (1, 2, 3)]
    assert worst_click(end_to_end(oracle, source, samples, stretch), ends) > 3


def worst_click(sound: np.ndarray, seams: list[int]) -> float:
    """Largest bend (second difference) within 40 ms of a seam, over the largest in the 40 ms before and after that."""
    bends = np.abs(np.diff(sound.astype(np.float64), n=2))
    around = [
        (bends[s - 640 : s + 640].max(), max(bends[s - 1280 : s - 640].max(), bends[s + 640 : s + 1280].max()))
        for s in seams
    ]
    return max(inside / outside for inside, outside in around)


def end_to_end(player: Player, source: Source, samples: int, stretch: int) -> np.ndarray:
    """The same without anything shared: stretches sampled and decoded alone, cut and laid end to end."""
    stream = source.windows(player.window, player.step, RATE)
    parts = []
    while sum(map(len, parts)) < samples:
        levels = player.levels(torch.from_numpy(np.stack([next(stream) for _ in range(stretch)])))
        noise = torch.randn(16, (stretch + 1) * 16, generator=generator_at("alone", len(parts)))
        sound = player.decode(player.latents(levels, noise), player.samples(stretch), len(parts)).numpy()
        parts.append(sound[: stretch * player.step])
    return np.concatenate(parts)[:samples]


def test_latents_of_two_stretches_are_nearly_one_where_they_fade(player, tmp_path):
    stream = Source(write(tmp_path / "a.wav", tone(52, 14 * WINDOW / RATE))).windows(WINDOW, player.step, RATE)
    levels = player.levels(torch.from_numpy(np.stack([next(stream) for _ in range(20)])))
    whole = player.latents(levels, rendering._noise(player, 0, 20, 0))
    part = player.latents([level[8:] for level in levels], rendering._noise(player, 8, 20, 0))
    half = player.frames // 2
    error = (part - whole[:, 8 * half :]).abs().mean(0)
    middle = error[half : 2 * half].mean()
    assert middle < 0.35 * error[:half].mean() or middle < 0.02 * whole.std()


def test_the_same_seed_is_the_same_sound_and_another_is_another(player, tmp_path):
    source = Source(write(tmp_path / "a.wav", tone(60, 1.5)))
    once = rendered(player, [source], 20000)
    np.testing.assert_array_equal(once, rendered(player, [source], 20000))
    assert np.abs(once - rendered(player, [source], 20000, seed=1)).max() > 1e-3


def test_a_short_source_is_repeated_or_followed_by_silence(tmp_path):
    sound = tone(60, 0.2)
    path = write(tmp_path / "a.wav", sound)
    repeated = next(Source(path, gain=2.0, repeat=True).windows(8000, 100, RATE))
    np.testing.assert_allclose(repeated, 2 * np.tile(sound, 3)[:8000], atol=1e-6)
    alone = next(Source(path).windows(8000, 100, RATE))
    np.testing.assert_allclose(alone, np.pad(sound, (0, 8000 - len(sound))), atol=1e-6)


def test_memory_does_not_grow_with_the_length(project, tmp_path, monkeypatch):
    """Two lengths, one four times the other, through a player that does no work: what is held at most is the same."""
    monkeypatch.setattr(stream, "BLOCK_SECONDS", 1.0)
    oracle = Oracle(player_of(project, "hdae"))
    monkeypatch.setattr(oracle, "levels", lambda audio: [torch.zeros(len(audio), 16, 32)])
    monkeypatch.setattr(oracle, "decode", lambda latents, samples, seed: torch.zeros(samples))
    path = write(tmp_path / "long.wav", np.tile(tone(60, 1.0), 240))

    def most(samples: int) -> int:
        tracemalloc.start()
        made = sum(len(block) for block in render(oracle, [Source(path)], first, samples, 0))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert made == samples
        return peak

    assert most(240 * RATE) < 1.2 * most(60 * RATE)
