"""VGGish (Hershey 2017) through frechet-audio-distance: 128 numbers per 0.96 s, without its last ReLU and its PCA."""

from pathlib import Path
from typing import Any

from etude.embeddings._package import PackageEmbedding
from etude.embeddings._weights import existing, hashed, weights_path

RATE = 16000  # Hz
FRAMES, FRAME, HOP = 96, 400, 160  # frames of a window; samples of a frame and between two
DIMENSION = 128
CODE = "harritaylor_torchvggish_master"
FILE = "vggish-10086976.pth"
PCA = "vggish_pca_params-970ea276.pth"
SHA256 = "10086976"  # the first digits, which the file is named after; the rest is not published
ADVICE = (
    f"make a folder with the code of github.com/harritaylor/torchvggish as {CODE}/ and, from its release v0.1, {FILE} "
    f"(288,567,937 bytes) and {PCA} (181,358 bytes) in checkpoints/, and set judge.vggish.weights to that folder"
)


def obtain(folder: Path, index: Path, settings: Any) -> dict[str, Any]:
    """Check the torch.hub folder ``settings.weights``; ``settings.sha256`` is that of the weight file in it."""
    hub = weights_path("vggish", settings, ADVICE)
    weights = existing(hub / "checkpoints" / FILE, "vggish", ADVICE)
    facts = {
        "dimension": DIMENSION,
        "sample_rate": RATE,
        "window": (FRAME + (FRAMES - 1) * HOP) / RATE,
        "hop": FRAMES * HOP / RATE,
        "front_end": "torchvggish log-mel, 64 bands 125-7500 Hz, 25 ms frames every 10 ms, 96 frames, no overlap; no "
        "loudness normalisation; network without its last ReLU, without PCA",
        "weights": str(hub),
        **hashed(weights, getattr(settings, "sha256", None) or SHA256),
    }
    load(folder, facts)
    return facts


def load(folder: Path, facts: dict[str, Any]) -> PackageEmbedding:
    """The network from the hub folder named in ``facts``."""
    hub = Path(facts["weights"])
    for part in (f"{CODE}/hubconf.py", f"checkpoints/{FILE}", f"checkpoints/{PCA}"):
        existing(hub / part, "vggish", ADVICE)
    hashed(hub / "checkpoints" / FILE, facts["weights_sha256"])
    return PackageEmbedding("vggish", hub, RATE, DIMENSION, FRAME + (FRAMES - 1) * HOP, _windows)


def _windows(samples: int) -> int:
    return (1 + (samples - FRAME) // HOP) // FRAMES
