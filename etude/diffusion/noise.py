"""Fresh random numbers of a sampler, drawn for the whole batch or clip by clip."""

from collections.abc import Sequence

import torch
from torch import Tensor

Generators = torch.Generator | Sequence[torch.Generator] | None
"""One CPU generator for a batch, or one per clip: then a clip's result does not depend on the clips beside it."""


def normal(like: Tensor, generators: Generators) -> Tensor:
    """Numbers ~ N(0, 1) of the shape and on the device of ``like`` [batch, ...]."""
    return _draw(torch.randn, like.shape, generators).to(like.device)


def uniform(shape: Sequence[int], generators: Generators, device: torch.device) -> Tensor:
    """Numbers in [0, 1) of ``shape`` (batch first), on ``device``."""
    return _draw(torch.rand, shape, generators).to(device)


def _draw(kind, shape: Sequence[int], generators: Generators) -> Tensor:
    if generators is None or isinstance(generators, torch.Generator):
        return kind(tuple(shape), generator=generators)
    if len(generators) != shape[0]:
        raise ValueError(f"{len(generators)} generators for {shape[0]} clips: one per clip is needed")
    return torch.stack([kind(tuple(shape[1:]), generator=generator) for generator in generators])
