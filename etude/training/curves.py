"""Loss curves for TensorBoard."""

import shutil
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter


def write_tensorboard(folder: Path, curve: list[dict[str, Any]]) -> None:
    """Write the rows of a loss curve as one event file in ``folder``, in place of what was there.

    Event files carry the time of day, so they lie among the logs: what is versioned is loss.csv.
    """
    shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(str(folder)) as writer:
        for row in curve:
            writer.add_scalar(f"loss/stage{row['stage']}", row["loss"], row["step"])
