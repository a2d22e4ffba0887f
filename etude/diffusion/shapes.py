"""One number per clip beside arrays of any number of axes."""

from torch import Tensor


def per_clip(values: Tensor, like: Tensor) -> Tensor:
    """``values`` [batch] as [batch, 1, ...] with as many axes as ``like`` [batch, ...]."""
    return values.reshape(-1, *[1] * (like.ndim - 1))
