"""Trained weights back into the network that they are of."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from etude.errors import UserError


def load_weights(module: nn.Module, path: Path, described: str, kind: str = "network") -> None:
    """Give ``module`` the weights in the safetensors file ``path``.

    Raises ``UserError`` for a file that cannot be read or whose weights are another network's; ``described`` says where
    the present one comes from: "systems.hdae describes".
    """
    try:
        module.load_state_dict(load_file(path))
    except (RuntimeError, SafetensorError) as error:
        raise UserError(
            f"{path}: weights of another {kind} than {described} ({str(error).splitlines()[-1].strip()}); "
            "train it again"
        ) from None
