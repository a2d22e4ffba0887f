"""Per-file Fréchet distance: which clips are far from the reference set.

A clip has far fewer windows than dimensions, so its distance is mostly bias: compare clips of equal length only.
"""

from etude.metrics.embedded import EmbeddedSet
from etude.metrics.frechet import Root, frechet, root_of


def frechet_per_file(reference: Root, generated: EmbeddedSet) -> dict[str, float]:
    """Distance of the windows of each clip to ``reference``, by clip id."""
    return {
        clip: frechet(root_of(generated.of_clip(position)), reference) for position, clip in enumerate(generated.clips)
    }
