"""The systems of the papers. ``etude/systems/<name>.py`` is found by its name and has one function:

``build(settings, shapes) -> System``
    ``settings`` is the system's block of params.yaml (systems.<name>), ``shapes`` the shapes of one clip of each
    encoded array (``{"latents": (channels, frames), "mel1": (bands, frames), ...}``).
"""

import importlib
import importlib.util
from types import ModuleType

from etude.errors import UserError


def plugin(name: str) -> ModuleType:
    """The module of system ``name``; raises ``UserError`` when there is none."""
    if not name.isidentifier() or importlib.util.find_spec(f"etude.systems.{name}") is None:
        raise UserError(
            f"no system called {name!r}: grid.systems in params.yaml names files of etude/systems/ (without .py)"
        )
    return importlib.import_module(f"etude.systems.{name}")
