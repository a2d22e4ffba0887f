"""Small helpers for the rules."""

import functools
import json
from pathlib import Path
from typing import Any

import yaml


def settings(*blocks: dict[str, Any], **more: Any) -> str:
    """The parameters of one job as compact JSON, keys sorted: the value of a stage's ``--settings``.

    Only what a job really depends on belongs in it, since any change of this text runs the job again.
    """
    merged: dict[str, Any] = {}
    for block in blocks:
        merged |= block
    return json.dumps(merged | more, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def files_of(inputs: Any) -> list[str]:
    """The files in ``rules.<name>.input`` of a rule without wildcards: lists are laid flat, functions are asked."""
    if callable(inputs):
        return files_of(inputs(None))
    return [str(inputs)] if isinstance(inputs, str) else [path for item in inputs for path in files_of(item)]


def manifest_entry(path: Path | str, key: str) -> Any:
    """What the manifest of a data set holds under ``key``; None where it says nothing or cannot be read.

    Rules only ask what a job depends on. What is wrong with a manifest is for the job that reads it to say.
    """
    try:
        manifest = read_yaml(path)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return manifest.get(key) if isinstance(manifest, dict) else None


def read_yaml(path: Path | str) -> Any:
    """What the YAML file ``path`` holds. Whoever asks again gets the same object, so nobody may change it."""
    return _parsed(Path(path).read_text(encoding="utf-8"))


@functools.cache  # every job of a data set asks, and every page of a paper
def _parsed(text: str) -> Any:
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # the C one is ten times as fast
