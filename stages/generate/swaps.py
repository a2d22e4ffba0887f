"""Which levels of which clips are put together: the pairs and triples of the transfer experiment (P-22, P-31).

The choice depends on the clips, their labels and the seed alone, so that all systems and seeds of a table share it.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from etude.audio.clips import id_hash
from etude.errors import UserError
from etude.training.seeds import seed_of

Row = dict[str, str]
PROTOCOLS = ("A", "A_all", "B")


class Swap(NamedTuple):
    """One sound to be made. ``coarse``, ``middle``, ``fine``: the clips that give the levels. ``protocol`` A: the level
    of ``frames`` frames is the ``target``'s, the two others are the ``source``'s; A_all: all are the target's; B: three
    different clips, none of which is source or target. The starting noise is that of clip ``noise``."""

    clip: str
    protocol: str
    frames: str
    source: str
    target: str
    coarse: str
    middle: str
    fine: str
    noise: str


def swaps(rows: Sequence[Row], frames: Sequence[int], settings) -> list[Swap]:
    """All swaps between the clips of ``rows`` (of the index).

    ``frames``: of the levels, coarse first. ``settings``: pairs, triples (how many of each), pairing (uniform |
    different), seed.
    """
    found = []
    for number, (source, target) in enumerate(pairs(rows, settings.pairs, settings.pairing, settings.seed)):
        for k, count in enumerate(frames):
            givers = [target if k == level else source for level in range(len(frames))]
            found.append(Swap(f"a{number:04d}_{count}", "A", str(count), source, target, *givers, noise=source))
        givers = [target] * len(frames)
        found.append(Swap(f"a{number:04d}_all", "A_all", "all", source, target, *givers, noise=source))
    for number, givers in enumerate(triples(rows, settings.triples, settings.pairing, settings.seed)):
        found.append(Swap(f"b{number:04d}", "B", "", "", "", *givers, noise=givers[0]))
    return found


def pairs(rows: Sequence[Row], number: int, pairing: str, seed: int) -> list[tuple[str, str]]:
    """``number`` of (clip, target), a clip as source as often as any other, targets at random.

    ``pairing`` "uniform": any other clip; "different": one of another instrument and, where clips have one, of another
    pitch. Raises ``UserError`` when a clip has no possible target.
    """
    generator = random.Random(seed_of("pairs", seed))
    ordered = sorted(rows, key=lambda row: id_hash(row["clip"]))
    sources = [ordered[i % len(ordered)] for i in range(number)]
    return [(row["clip"], _other(generator, ordered, [row], pairing)["clip"]) for row in sources]


def triples(rows: Sequence[Row], number: int, pairing: str, seed: int) -> list[tuple[str, str, str]]:
    """``number`` of (coarse, middle, fine): three different clips, as :func:`pairs` for each two of them."""
    generator = random.Random(seed_of("triples", seed))
    ordered = sorted(rows, key=lambda row: id_hash(row["clip"]))
    found = []
    for i in range(number):
        chosen = [ordered[i % len(ordered)]]
        while len(chosen) < 3:
            chosen.append(_other(generator, ordered, chosen, pairing))
        found.append(tuple(row["clip"] for row in chosen))
    return found


def _other(generator: random.Random, rows: Sequence[Row], chosen: Sequence[Row], pairing: str) -> Row:
    """A random row that may stand beside all of ``chosen``."""
    candidates = [row for row in rows if all(_allowed(row, other, pairing) for other in chosen)]
    if not candidates:
        wish = {"uniform": "", "different": " of another instrument and another pitch"}[pairing]
        raise UserError(
            f"transfer: among {len(rows)} clips none{wish} can be put beside {chosen[-1]['clip']}; raise "
            "generate.clips or set transfer.pairing to uniform"
        )
    return generator.choice(candidates)


def _allowed(row: Row, other: Row, pairing: str) -> bool:
    if row["clip"] == other["clip"]:
        return False
    if pairing == "uniform":
        return True
    same_pitch = row["pitch"] != "" and row["pitch"] == other["pitch"]
    same_instrument = row["instrument"] != "" and row["instrument"] == other["instrument"]
    return not same_pitch and not same_instrument
