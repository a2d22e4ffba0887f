"""A cell of the memoir's tables, that is a system on a format with a network: the same for all stages that need one."""

import json
from pathlib import Path

import torch

from etude.errors import UserError
from etude.systems.controlled import ControlledSystem, build_controlled
from etude.training.weights import load_weights


def read_format(folder: Path) -> dict:
    """What format.json says of the arrays beside it."""
    return json.loads((folder / "format.json").read_text(encoding="utf-8"))


def build_cell(settings, folder: Path, shapes: dict[str, tuple[int, ...]]) -> ControlledSystem:
    """The untrained system of a cell, for clips of ``shapes`` of the format in ``folder``.

    ``settings``: cell, system, block (systems.<system>), network, control, seed. Raises ``UserError`` for a paradigm
    that cannot have the format's data.
    """
    torch.manual_seed(settings.seed)
    try:
        facts = read_format(folder)
        blocks = settings.block, settings.network, settings.control
        return build_controlled(settings.system, *blocks, shapes, facts.get("classes") or 0, facts["controls"])
    except UserError as error:
        raise UserError(f"cell {settings.cell} on format {folder.name}: {error}") from None


def load_cell(settings, folder: Path, shapes: dict[str, tuple[int, ...]], weights: Path) -> ControlledSystem:
    """The trained system of a cell in evaluation mode, on the GPU if there is one.

    Raises ``UserError`` for weights of another network.
    """
    system = build_cell(settings, folder, shapes)
    load_weights(system, weights, f"cell {settings.cell} describes")
    return ready(system)


def ready(system: ControlledSystem) -> ControlledSystem:
    """``system`` in evaluation mode, on the GPU if there is one."""
    return system.to("cuda" if torch.cuda.is_available() else "cpu").eval()
