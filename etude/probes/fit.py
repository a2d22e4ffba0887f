"""Fit the members of a probe: AdamW, cosine learning rate, each member kept as it was at its best on ``valid``."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
"""(outputs [members, clips, ...], targets [members, clips, ...]) to one mean loss per member [members]."""


class Probe(Protocol):
    """A network of members: the leading axis of inputs and outputs is theirs."""

    def __call__(self, inputs: Tensor) -> Tensor: ...

    def parameters(self) -> Iterator[Tensor]: ...

    def parameters_of(self, member: int) -> list[Tensor]:
        """The parameters of one member alone, as they are (not copies)."""


class FitSettings(Protocol):
    """``epochs`` at most; it ends when no member has become better for ``patience``; ``batch`` in clips; ``lr`` is the
    highest; ``weight_decay`` as AdamW's."""

    epochs: int
    patience: int
    batch: int
    lr: float
    weight_decay: float


@dataclass(frozen=True)
class Cases:
    """Inputs [clips, ...] and targets [clips, ...]; ``pairing`` [members, clips] says whose target a clip gets."""

    inputs: Tensor
    targets: Tensor
    pairing: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """Of positions ``clips`` [members, batch]."""
        return self.inputs[clips], self.targets[self.pairing.gather(1, clips)]


def paired(inputs: Tensor, targets: Tensor, shuffles: Sequence[torch.Generator | None]) -> Cases:
    """Cases in which members with a generator get the targets of other clips, at random: the control."""
    own = torch.arange(len(inputs))
    pairing = [own if generator is None else torch.randperm(len(own), generator=generator) for generator in shuffles]
    return Cases(inputs, targets, torch.stack(pairing).to(inputs.device))


def fit(
    probe: Probe,
    forward: Callable[[Tensor], Tensor],
    loss: Loss,
    train: Cases,
    valid: Cases,
    settings: FitSettings,
    generators: Sequence[torch.Generator],
) -> tuple[Tensor, Tensor]:
    """Train ``probe`` in place; return [members] the lowest loss on ``valid`` and the epoch (1, 2, ...) it came at.

    ``forward`` is what is trained (the probe itself, as a rule); ``generators`` (one per member, on the CPU) draw the
    order of the clips. A remainder smaller than a batch waits for the next epoch, which has another order.
    """
    batch = min(settings.batch, len(train))
    steps = len(train) // batch
    optimizer = torch.optim.AdamW(probe.parameters(), settings.lr, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.lr, total_steps=settings.epochs * steps + 1, pct_start=0.1, cycle_momentum=False
    )
    best = torch.full((len(generators),), torch.inf, device=train.inputs.device)
    best_epoch = torch.zeros(len(generators), dtype=torch.long, device=train.inputs.device)
    kept = [_copy(probe, member) for member in range(len(generators))]
    for epoch in range(1, settings.epochs + 1):
        order = torch.stack([torch.randperm(len(train), generator=generator) for generator in generators])
        order = order.to(train.inputs.device)
        for step in range(steps):
            inputs, targets = train.batch(order[:, step * batch : (step + 1) * batch])
            optimizer.zero_grad(set_to_none=True)
            # A sum over members: the gradient of one does not depend on how many there are.
            loss(forward(inputs), targets).sum().backward()
            optimizer.step()
            schedule.step()
        score = mean_loss(forward, loss, valid, settings.batch)
        better = score < best
        best = torch.where(better, score, best)
        best_epoch[better] = epoch
        for member in better.nonzero().flatten().tolist():
            kept[member] = _copy(probe, member)
        if epoch - int(best_epoch.max()) >= settings.patience:
            break
    with torch.no_grad():
        for member, values in enumerate(kept):
            for parameter, value in zip(probe.parameters_of(member), values, strict=True):
                parameter.copy_(value)
    return best, best_epoch


@torch.no_grad()
def mean_loss(forward: Callable[[Tensor], Tensor], loss: Loss, cases: Cases, batch: int) -> Tensor:
    """Mean loss over ``cases`` of each member."""
    members = len(cases.pairing)
    total = torch.zeros(members, device=cases.inputs.device)
    for start in range(0, len(cases), batch):
        clips = torch.arange(start, min(start + batch, len(cases)), device=cases.inputs.device)
        inputs, targets = cases.batch(clips.expand(members, -1))
        total += loss(forward(inputs), targets) * len(clips)
    return total / len(cases)


@torch.no_grad()
def outputs(probe: Probe, inputs: Tensor, members: int, batch: int) -> Tensor:
    """What the members say of ``inputs`` [clips, ...]: [members, clips, ...]."""
    parts = [probe(part.expand(members, *part.shape)) for part in inputs.split(batch)]
    return torch.cat(parts, dim=1)


def _copy(probe: Probe, member: int) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in probe.parameters_of(member)]
