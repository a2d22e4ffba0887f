"""The training loop of every system: stages, averaged weights, resume by default."""

import functools
import math
from abc import ABC, abstractmethod
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from etude.errors import UserError
from etude.pipeline.progress import progress
from etude.training.average import Average
from etude.training.checkpoint import Checkpoint
from etude.training.seeds import generator_at

CACHE_BATCH = 64
Batch = dict[str, Tensor]


class Clips(Protocol):
    """What is trained on."""

    def __len__(self) -> int: ...

    def batch(self, clips: Tensor | slice, names: tuple[str, ...]) -> Batch:
        """The arrays called ``names`` of the clips at positions ``clips``, float32 [clips, ...]."""


class Trainable(nn.Module, ABC):
    """What the loop can train. Most things have one stage; see :mod:`etude.systems.msdae` for one that has three."""

    stages: int = 1
    """Number of training stages; the steps are shared out equally."""

    @abstractmethod
    def loss(self, batch: Batch, stage: int, generator: torch.Generator) -> Tensor:
        """Scalar loss of one batch; all randomness comes from ``generator``."""

    def trained_in(self, stage: int) -> list[nn.Module]:
        """The modules whose parameters move in ``stage``."""
        return [self]

    def arrays_in(self, stage: int) -> tuple[str, ...]:
        """The arrays that a step of ``stage`` reads."""
        return ()

    def arrays_frozen_in(self, stage: int) -> tuple[str, ...]:
        """The arrays whose encodings no longer change in ``stage``."""
        return ()

    def frozen_levels(self, batch: Batch, stage: int) -> Batch:
        """Encodings of those arrays; the loop computes them once for all clips and adds them to each batch."""
        return {}


def train(
    system: Trainable, data: Clips, settings, seed: int, checkpoint: Checkpoint, name: str
) -> list[dict[str, Any]]:
    """Train ``system`` in place on ``data``; return the loss curve, one row per ``settings.log_every`` steps.

    ``settings.steps`` is the total over all stages. Each stage starts with a new Adam and ends with the averaged
    weights in place, so that what the next stage freezes is what will be used. Every ``settings.checkpoint_every``
    steps the whole state is saved; a run that finds a checkpoint goes on from it and ends with the same weights, bit
    for bit on one machine, as one that was never stopped.

    Raises ``UserError`` when the loss is no longer finite.
    """
    device = next(system.parameters()).device
    curve: list[dict[str, Any]] = []
    saved = checkpoint.load()
    first_stage = saved["stage"] if saved else 0
    if saved:
        system.load_state_dict(saved["system"])
        curve = saved["curve"]
    steps = settings.steps // system.stages
    for stage in range(first_stage, system.stages):
        modules = system.trained_in(stage)
        parameters = [parameter for module in modules for parameter in module.parameters()]
        optimizer = torch.optim.Adam(parameters, lr=settings.lr)
        average = Average(modules, settings.ema)
        first_step = 0
        # What is frozen in this stage was final before it, so it is the same after a resume.
        frozen = _frozen(system, data, stage, device)
        if saved:
            first_step = saved["step"]
            optimizer.load_state_dict(saved["optimizer"])
            average.load(saved["average"])
            saved = None
        names = system.arrays_in(stage)
        recent: list[Tensor] = []

        def note(recent=recent) -> str:
            return f"loss {recent[-1].item():.4f}" if recent else ""

        title = f"{name}, stage {stage + 1}/{system.stages}" if system.stages > 1 else name
        for step in progress(range(first_step, steps), title, total=steps, start=first_step, note=note):
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * _rate(step, steps, settings)
            clips = _clips_of_step(len(data), settings.batch, seed, stage, step)
            batch = data.batch(clips, names) | {key: value[clips] for key, value in frozen.items()}
            batch = {key: value.to(device) for key, value in batch.items()}
            loss = system.loss(batch, stage, generator_at(seed, "noise", stage, step))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            average.update()
            recent.append(loss.detach())
            if (step + 1) % settings.log_every == 0 or step + 1 == steps:
                mean = torch.stack(recent).mean().item()
                if not math.isfinite(mean):
                    raise UserError(
                        f"{name}: the loss is {mean} at step {step + 1} of stage {stage + 1}; "
                        f"lower train.lr (now {settings.lr}) or check the data set for outliers"
                    )
                curve.append({"stage": stage + 1, "step": step + 1, "loss": mean})
                recent.clear()
            # Only where the loss row has just been written is the state all there is to know.
            if (step + 1) % settings.checkpoint_every == 0 and not recent:
                checkpoint.save(
                    {
                        "stage": stage,
                        "step": step + 1,
                        "system": system.state_dict(),
                        "optimizer": optimizer.state_dict(),
                        "average": average.state(),
                        "curve": curve,
                    }
                )
        average.copy_to_parameters()
    return curve


def _frozen(system: Trainable, data: Clips, stage: int, device: torch.device) -> dict[str, Tensor]:
    """Outputs of the encoders that are frozen in ``stage``, for every clip, computed once."""
    names = system.arrays_frozen_in(stage)
    if not names:
        return {}
    blocks = []
    for start in progress(range(0, len(data), CACHE_BATCH), "outputs of the frozen encoders"):
        batch = data.batch(slice(start, start + CACHE_BATCH), names)
        blocks.append(system.frozen_levels({key: value.to(device) for key, value in batch.items()}, stage))
    return {key: torch.cat([block[key] for block in blocks]).cpu() for key in blocks[0]}


def _clips_of_step(clips: int, batch: int, seed: int, stage: int, step: int) -> Tensor:
    """Positions of the clips of one step: epochs of shuffled clips, cut into batches, without any state."""
    first, last = step * batch, (step + 1) * batch
    orders = [_order(clips, seed, stage, epoch) for epoch in range(first // clips, (last - 1) // clips + 1)]
    return torch.cat(orders)[first % clips : first % clips + batch]


@functools.lru_cache(maxsize=4)
def _order(clips: int, seed: int, stage: int, epoch: int) -> Tensor:
    return torch.randperm(clips, generator=generator_at(seed, "order", stage, epoch))


def _rate(step: int, steps: int, settings) -> float:
    """Learning rate as a part of its maximum: linear warm-up, then constant or down to zero on a cosine."""
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    if settings.schedule == "constant":
        return 1.0
    done = (step - settings.warmup) / max(1, steps - settings.warmup)
    return 0.5 * (1 + math.cos(math.pi * done))
