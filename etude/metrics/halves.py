"""The floor of a Fréchet distance: half of the reference's files against the other half."""

from etude.metrics.embedded import EmbeddedSet
from etude.metrics.frechet import frechet, root
from etude.metrics.jackknife import Jackknife, frechet_jackknife


def frechet_between_halves(reference: EmbeddedSet, groups: int) -> tuple[float, Jackknife | None]:
    """Plain distance of two halves of the files (by the hash of their ids), and its jackknife over the second half.

    The jackknife is None with fewer than three files. Each half has half the windows, so twice the bias of the whole.
    """
    middle = len(reference) // 2
    first = root(reference.gaussian(range(middle)))
    second = EmbeddedSet(
        reference.clips[middle:],
        reference.vectors[reference.starts[middle] :],
        reference.starts[middle:] - reference.starts[middle],
    )
    plain = frechet(first, root(second.gaussian()))
    return plain, frechet_jackknife(first, second.groups(groups)) if len(second) > 1 else None
