"""One training step of multinomial diffusion on codes: ours on class numbers against the same on one-hot arrays.

The rival follows the formulas of multinomial diffusion as they are printed: x_0, x_t and both posteriors are
[batch, codes, classes, frames] in float32, in log space, and the network reads x_t one-hot. Ours never builds one:
codes are embedded, the divergence has a closed form per code (etude/diffusion/categorical.py), and its gradient is
worked out clip by clip. Same weights, same x_t: the losses must agree to 1e-5, ours must take at most a third of the
memory.

    python benchmarks/discrete_step.py [--batch 4] [--frames 300] [--scale laptop] [--device cpu]

Peak memory is what a step adds: on a CPU the process's high-water mark, each step in a process of its own; on a GPU
what torch allocates.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
import yaml
from torch.nn import functional

from etude.config import resolve
from etude.diffusion.categorical import divergence
from etude.diffusion.multinomial import MultinomialDiffusion
from etude.networks.controlled_unet import ControlledUNet
from etude.pipeline.stage import namespace

CODES, CLASSES = 16, 1024


def our_loss(network, now, clean, level, controls, alphas, bars):
    """KL in nats per code, as :class:`etude.diffusion.multinomial.MultinomialDiffusion` computes it."""
    return divergence(network(now, level, controls), now, clean, alphas, bars).mean()


def one_hot_loss(network, now, clean, level, controls, alphas, bars):
    """The same through one-hot arrays in log space."""
    shape = (-1, *[1] * now.ndim)
    alpha, bar = (part.to(now.device, torch.float32).reshape(shape).clamp(max=1 - 1e-7) for part in (alphas, bars))
    classes = network.classes

    def log_one_hot(x):
        empty = torch.full((*x.shape[:2], classes, *x.shape[2:]), math.log(1e-30), device=x.device)
        return empty.scatter_(2, x.unsqueeze(2), 0.0)

    def mixed(log_x, keep):
        return torch.logaddexp(log_x + keep.log(), torch.log1p(-keep) - math.log(classes))

    def posterior(log_x0, log_xt):
        both = mixed(log_xt, alpha) + mixed(log_x0, bar)
        return both - both.logsumexp(2, keepdim=True)

    log_xt, log_x0 = log_one_hot(now), log_one_hot(clean)
    vectors, embedded = network.widen.vectors.weight, network.widen.forward
    # The embedding of codes as the 1x1 convolution of their one-hot form that it equals.
    network.widen.forward = lambda x: functional.conv1d(log_xt.exp().flatten(1, 2), vectors.T[..., None])
    try:
        logits = network(now, level, controls)
    finally:
        network.widen.forward = embedded
    true, model = posterior(log_x0, log_xt), posterior(logits.log_softmax(2), log_xt)
    return (true.exp() * (true - model)).sum(2).mean()


LOSSES = {"ours": our_loss, "one-hot": one_hot_loss}


def step(which, settings):
    """One step: loss, seconds, peak bytes it added."""
    params = resolve(yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8")) | {"scale": settings.scale})
    memoir = params["mante2024"]
    torch.manual_seed(0)
    network = ControlledUNet(
        (CODES, settings.frames), 5, namespace(memoir["networks"]["codes"]), namespace(memoir["control"]), CLASSES
    ).to(settings.device)
    chain = MultinomialDiffusion(classes=CLASSES)
    generator = torch.Generator().manual_seed(0)
    clean = torch.randint(CLASSES, (settings.batch, CODES, settings.frames), generator=generator)
    times = chain.draw_times(settings.batch, generator)
    now = chain.noised(clean, times, generator)
    here, there = chain.alpha_bar[times], chain.alpha_bar[times - 1]
    controls = torch.rand(settings.batch, 5, settings.frames, generator=generator)
    level = (times / chain.steps).float()
    inputs = [part.to(settings.device) for part in (now, clean, level, controls)]

    def go(clips=slice(None)):
        began = time.perf_counter()
        steps = [(here / there)[clips], there[clips]]
        loss = LOSSES[which](network, *[part[clips] for part in inputs], *steps)
        loss.backward()
        return loss.item(), time.perf_counter() - began

    go(slice(0, 1))  # gradients and libraries are there before the count begins
    network.zero_grad(set_to_none=False)
    if settings.device == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        loss, seconds = go()
        peak = torch.cuda.max_memory_allocated() - before
    else:
        before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
        loss, seconds = go()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    return {"loss": loss, "seconds": seconds, "peak": peak}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--scale", default="laptop", choices=["laptop", "paper"])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--only", choices=LOSSES, help=argparse.SUPPRESS)
    settings = parser.parse_args()
    if settings.only:
        print(json.dumps(step(settings.only, settings)))
        return 0
    found = {}
    for which in LOSSES:
        command = [sys.executable, *sys.argv, "--only", which]
        found[which] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        print(f"{which:8} loss {found[which]['loss']:.7f}  peak {found[which]['peak'] / 2**20:8.1f} MiB"
              f"  {found[which]['seconds']:.2f} s", flush=True)  # fmt: skip
    one = CODES * CLASSES * settings.frames * settings.batch * 4 / 2**20
    ours, rival = found["ours"], found["one-hot"]
    ratio, apart = ours["peak"] / rival["peak"], abs(ours["loss"] - rival["loss"])
    good = ratio <= 1 / 3 and apart <= 1e-5
    print(f"one such array: {one:.1f} MiB; memory {ratio:.3f} of the rival's, losses {apart:.1e} apart: "
          + ("as promised" if good else "NOT as promised"))  # fmt: skip
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
