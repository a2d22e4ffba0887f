"""What it takes to see that a system learns."""

import torch

from etude.training.loop import Batch, Trainable


def losses_on(system: Trainable, batch: Batch, steps: int, lr: float) -> list[float]:
    """The loss of the last stage in each of ``steps`` steps of Adam on one ``batch``."""
    optimizer, losses = torch.optim.Adam(system.parameters(), lr), []
    for step in range(steps):
        loss = system.loss(batch, system.stages - 1, torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
