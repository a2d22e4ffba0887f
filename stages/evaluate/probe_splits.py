"""On which clips a probe is fitted, chosen and judged: the thesis's way and the honest one.

``random`` draws clips, 80/10/10: the same instrument or recording is on both sides, as it must have been in the thesis
(99 % of unseen instruments cannot be told). ``grouped`` keeps every instrument (single notes) or track (stems) on one
side: the data set's own split where that does so, else a draw of groups.
"""

from collections.abc import Sequence

import numpy as np

from stages.prepare.clip import SPLITS
from stages.prepare.prepare import random_split

Row = dict[str, str]
Parts = dict[str, np.ndarray]
"""Positions of the clips in ``train``, ``valid`` and ``test``."""


def random(rows: Sequence[Row]) -> Parts:
    """80/10/10 of the clips, by the hash of their ids."""
    return _parts([random_split(row["clip"]) for row in rows])


def grouped(rows: Sequence[Row]) -> Parts:
    """No instrument (or track, where there are tracks) in two parts of which one is ``train``."""
    groups = [row["track"] or row["instrument"] for row in rows]
    own = [row["split"] for row in rows]
    trained = {group for group, split in zip(groups, own, strict=True) if split == "train"}
    others = {group for group, split in zip(groups, own, strict=True) if split != "train"}
    if trained and others and not trained & others:
        return _parts(own)
    return _parts([random_split(group) for group in groups])


def _parts(names: Sequence[str]) -> Parts:
    return {split: np.flatnonzero(np.array(names) == split) for split in SPLITS}


PROTOCOLS = {"random": random, "grouped": grouped}
