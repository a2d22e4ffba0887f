"""Names for checkpoints: one per configuration, so that a resumed run never mixes two."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from etude.pipeline.digest import code_digest
from etude.pipeline.files import sha256_file


def fingerprint(stage: str, settings: dict[str, Any], *data: Path, plugin: str = "") -> str:
    """A folder name for a run of ``stage`` with ``settings`` on the files ``data``.

    It changes with the parameters, with the code of the stage, of ``plugin`` and of what they import, with the data's
    hashes, and with torch's version.
    """
    modules = [f"stages.{stage}.{stage}", *([plugin] if plugin else [])]
    facts = {
        "settings": settings,
        "code": code_digest(*modules),
        "data": [sha256_file(path) for path in data],
        "torch": torch.__version__,
    }
    return f"{stage}-{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]}"
