"""Weight files of pretrained networks: local, checked, never downloaded."""

from pathlib import Path
from typing import Any

from etude.errors import UserError
from etude.pipeline.files import sha256_file


def weights_path(name: str, settings: Any, advice: str) -> Path:
    """The path ``settings.weights``, which must be there. ``advice``: how to get it, its name and size."""
    where = getattr(settings, "weights", None)
    if not where:
        raise UserError(f"judge.{name}.weights in params.yaml is not set: {advice}")
    return existing(Path(where), name, advice)


def existing(path: Path, name: str, advice: str) -> Path:
    """``path`` if it exists; otherwise one sentence with ``advice``."""
    if not path.exists():
        raise UserError(f"{path}: weights for {name} not found (judge.{name}.weights in params.yaml): {advice}")
    return path


def hashed(path: Path, expected: str | None) -> dict[str, Any]:
    """``weights_sha256`` and ``weights_bytes`` of a file whose hash must begin with ``expected`` (None: any)."""
    if path.is_dir():
        raise UserError(f"{path}: a folder found, a weight file expected; give the path of the file itself")
    found = sha256_file(path)
    if expected and not found.startswith(expected.lower()):
        raise UserError(
            f"{path}: sha256 {found} found, {expected} expected: another or a damaged file; get it again, "
            "or give its own sha256 in params.yaml if this is the one you mean"
        )
    return {"weights_sha256": found, "weights_bytes": path.stat().st_size}
