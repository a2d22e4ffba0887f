"""`etude generate` from the command line, on controls and on what is none."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from etude.audio.files import read_audio
from etude.cli import main
from etude.config.datasets import overlay
from etude.controls.file import write_controls
from etude.pipeline.stage import namespace
from etude.play.controlled import ControlledPlayer
from etude.systems.format import Format
from stages.judge.judge import judge as judge_stage
from tests.stages.melodies import CELL, DDPM, NAMES, RATE, SAMPLER, SPECTRAL, make

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose cells lie where the pipeline leaves them; their networks are nobody's."""
    made = make(tmp_path_factory.mktemp("project"))
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    own = {name: {"system": cell["system"], "format": "latents", "network": "tiny"} for name, cell in _cells().items()}
    params["codec"]["spectral"] |= SPECTRAL
    params["formats"] = overlay(params["formats"], {"latents": {"codec": "spectral", "array": "latents"}})
    params["systems"] |= {cell["system"]: cell["block"] for cell in _cells().values()}
    mante = params["mante2024"]
    mante |= {"cells": own, "networks": {"tiny": CELL["network"]}, "control": CELL["control"]}
    mante["samplers"] |= {"edm": SAMPLER, "ddpm": {"steps": 5, "variance": "beta", "guidance": 0.0}}
    mante["generate"]["untrained"], mante["fidelity"]["free"], mante["figures"]["cells"] = [], [], []
    mante["sweeps"]["cell"] = "edm_latents"
    (made.root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    (made.root / "data/sources").symlink_to(ROOT / "data/sources")
    (made.root / "stages").symlink_to(ROOT / "stages")
    return made


def _cells():
    return {cell["cell"]: cell for cell in (CELL, DDPM)}


@pytest.fixture(autouse=True)
def inside(project, monkeypatch):
    monkeypatch.chdir(project.root)


@pytest.fixture
def line(tmp_path):
    """A control file of 1.2 s: a loud low note of the flute, a rest, a soft high one of the reed, at last nobody's."""
    frames = 75
    tracks = np.zeros((4, frames), np.float32)
    tracks[0, :30], tracks[0, 45:] = 0.9, 0.3
    tracks[1, 45:] = 0.8
    tracks[2, :45], tracks[3, 45:] = 1, 1
    tracks[2:, 70:] = -1
    write_controls(tmp_path / "line.csv", tracks, NAMES, 62.5)
    return tmp_path / "line.csv"


def generate(line, out, *more, system="edm_latents") -> int:
    return main(["generate", "--system", system, "--control", str(line), "-o", str(out), *more])


@pytest.mark.parametrize("system", ["edm_latents", "ddpm_latents"])
def test_a_line_is_played_the_same_every_time_and_another_seed_is_another_take(line, tmp_path, system, capsys):
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        assert generate(line, tmp_path / f"{name}.wav", "--seed", seed, system=system) == 0
    said = capsys.readouterr().out
    assert "1.18 s by" in said and "noise seed 1" in said and "4 of 74 frames leave something free" in said
    for control in ("chroma", "sound and silence", "velocity"):
        assert control in said
    a, b, c = (read_audio(tmp_path / f"{name}.wav")[0] for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c) and len(a) == pytest.approx(1.184 * RATE, abs=1)


def test_seconds_cut_or_hold_and_knobs_change_the_sound(line, tmp_path):
    for number, more in enumerate(
        (["--seconds", "0.5"], ["--seconds", "2.5"], ["--guidance", "2"], ["--steps", "5"], [])
    ):
        assert generate(line, tmp_path / f"{number}.flac", *more) == 0
    sounds = [read_audio(tmp_path / f"{number}.flac")[0] for number in range(5)]
    assert [len(sound) / RATE for sound in sounds[:2]] == pytest.approx([0.496, 2.496], abs=0.01)
    assert not np.array_equal(sounds[2], sounds[4]) and not np.array_equal(sounds[3], sounds[4])


def test_the_instrument_is_told_once_there_is_a_judge(project, line, tmp_path, capsys):
    assert generate(line, tmp_path / "out.wav") == 0
    assert "makes the judge of instruments" in capsys.readouterr().out
    settings = {"embedding": "gm_cnn", "steps": 10, "batch": 8, "lr": 0.003, "width": 4, "seed": 0}
    judge_stage(namespace(settings), project.prepared, project.root / "models/judges/gm_melodies/gm_cnn/judge.json")
    capsys.readouterr()
    assert generate(line, tmp_path / "out.wav") == 0
    assert " of 2 found" in (said := capsys.readouterr().out) or " of 1 found" in said


class Plain:
    """A system whose clips are its noise, and a codec that draws a line through them: what a place sounds like depends
    on the place alone, so that joined stretches must be the sound in one."""

    sample_rate = RATE

    def parameters(self):
        yield torch.zeros(1)

    def noise_shape(self, frames):
        return 1, frames

    def generate(self, controls, noise, sampler, generators):
        assert controls.shape[-1] == noise.shape[-1]
        return noise + controls[:, :1]

    def frames(self, samples):
        return samples // 256 + 1

    def decode(self, latents, samples, seed):
        place = np.arange(samples) / 256
        return torch.from_numpy(np.interp(place, np.arange(latents.shape[-1]), latents[0, 0].numpy()))[None].float()


@pytest.mark.parametrize("seconds", [0.3, 3.9, 4.1, 15.0, 16.02])
def test_joined_stretches_are_the_sound_in_one(project, seconds):
    plain = Plain()
    player = ControlledPlayer(plain, plain, Format.load(project.index.parent), None)
    tracks = np.linspace(0, 1, round(seconds * 62.5), dtype=np.float32)[None]
    joined = np.concatenate(list(player.render(tracks, 3, stretch=4.0)))
    whole = np.concatenate(list(player.render(tracks, 3, stretch=100.0)))
    assert len(joined) == len(whole) == round(tracks.shape[1] / 62.5 * RATE)
    np.testing.assert_allclose(joined, whole, atol=1e-5)
    other = np.concatenate(list(player.render(tracks, 4, stretch=100.0)))
    assert np.abs(other - whole).max() > 0.5


@pytest.mark.parametrize(
    ("text", "more", "sentence"),
    [
        ("time,velocity,piano\n0,1,1\n1,1,1\n", [], "'piano' is not a control"),
        ("time,velocity\n0,3\n1,0\n", [], "row 1 has 3 for velocity"),
        ("velocity\n0.5\n", [], "says nothing of time"),
        ("", [], "0 lines found"),
        (None, [], "line.csv: no such control file"),
        ("ok", ["--seed", "-1"], "--seed -1: give 0 or more"),
        ("ok", ["--seconds", "0"], "--seconds 0: give a number above 0"),
        ("ok", ["--seconds", "nan"], "--seconds nan: give a number above 0"),
        ("ok", ["--steps", "0"], "--steps 0: give 1 or more"),
        ("ok", ["--guidance", "-2"], "--guidance -2: give -1 or more"),
        (
            "ok",
            ["--system", "edm_latent"],
            "--system edm_latent: mante2024.cells in params.yaml describes no such cell",
        ),
        ("ok", ["--system", "ddpm_latents", "--steps", "99"], "--steps 99: ddpm_latents has 20 steps"),
        ("ok", ["--model-seed", "7"], "0/weights.safetensors: not there, so edm_latents"),
        ("ok", ["-o", "out.mp3"], "out.mp3: can be written as .wav or .flac only"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(tmp_path, capsys, text, more, sentence):
    control = tmp_path / "line.csv"
    if text is not None:
        control.write_text("time,velocity,chroma\n0,0.5,0.5\n1,0.5,0.5\n" if text == "ok" else text)
    assert generate(control, tmp_path / "out.wav", *more) == 2
    said = capsys.readouterr().err
    sentence = sentence.replace("0/weights", "7/weights") if "--model-seed" in more else sentence
    assert sentence in said and said.count("\n") == 1 and said.startswith("error: ")
    assert not (tmp_path / "out.wav").exists()


def test_the_control_file_is_not_overwritten(line, capsys):
    before = line.read_bytes()
    assert generate(line, line) == 2 and "is the control file" in capsys.readouterr().err
    assert line.read_bytes() == before


def test_a_format_that_is_broken_is_one_sentence(project, line, tmp_path, capsys):
    facts = project.index.with_name("format.json")
    whole = facts.read_text()
    try:
        facts.write_text("{")
        assert generate(line, tmp_path / "out.wav") == 2
        assert "holds no readable format" in capsys.readouterr().err
    finally:
        facts.write_text(whole)
    assert json.loads(whole)["codec"] == "spectral"
