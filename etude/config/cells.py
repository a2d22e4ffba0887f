"""The cells of Manté 2024's tables: what each names must be there, and what it puts together must fit."""

import difflib
from collections.abc import Iterable
from typing import Any

from etude.errors import UserError

CONTINUOUS, CODES = "continuous data", "codes"
# What a paradigm diffuses (Table 2.1 of the memoir). A system that is not here may be given either.
STATES = {"ddpm": CONTINUOUS, "edm": CONTINUOUS, "discdpm": CODES}


def check_cells(params: dict[str, Any]) -> None:
    """Raises ``UserError`` for a cell whose parts are not described or do not fit, and for lists that name no cell."""
    mante = params["mante2024"]
    for name, cell in mante["cells"].items():
        where = f"mante2024.cells.{name}"
        for key, known in {
            "system": params["systems"],
            "format": params["formats"],
            "network": mante["networks"],
        }.items():
            _known(f"{where}.{key}", cell[key], known)
        _known(f"{where}.system", cell["system"], mante["samplers"], "mante2024.samplers")
        state = CODES if params["formats"][cell["format"]]["array"] == "codes" else CONTINUOUS
        if STATES.get(cell["system"], state) != state:
            fit = [system for system, needs in STATES.items() if needs == state]
            raise UserError(
                f"params.yaml: {where}: {cell['system']} needs {STATES[cell['system']]}, and format {cell['format']} "
                f"is {state}; name system {' or '.join(fit)}, or another format"
            )
    lists = {
        "generate.untrained": mante["generate"]["untrained"],
        "fidelity.free": mante["fidelity"]["free"],
        "sweeps.cell": [mante["sweeps"]["cell"]],
        "figures.cells": mante["figures"]["cells"],
    }
    for path, names in lists.items():
        for name in names:
            _known(f"mante2024.{path}", name, mante["cells"])
    if mante["cells"][mante["sweeps"]["cell"]]["system"] != "edm":
        raise UserError(
            f"params.yaml: mante2024.sweeps.cell is {mante['sweeps']['cell']!r}, and only edm has churn; name a cell "
            "of it"
        )


def described_cell(params: dict[str, Any], cell: str, seed: int) -> dict[str, Any]:
    """What makes a trained cell what it is, but for how it is trained: the same for whoever builds or loads it."""
    mante = params["mante2024"]
    chosen = mante["cells"][cell]
    return {
        "cell": cell,
        "system": chosen["system"],
        "block": params["systems"][chosen["system"]] | chosen["paradigm"],
        "network": mante["networks"][chosen["network"]],
        "control": mante["control"] | chosen["control"],
        "seed": seed,
    }


def _known(path: str, name: str, known: Iterable[str], where: str = "") -> None:
    if name not in known:
        close = difflib.get_close_matches(name, list(known), n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
        raise UserError(f"params.yaml: {path} names {name!r}, which {where or 'params.yaml'} does not describe; {hint}")
