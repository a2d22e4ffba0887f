"""A project folder with tiny trained systems, as the pipeline leaves it, and sound files of many kinds."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from safetensors.torch import save_file

from etude.codecs.spectral import SpectralCodec
from etude.config import resolve
from etude.pipeline.stage import namespace
from etude.systems import plugin

ROOT = Path(__file__).parents[3]
RATE, WINDOW = 16000, 8192  # samples of a window: 32 latent frames of 256
SPECTRAL = {"n_fft": 256, "hop": 64, "components": 16, "width": 16, "blocks": 1, "phase_iterations": 8}
MEL = {"bands": 32, "hop": 64, "window": 256, "samples": WINDOW}
UNET = {"channels": [16, 16, 16, 16], "embedding": 16}
SYSTEMS = {
    "hdae": {"unet": UNET, "width": 8, "encoder": {"channels": [8, 8, 8], "bottlenecks": [4, 4, 4]}},
    "msdae": {"unet": UNET, "width": 8, "encoder": {"channels": [4, 4, 8], "bottleneck": 4}},
}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


def tone(pitch: float, seconds: float, rate: int = RATE) -> np.ndarray:
    """A note with three harmonics that is struck twice a second: float32 [samples]."""
    time = np.arange(round(seconds * rate)) / rate
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    sound = sum(np.sin(2 * np.pi * frequency * k * time) / k for k in (1, 2, 3))
    return (0.3 * sound * np.exp(-3 * (time % 0.5))).astype(np.float32)


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    """params.yaml and models/ with a codec fitted on tones, and systems that begin where training would."""
    folder = tmp_path_factory.mktemp("project")
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["prepare"]["chunk_samples"] = WINDOW
    params["codec"]["spectral"] |= SPECTRAL
    params["encode"]["mel"] |= MEL
    params["generate"]["sampler"]["steps"] = 4
    for name, block in SYSTEMS.items():
        encoder = params["systems"][name]["encoder"] | block["encoder"]
        params["systems"][name] |= block | {"encoder": encoder}
    params["systems"]["hdae"]["encoder"]["full_rate_bottleneck"] = 0
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    (folder / "data").mkdir()
    (folder / "data/sources").symlink_to(ROOT / "data/sources")

    checked = resolve(params, folder)
    codec = SpectralCodec(namespace(checked["codec"]["spectral"]))
    torch.manual_seed(0)
    clips = np.stack([tone(48 + k, WINDOW / RATE) for k in range(24)])
    codec.fit((clips * 32767).astype(np.int16))
    kept = folder / "models/codecs/gm_notes/spectral"
    kept.mkdir(parents=True)
    save_file(codec.state_dict(), kept / "weights.safetensors")
    (kept / "codec.json").write_text(json.dumps({"chunk_samples": WINDOW, "sample_rate": RATE}))
    latents = codec.encode(torch.from_numpy(clips))
    shapes = {"latents": (16, 32), "mel1": (8, 32), "mel2": (16, 64), "mel3": (32, 128)}
    for name in SYSTEMS:
        torch.manual_seed(1)
        system = plugin(name).build(namespace(checked["systems"][name]), shapes)
        system.fit_scale(latents.mean((0, 2)), latents.std((0, 2)))
        torch.nn.init.normal_(system.unet.out.weight, std=0.1)  # else a new U-Net hears no condition
        weights = folder / f"models/systems/gm_notes/spectral/{name}/0/weights.safetensors"
        weights.parent.mkdir(parents=True)
        save_file({key: value.contiguous() for key, value in system.state_dict().items()}, weights)
    return folder


@pytest.fixture
def sounds(tmp_path) -> dict[str, Path]:
    """Sound files: other rates, channels and depths, and what is no sound at all."""
    made = {
        "low": (tone(48, 2.7), RATE, "PCM_16"),
        "high": (np.stack([tone(72, 2.1, 44100), tone(76, 2.1, 44100)], axis=1), 44100, "PCM_24"),
        "mid": (tone(60, 1.3, 96000), 96000, "FLOAT"),
        "short": (tone(64, 0.2, 22050), 22050, "PCM_16"),
        "eight_bits": (tone(55, 1.0, 11025), 11025, "PCM_U8"),
        "silent": (np.zeros(RATE, np.float32), RATE, "PCM_16"),
        "nan": (np.where(np.arange(RATE) == 5000, np.nan, tone(60, 1.0)), RATE, "FLOAT"),
    }
    for name, (samples, rate, subtype) in made.items():
        soundfile.write(tmp_path / f"{name}.wav", samples, rate, subtype=subtype)
    (tmp_path / "text.wav").write_text("do re mi")
    return {path.stem: path for path in tmp_path.glob("*.wav")}
