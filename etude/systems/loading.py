"""A controlled system from its weights and from what params.yaml says of its cell."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from etude.errors import UserError
from etude.systems.controlled import ControlledSystem, build_controlled


@dataclass(frozen=True)
class Format:
    """What a cell diffuses: ``format.json`` and the shapes of one clip and its controls in a folder of formats.

    ``centre``: where in its frame a frame's controls are read, 0.5 its middle, 0 its beginning.
    """

    folder: Path
    frames_per_second: float
    controls: list[str]
    codec: str
    array: str
    classes: int
    centre: float
    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def load(cls, folder: Path) -> "Format":
        """Raises ``UserError`` for a folder that holds no whole format."""
        try:
            facts = json.loads((folder / "format.json").read_text(encoding="utf-8"))
            shapes = {name: np.load(folder / f"{name}.npy", mmap_mode="r").shape[1:] for name in ("clips", "controls")}
        except FileNotFoundError as error:
            raise UserError(f"{error.filename}: not found; `etude run {folder / 'index.csv'}` makes it") from None
        except ValueError as error:
            raise UserError(f"{folder}: holds no readable format ({error}); make it again") from None
        return cls(
            folder, float(facts["frames_per_second"]), facts["controls"], facts["codec"], facts["array"],
            int(facts.get("classes") or 0), float(facts.get("centre", 0.5)), shapes,
        )  # fmt: skip


def load_controlled(cell: Any, shapes: dict[str, tuple[int, ...]], classes: int, weights: Path) -> ControlledSystem:
    """The trained system of ``cell`` (system, block, network, control), on the GPU if there is one.

    Raises ``UserError`` for weights that are not there or are of another network.
    """
    system = build_controlled(cell.system, cell.block, cell.network, cell.control, shapes, classes)
    try:
        system.load_state_dict(load_file(weights))
    except FileNotFoundError:
        raise UserError(f"{weights}: not there; `etude run {weights}` trains it") from None
    except (RuntimeError, SafetensorError) as error:
        raise UserError(
            f"{weights}: weights of another network than mante2024 in params.yaml describes for this cell "
            f"({str(error).splitlines()[-1].strip()}); train it again"
        ) from None
    return ready(system)


def ready(system: ControlledSystem) -> ControlledSystem:
    """``system`` on the GPU if there is one, and not in training."""
    return system.to("cuda" if torch.cuda.is_available() else "cpu").eval()
