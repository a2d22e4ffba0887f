"""FAD of 1,000 clips, d = 128: this implementation against the formula of the frechet-audio-distance package.

    python benchmarks/fad.py

Both get the same embeddings: 1,000 clips of 10 windows, as VGGish gives them for 10 s, float32. "Whole set" times the
formula, from two means and covariances to the distance; "with statistics" adds those, for both sets, which is one
matrix product in either; "per file" is the distance of each clip from the reference's statistics. Promised: the whole
set at least 2, each file at least 20 times as fast. Exits with 1 when a promise is broken or the distances disagree.
"""

import platform
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import scipy

from etude.embeddings._package import package
from etude.metrics.embedded import EmbeddedSet
from etude.metrics.frechet import frechet, root
from etude.metrics.perfile import frechet_per_file

CLIPS, WINDOWS, DIMENSION, REPEATS = 1000, 10, 128, 15
RIVAL_CLIPS = 20  # of the 1,000, for the time per file
PROMISED = {"whole set": 2.0, "per file": 20.0}


def embeddings(seed: int, prefix: str) -> EmbeddedSet:
    """Windows with an uneven spectrum, those of a clip alike."""
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(DIMENSION, DIMENSION)) * np.logspace(0, -1, DIMENSION)[:, None]
    own, shared = (generator.normal(size=(CLIPS, count, DIMENSION)) for count in (WINDOWS, 1))
    vectors = ((own + shared) @ mixing + 0.2 * generator.normal(size=DIMENSION)).astype(np.float32)
    return EmbeddedSet.of([f"{prefix}{number}" for number in range(CLIPS)], list(vectors))


def seconds(*rivals: Callable[[], object]) -> list[float]:
    """Best time of each of ``rivals``, run in turns: other jobs on the machine disturb the best runs least."""
    times = [[] for _ in rivals]
    for _ in range(REPEATS):
        for work, found in zip(rivals, times, strict=True):
            began = time.perf_counter()
            work()
            found.append(time.perf_counter() - began)
    return [min(found) for found in times]


def main() -> int:
    warnings.simplefilter("ignore", DeprecationWarning)  # SciPy's, about the package's sqrtm
    measure = object.__new__(package().FrechetAudioDistance)  # its constructor would load a network
    reference, generated = embeddings(0, "r"), embeddings(1, "g")

    def theirs(vectors: np.ndarray, background: tuple[np.ndarray, np.ndarray]) -> float:
        return measure.calculate_frechet_distance(*background, *measure.calculate_embd_statistics(vectors))

    def their_whole() -> float:
        return theirs(generated.vectors, measure.calculate_embd_statistics(reference.vectors))

    def our_whole() -> float:
        return frechet(root(reference.gaussian()), root(generated.gaussian()))

    background, target = measure.calculate_embd_statistics(reference.vectors), root(reference.gaussian())
    statistics = measure.calculate_embd_statistics(generated.vectors)
    gaussians = reference.gaussian(), generated.gaussian()
    few = generated.part(0, RIVAL_CLIPS)
    found = {
        "whole set": seconds(
            lambda: measure.calculate_frechet_distance(*background, *statistics),
            lambda: frechet(*map(root, gaussians)),
        ),
        "with statistics": seconds(their_whole, our_whole),
        "per file": seconds(
            lambda: [theirs(few.of_clip(position), background) for position in range(RIVAL_CLIPS)],
            lambda: frechet_per_file(target, few),
        ),
    }
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}", end=", ")
    print(f"numpy {np.__version__}, scipy {scipy.__version__}; {CLIPS} clips x {WINDOWS} windows, d = {DIMENSION}")
    kept = True
    for name, (rival, ours) in found.items():
        ratio, promise = rival / ours, PROMISED.get(name)
        kept &= promise is None or ratio >= promise
        per = RIVAL_CLIPS if name == "per file" else 1
        print(f"{name}: package {1e3 * rival / per:.2f} ms, here {1e3 * ours / per:.2f} ms: {ratio:.1f} x", end="")
        print(f" (promised {promise:g} x)" if promise else "")
    exact = EmbeddedSet.of(generated.clips, [generated.of_clip(n).astype(np.float64) for n in range(CLIPS)])
    wide = theirs(exact.vectors, measure.calculate_embd_statistics(reference.vectors.astype(np.float64)))
    gap = abs(our_whole() - wide) / wide
    print(f"distance {our_whole():.10f}, relative difference to the package's in float64 {gap:.1e} (promised 1e-9)")
    return 0 if kept and gap <= 1e-9 else 1


if __name__ == "__main__":
    sys.exit(main())
