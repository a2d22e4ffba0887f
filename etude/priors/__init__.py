"""Priors over the levels of a system, which make it a generator of its own (P-72).

``etude/priors/<name>.py`` is found by its name and has one function:

``build(settings, shapes) -> Prior``
    ``settings`` is priors.model of params.yaml, ``shapes`` the [width, frames] of each level by its name, for example
    ``{"level4": (32, 4), "level8": (32, 8), "level16": (32, 16)}``.
"""

import importlib
import importlib.util
from types import ModuleType
from typing import Protocol

from torch import Tensor

from etude.diffusion.samplers import SamplerSettings
from etude.errors import UserError
from etude.training.arrays import EncodedSplit


class Prior(Protocol):
    """A joint distribution of h_1, h_2, h_3; a ``torch.nn.Module``, so that it can be saved and loaded."""

    names: list[str]
    """Of the levels, coarse to fine."""

    def fit(self, levels: EncodedSplit) -> None:
        """Take from the levels of a training split what has a closed form: scales, or everything."""

    def sample(self, noise: list[Tensor], sampler: str, settings: SamplerSettings) -> list[Tensor]:
        """Levels coarse to fine, each [batch, width, frames], from ``noise`` ~ N(0, I) of these shapes.

        ``sampler`` and ``settings`` say how to integrate, where there is anything to.
        """


def plugin(name: str) -> ModuleType:
    """The module of prior ``name``; raises ``UserError`` when there is none."""
    if not name.isidentifier() or importlib.util.find_spec(f"etude.priors.{name}") is None:
        raise UserError(f"no prior called {name!r}: the files of etude/priors/ (without .py) are the names there are")
    return importlib.import_module(f"etude.priors.{name}")


def coarse_to_fine(shapes: dict[str, tuple[int, ...]]) -> list[str]:
    """Names of the levels by their number of frames, fewest first."""
    return sorted(shapes, key=lambda name: shapes[name][-1])
