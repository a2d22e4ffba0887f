"""What pretrained codecs share: weight files, which are the user's, checked and never downloaded; and how they run."""

import contextlib
import json
import pickle
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from etude.errors import UserError
from etude.pipeline.files import sha256_file


@dataclass(frozen=True)
class Published:
    """A weight file as its authors gave it out."""

    codec: str
    """Name of the plug-in, and of its block in params.yaml."""
    model: str
    """What the file holds, for a reader."""
    file: str
    sha256: str | None = None
    size: int | None = None
    """In bytes."""

    @property
    def advice(self) -> str:
        """How to get the file."""
        size = f" ({self.size:,} bytes)" if self.size else ""
        return f"fetch {self.file}{size} from its authors and set codec.{self.codec}.weights in params.yaml to its path"


def weight_file(settings: Any, published: Published) -> tuple[Path, dict[str, Any]]:
    """The file ``settings.weights``, and its facts ``weights``, ``weights_sha256`` and ``weights_bytes``.

    Its sha256 must be ``settings.sha256``, or where that is None the published one, or where that is not known any.
    Raises ``UserError`` when the file is not named, not there, not readable, or another.
    """
    if not settings.weights:
        raise UserError(f"codec.{published.codec}.weights in params.yaml is not set: {published.advice}")
    path = Path(settings.weights).expanduser()
    if not path.is_file():
        found = "a folder found, a file expected" if path.is_dir() else "no such file"
        raise UserError(f"{path}: {found}: {published.advice}")
    size, expected = path.stat().st_size, (settings.sha256 or published.sha256 or "").lower()
    if expected == published.sha256 and size != published.size:
        raise UserError(
            f"{path}: {size:,} bytes found, {published.size:,} expected: a truncated or another file; "
            f"{published.advice}"
        )
    try:
        found = sha256_file(path)
    except PermissionError:
        raise UserError(f"{path}: may not be read by this user; change its permissions") from None
    if expected and found != expected:
        raise UserError(
            f"{path}: sha256 {found} found, {expected} expected: a damaged or another file; {published.advice}, "
            f"or give its own sum as codec.{published.codec}.sha256 if this is the one you mean"
        )
    return path, {"weights": str(path), "weights_sha256": found, "weights_bytes": size}


def read_tensors(path: Path, published: Published, allowed: Iterable[Any] = ()) -> Any:
    """What torch saved in ``path``: tensors in plain containers and objects of the kinds ``allowed``.

    Code in the file is not run. Raises ``UserError`` for a file that is cut, of another kind, or holds anything else.
    """
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(list(allowed)):
            warnings.simplefilter("ignore", UserWarning)  # about the file's pickle protocol
            return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # torch raises many kinds for a file that is cut or is something else
        refused = re.search(r"GLOBAL (\S+)", str(error)) if isinstance(error, pickle.UnpicklingError) else None
        reason = (
            f"it holds {refused[1]}, and only tensors are accepted"
            if refused
            else "it is truncated or no file of PyTorch"
        )
        raise UserError(
            f"{path}: no weights of {published.model} can be read from it: {reason}; {published.advice}"
        ) from error


def fill(network: nn.Module, tensors: Any, path: Path, published: Published) -> None:
    """Copy ``tensors`` into ``network``; raises ``UserError`` unless names and shapes are exactly the network's."""
    wanted = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    entries = tensors if isinstance(tensors, dict) else {}
    found = {name: list(tensor.shape) for name, tensor in entries.items() if isinstance(tensor, Tensor)}
    differences = {
        "missing": [name for name in wanted if name not in found],
        "not known": [str(name) for name in entries if name not in wanted],
        "of another shape": [name for name in wanted if name in found and found[name] != wanted[name]],
    }
    said = [
        f"{len(names)} {what} ({names[0]}{', ...' if len(names) > 1 else ''})"
        for what, names in differences.items()
        if names
    ]
    if said:
        raise UserError(
            f"{path}: not the weights of {published.model}: of its {len(wanted)} tensors {', '.join(said)}; "
            f"{published.advice}"
        )
    network.load_state_dict(tensors)


def check_rate(rate: int, expected: int, published: Published) -> None:
    """Raise ``UserError`` unless clips at ``rate`` Hz are what the codec was trained on."""
    if rate != expected:
        raise UserError(
            f"{published.model} codes audio at {expected} Hz and the clips have {rate} Hz: set prepare.sample_rate in "
            f"params.yaml to {expected} and prepare them again"
        )


def forget(folder: Path) -> None:
    """Remove what an earlier build left in ``folder``: its record says nothing about the one to come."""
    for name in ("codec.json", "weights.safetensors"):
        (folder / name).unlink(missing_ok=True)


def check_record(folder: Path, facts: dict[str, Any]) -> None:
    """Raise ``UserError`` where ``facts`` differ from those that ``codec.json`` in ``folder`` records.

    There is no record yet when a codec is loaded for the first time, to be measured, after it was obtained.
    """
    path = folder / "codec.json"
    if not path.exists():
        return
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON ({error}); build models/codecs again") from None
    for name, value in facts.items():
        if name in record and record[name] != value:
            raise UserError(
                f"{path}: recorded {name} {record[name]}, now it is {value}: latents made with the one cannot be "
                "decoded with the other; put the former back, or build models/codecs again"
            )


def best_device() -> torch.device:
    """The first GPU, or the CPU where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextlib.contextmanager
def exact() -> Iterator[None]:
    """Within, and without gradients, a GPU convolves in true single precision and the same way every time.

    Left to itself it rounds factors to ten bits, and then a clip's latents depend on the batch it is in.
    """
    with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        yield
