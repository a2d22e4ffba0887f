"""A data set of melodies under controls so small that every step takes a second, in the layout of the pipeline.

Two players: sines with few partials and with many; two notes a clip of which the second is softer, then a rest.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from safetensors.torch import save_file

from etude.codecs.spectral import SpectralCodec
from etude.controls.tracks import control_names, control_tracks
from etude.pipeline.files import sha256_bytes, write_csv, write_json
from etude.pipeline.stage import namespace
from etude.systems.cell import build_cell

RATE, SAMPLES = 16000, 32768
PLAYERS = {"flute": (1.0, 0.1), "reed": (1.0, 0.0, 0.6, 0.0, 0.4, 0.3)}
SPLITS = {"train": 12, "valid": 4, "test": 8}
SPECTRAL = {
    "sample_rate": RATE, "n_fft": 256, "hop": 64, "frames_per_latent": 4, "components": 16, "floor_db": -80.0,
    "width": 16, "blocks": 1, "phase_iterations": 8, "seed": 0,
}  # fmt: skip
NAMES = control_names(list(PLAYERS))
CELL = {
    "cell": "edm_latents",
    "system": "edm",
    "block": {"sigma_data": 0.5, "noise_mean": -1.2, "noise_std": 1.2, "scaling": "channel"},
    "network": {"base": 8, "factors": [1, 1], "up_factors": None, "embedding": 16, "out_kernel": 3, "patch": 1},
    "control": {"how": "concatenation", "channels": 8, "side": "encoder", "decimate": 1, "lift": 0, "dropout": 0.3},
    "seed": 0,
}
SAMPLER = {
    "name": "stochastic_heun", "steps": 3, "sigma_min": 0.002, "sigma_max": 80.0, "rho": 7.0, "alpha": 1.0,
    "churn": 0.0, "churn_min": 0.0, "churn_max": float("inf"), "churn_noise": 1.0, "guidance": 0.0,
}  # fmt: skip
DDPM = CELL | {
    "cell": "ddpm_latents",
    "system": "ddpm",
    "block": {"steps": 20, "schedule": "linear", "first_beta": 1e-4, "last_beta": 0.02, "scaling": "channel"},
}


def melody(number: int) -> list[tuple[float, float, float, float]]:
    """Notes [2, 4] of clip ``number``: two pitches, the second one softer."""
    pitch = 48 + 5 * number % 24
    return [(pitch, 0.0, 0.5, 110), (48 + (pitch + 7) % 24, 0.8, 1.4, 50)]


def sound(notes, player: str) -> np.ndarray:
    """int16 [samples]: silent outside the notes."""
    audio = np.zeros(SAMPLES)
    for pitch, onset, offset, velocity in notes:
        time = np.arange(round((offset - onset) * RATE)) / RATE
        frequency = 440 * 2 ** ((pitch - 69) / 12)
        wave = sum(a * np.sin(2 * np.pi * frequency * k * time) for k, a in enumerate(PLAYERS[player], start=1))
        first = round(onset * RATE)
        audio[first : first + len(time)] = (velocity / 127) ** 2 * wave
    return (0.3 * 32767 * audio).astype(np.int16)


def make(root: Path) -> SimpleNamespace:
    """Write a prepared data set, a codec, a format and the weights of two cells below ``root``; their paths."""
    torch.manual_seed(0)
    prepared, rows, notes, sounds, tracks = root / "data/prepared/gm_melodies", [], [], [], []
    prepared.mkdir(parents=True)
    for split, clips in SPLITS.items():
        for k in range(clips):
            number, player = len(rows), list(PLAYERS)[k % 2]
            clip = f"{split}_{k:02d}"
            sounds.append(sound(melody(number), player))
            labels = {"instrument": player, "family": player, "pitch": "", "velocity": "", "track": f"{number}"}
            place = {"clip": clip, "row": number, "split": split, "source": f"{number}.mid", "start": 0}
            rows.append(place | {"seconds": SAMPLES / RATE, "sha256": sha256_bytes(sounds[-1].data)} | labels)
            for note in melody(number):
                notes.append(dict(zip(("clip", "pitch", "onset", "offset", "velocity"), (clip, *note), strict=True)))
    write_csv(prepared / "index.csv", rows, list(rows[0]))
    write_csv(prepared / "notes.csv", notes, list(notes[0]))
    np.save(prepared / "audio.npy", np.stack(sounds))
    write_json(prepared / "protocol.json", {"sample_rate": RATE, "loudness": {"rule": "none"}})

    codec = SpectralCodec(namespace(SPECTRAL))
    codec.fit(np.stack(sounds[: SPLITS["train"]]))
    kept = root / "models/codecs/gm_melodies/spectral"
    kept.mkdir(parents=True)
    save_file(codec.state_dict(), kept / "weights.safetensors")
    write_json(kept / "codec.json", {"chunk_samples": SAMPLES, "sample_rate": RATE})

    latents = codec.encode(torch.from_numpy(np.stack(sounds) / 32768.0).float())
    frames, rate = latents.shape[-1], RATE / 256
    tracks = [
        control_tracks(melody(number), row["instrument"], list(PLAYERS), frames, rate)
        for number, row in enumerate(rows)
    ]
    folder = root / "data/formats/gm_melodies/latents"
    folder.mkdir(parents=True)
    write_csv(folder / "index.csv", rows, list(rows[0]))
    np.save(folder / "clips.npy", latents.numpy())
    np.save(folder / "controls.npy", np.stack(tracks))
    facts = {"frames_per_second": rate, "frames": frames, "controls": NAMES, "codec": "spectral", "array": "latents"}
    (folder / "format.json").write_text(json.dumps(facts))

    shapes = {"clips": latents.shape[1:], "controls": tracks[0].shape}
    weights = {}
    for cell in (CELL, DDPM):
        system = build_cell(namespace(cell), folder, shapes)
        system.fit_scale(latents.mean((0, 2)), latents.std((0, 2)))
        for parameter in system.parameters():  # else a new network, whose last layer is zero, hears no control
            torch.nn.init.normal_(parameter, std=0.1)
        weights[cell["cell"]] = root / f"models/controlled/gm_melodies/{cell['cell']}/0/weights.safetensors"
        weights[cell["cell"]].parent.mkdir(parents=True)
        save_file({k: v.contiguous() for k, v in system.state_dict().items()}, weights[cell["cell"]])
    return SimpleNamespace(
        root=root, prepared=prepared / "index.csv", codec=kept / "codec.json", index=folder / "index.csv",
        weights=weights, frames=frames,
    )  # fmt: skip
