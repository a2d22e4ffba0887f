"""What the tests of pretrained codecs share: small weight files of the real format, and refusals."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from etude.errors import UserError


def hollow(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same names and shapes, and one number as the storage of each tensor: a small file."""
    return {name: torch.zeros(()).expand(tensor.shape) for name, tensor in state.items()}


def refusal(*words, call: Callable[[], object]) -> str:
    """The one sentence with which ``call`` is refused, after checking that it has ``words``."""
    with pytest.raises(UserError) as caught:
        call()
    sentence = str(caught.value)
    assert "\n" not in sentence
    for word in words:
        assert str(word) in sentence
    return sentence
