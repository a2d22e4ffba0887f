"""EnCodec's encoder at 24 kHz as an embedding, through frechet-audio-distance: 75 vectors a second, not quantised."""

import tempfile
from pathlib import Path
from typing import Any

from etude.embeddings._package import PackageEmbedding
from etude.embeddings._weights import existing, hashed, weights_path

RATE = 24000  # Hz
HOP = 320  # samples
DIMENSION = 128
FILE = "encodec_24khz-d7cc33bc.th"
SHA256 = "d7cc33bcf1aad7f2dad9836f36431530744abeace3ca033005e3290ed4fa47bf"
ADVICE = f"fetch {FILE} (93,171,529 bytes, from the encodec project) and set judge.encodec.weights to its path"


def obtain(folder: Path, index: Path, settings: Any) -> dict[str, Any]:
    """Check the weight file ``settings.weights`` (``settings.sha256``, the published one by default)."""
    path = weights_path("encodec", settings, ADVICE)
    facts = {
        "dimension": DIMENSION,
        "sample_rate": RATE,
        "window": HOP / RATE,
        "hop": HOP / RATE,
        "front_end": "none: waveform at 24 kHz, EnCodec encoder output before quantisation, one vector per frame",
        "weights": str(path),
        **hashed(path, getattr(settings, "sha256", None) or SHA256),
    }
    load(folder, facts)
    return facts


def load(folder: Path, facts: dict[str, Any]) -> PackageEmbedding:
    """The encoder from the weight file named in ``facts``."""
    path = existing(Path(facts["weights"]), "encodec", ADVICE)
    hashed(path, facts["weights_sha256"])
    with tempfile.TemporaryDirectory() as hub:
        (Path(hub) / "checkpoints").mkdir()
        (Path(hub) / "checkpoints" / FILE).symlink_to(path.resolve())
        return PackageEmbedding("encodec", Path(hub), RATE, DIMENSION, HOP, lambda samples: -(-samples // HOP))
