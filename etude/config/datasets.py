"""What one data set changes in the block ``prepare``: first what its reader needs, then what is its own."""

from typing import Any

OWN = ("readers", "datasets")  # keys of the block that no job gets


def prepare_settings(block: dict[str, Any], dataset: str, reader: str | None) -> dict[str, Any]:
    """The parameters of preparing ``dataset``, whose format ``reader`` reads.

    ``block`` is ``prepare`` of params.yaml. ``readers.<reader>``, then ``datasets.<dataset>`` are laid over its other
    keys. A set that neither names gets these alone, so that what other sets change never runs its jobs again.
    """
    common = {key: value for key, value in block.items() if key not in OWN}
    changed = overlay(common, block.get("readers", {}).get(reader, {}))
    return overlay(changed, block.get("datasets", {}).get(dataset, {}))


def overlay(base: Any, change: Any) -> Any:
    """``change`` laid over ``base``: mappings key by key, everything else replaced."""
    if isinstance(base, dict) and isinstance(change, dict):
        return base | {key: overlay(base.get(key), value) for key, value in change.items()}
    return change
