"""Small helpers for the rules."""

import json
from typing import Any


def settings(*blocks: dict[str, Any], **more: Any) -> str:
    """The parameters of one job as compact JSON, keys sorted: the value of a stage's ``--settings``.

    Only what a job really depends on belongs in it, since any change of this text runs the job again.
    """
    merged: dict[str, Any] = {}
    for block in blocks:
        merged |= block
    return json.dumps(merged | more, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
