"""Seconds of the paper scale's units of work on this machine's GPU (or CPU): what `etude cost` multiplies.

Trains and samples the networks that params.yaml describes at paper scale, on random clips of the right shapes.

    python benchmarks/paper_scale.py [--steps 20]
"""

import argparse
import platform
import time
from pathlib import Path

import torch
import yaml

from etude.audio.mel import mel_shapes
from etude.config import resolve
from etude.diffusion.samplers import SamplerSettings
from etude.pipeline.stage import namespace
from etude.systems import plugin

ROOT = Path(__file__).parents[1]


def seconds(work, repeats: int) -> float:
    """Mean seconds of ``work()``, after a warm-up."""
    for _ in range(3 if torch.cuda.is_available() else 1):
        work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / repeats


def measure(repeats: int) -> None:
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params = resolve(raw | {"scale": "paper"}, ROOT)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    print(f"{name}, torch {torch.__version__}, {platform.python_version()}")
    mel, batch = params["encode"]["mel"], params["train"]["batch"]
    mels = mel_shapes(mel["samples"], mel["bands"], mel["hop"])
    shapes = {"latents": (64, 32)} | {f"mel{k}": shape for k, shape in enumerate(mels, start=1)}
    for system in params["grid"]["systems"]:
        network = plugin(system).build(namespace(params["systems"][system]), shapes).to(device)
        optimizer = torch.optim.Adam(network.parameters(), 1e-4)
        whole = {key: torch.randn(batch, *shape, device=device) for key, shape in shapes.items()}

        def step(stage, network=network, optimizer=optimizer, whole=whole):
            inputs = {key: whole[key] for key in network.arrays_in(stage)} | network.frozen_levels(whole, stage)
            loss = network.loss(inputs, stage, torch.Generator().manual_seed(0))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

        for stage in range(network.stages):
            took = seconds(lambda stage=stage: step(stage), repeats)
            print(f"{system}: a training step of stage {stage + 1}, batch {batch}: {took:.4f} s")
        sampler = {key: value for key, value in params["generate"]["sampler"].items() if key != "name"}
        clips = params["generate"]["batch"]
        data = {key: torch.randn(clips, *shape, device=device) for key, shape in shapes.items()}
        noise = torch.randn(clips, 64, 32, device=device)

        def draw(network=network, data=data, noise=noise, sampler=sampler):
            network.generate(
                network.levels(data), noise, params["generate"]["sampler"]["name"], SamplerSettings(**sampler)
            )

        with torch.no_grad():
            print(f"{system}: sampling one clip: {seconds(draw, max(1, repeats // 10)) / clips:.5f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    measure(parser.parse_args().steps)
