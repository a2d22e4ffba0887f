"""What a cell diffuses, and at which rate: a folder of formats as later stages see it."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from etude.errors import UserError


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
