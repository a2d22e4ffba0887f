"""Which levels a folder of levels holds."""

from pathlib import Path

from etude.audio.clips import protocol


def level_names(folder: Path) -> tuple[str, ...]:
    """Names of the arrays of h in ``folder`` (of :mod:`stages.generate.levels`), coarse to fine, without those of h̃."""
    arrays = protocol(folder / "index.csv")["arrays"]
    return tuple(sorted((name for name in arrays if name.startswith("level")), key=lambda name: arrays[name][-1]))
