"""Invariants that hold for the skeleton codec and should for whatever takes its place."""

import numpy as np
import pytest
import torch

from etude.codecs import plugin
from etude.errors import UserError
from etude.pipeline.stage import namespace
from etude.training.checkpoint import Checkpoint

RATE, SAMPLES = 16000, 4096
SETTINGS = {"sample_rate": RATE, "frame": 128, "components": 24}


def notes(clips: int = 40) -> np.ndarray:
    """Decaying notes, int16 [clips, SAMPLES]."""
    generator = np.random.default_rng(0)
    time = np.arange(SAMPLES) / RATE
    pitches = 110 * 2 ** (generator.integers(0, 24, clips) / 12)
    return (8000 * np.sin(2 * np.pi * pitches[:, None] * time) * np.exp(-4 * time)).astype(np.int16)


def codec(folder, **changes):
    settings = namespace(SETTINGS | changes)
    facts = plugin("skeleton").obtain(folder, notes(), RATE, settings, Checkpoint(folder / "checkpoint"))
    assert (folder / facts["weights"]).is_file() and facts["weights_sha256"]
    return plugin("skeleton").load(folder, settings)


def test_a_round_trip_keeps_shapes_and_sound(tmp_path):
    found, audio = codec(tmp_path), torch.from_numpy(notes(3) / 32768).float()
    latents = found.encode(audio)
    assert latents.shape == (3, found.channels, found.frames(SAMPLES))
    back = found.decode(latents, SAMPLES, seed=0)
    assert back.shape == audio.shape
    assert (back - audio).square().mean() < 0.1 * audio.square().mean()
    torch.testing.assert_close(back, found.decode(latents, SAMPLES, seed=0))


def test_all_components_are_exact(tmp_path):
    found, audio = codec(tmp_path, components=128), torch.from_numpy(notes(3) / 32768).float()
    torch.testing.assert_close(found.decode(found.encode(audio), SAMPLES, 0), audio, atol=1e-5, rtol=1e-4)


def test_clips_that_do_not_fit_are_one_sentence(tmp_path):
    with pytest.raises(UserError, match="no multiple"):
        codec(tmp_path).frames(SAMPLES + 1)
    with pytest.raises(UserError, match="the clips have 8000 Hz"):
        plugin("skeleton").obtain(tmp_path, notes(), 8000, namespace(SETTINGS), Checkpoint(tmp_path / "checkpoint"))
