"""The floor of a Fréchet distance: half of the reference's clips against the other half."""

from etude.metrics.embedded import EmbeddedSet
from etude.metrics.frechet import frechet, root
from etude.metrics.jackknife import Jackknife, frechet_jackknife


def frechet_between_halves(reference: EmbeddedSet, groups: int) -> tuple[float, Jackknife | None]:
    """Plain distance of two halves of the clips (by the hash of their ids), and its jackknife.

    The jackknife is None with fewer than three clips. Each half has half the windows, so the plain distance has twice
    the bias of the whole; the jackknife's estimate should be zero within its error.
    """
    middle = len(reference) // 2
    first, second = reference.part(0, middle), reference.part(middle, len(reference))
    plain = frechet(root(first.gaussian()), root(second.gaussian()))
    return plain, frechet_jackknife(first, second, groups)
