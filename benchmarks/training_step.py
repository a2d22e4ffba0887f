"""One training step of the multi-scale system at the thesis's size: ours against the released code's order of work.

The rival computes, in every step, the three mel spectrograms from audio and all three encoders, forward and backward,
with the levels that a stage does not use multiplied by zero, as the released code does. Ours reads mel spectrograms
from memory maps, takes frozen encoders' outputs from a cache, leaves unused encoders out, and averages before the
encoder's last convolution instead of after it. Same weights, same noise: the losses must agree to 1e-5.

    python benchmarks/training_step.py [--batch 8] [--repeats 3]
"""

import argparse
import platform
import statistics
import time
from types import SimpleNamespace

import torch
from torch.nn import functional

from etude.audio.mel import mel_pyramid
from etude.pipeline.stage import namespace
from etude.systems.msdae import build

RATE, SAMPLES = 44100, 131072
SHAPES = {"latents": (64, 32), "mel1": (32, 128), "mel2": (64, 256), "mel3": (128, 512)}
THESIS = {
    "unet": {"channels": [256, 512, 512, 1024], "embedding": 64},
    "width": 32,
    "encoder": {"channels": [64, 128, 512], "bottleneck": 16, "bands": "averaged"},
    "conditioning": "tiled",
    "residual": "cumulative",
    "stride": "mel",
    "whitening": 0.0,
    "sigma_data": 0.5,
    "noise_mean": -1.2,
    "noise_std": 1.2,
}


def released_encoder(encoder, mel):
    """The encoder with its pooling after the last convolution."""
    x = mel[:, None]
    for block, down in zip(encoder.blocks, encoder.down, strict=True):
        x = down(block(x))
    x = functional.adaptive_avg_pool2d(x, (1, encoder.frames)).squeeze(2)
    return torch.tanh(encoder.head(functional.silu(encoder.bottleneck(functional.silu(x)))))


def released_step(system, audio, latents, stage, seed):
    """Loss and gradients as the released code computes them."""
    with torch.no_grad():
        mels = mel_pyramid(audio, RATE, 128, 256, 1024, "recompute")
    levels = [released_encoder(encoder, mel) for encoder, mel in zip(system.encoders, mels, strict=True)]
    levels = [level * (1.0 if k <= stage else 0.0) for k, level in enumerate(levels)]
    system.stage_levels = lambda batch, stage: levels
    try:
        loss = system.loss({"latents": latents}, stage, torch.Generator().manual_seed(seed))
    finally:
        del system.stage_levels
    loss.backward()
    return loss.item()


def our_step(system, batch, stage, seed):
    """Loss and gradients as :func:`etude.training.loop.train` computes them."""
    loss = system.loss(batch, stage, torch.Generator().manual_seed(seed))
    loss.backward()
    return loss.item()


def timed(step, system, repeats):
    """Median seconds of ``step`` and its loss, after one warm-up."""
    seconds = []
    for _ in range(repeats + 1):
        system.zero_grad(set_to_none=True)
        began = time.perf_counter()
        loss = step()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:]), loss


def measure(options: SimpleNamespace) -> None:
    torch.manual_seed(0)
    system = build(namespace(THESIS), SHAPES)
    audio, latents = 0.1 * torch.randn(options.batch, SAMPLES), torch.randn(options.batch, 64, 32)
    mels = mel_pyramid(audio, RATE, 128, 256, 1024, "recompute")
    whole = {"latents": latents} | {f"mel{k}": mel for k, mel in enumerate(mels, start=1)}
    print(
        f"{platform.processor() or platform.machine()}, torch {torch.__version__}, "
        f"{torch.get_num_threads()} threads, batch {options.batch}"
    )
    totals = [0.0, 0.0]
    for stage in range(3):
        for k, encoder in enumerate(system.encoders):
            encoder.requires_grad_(k >= stage)  # the released code freezes what earlier stages trained
        batch = {name: whole[name] for name in system.arrays_in(stage)} | system.frozen_levels(whole, stage)
        ours, loss = timed(lambda b=batch, s=stage: our_step(system, b, s, s), system, options.repeats)
        theirs, rival = timed(lambda s=stage: released_step(system, audio, latents, s, s), system, options.repeats)
        assert abs(loss - rival) <= 1e-5 * abs(rival), f"losses differ: {loss} and {rival}"
        totals = [totals[0] + ours, totals[1] + theirs]
        print(
            f"stage {stage + 1}: released order {theirs:.3f} s, ours {ours:.3f} s, ratio {theirs / ours:.1f}, "
            f"losses {rival:.6f} {loss:.6f}"
        )
    print(
        f"a step of each stage: released order {totals[1]:.2f} s, ours {totals[0]:.2f} s, "
        f"ratio {totals[1] / totals[0]:.1f}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    measure(parser.parse_args())
