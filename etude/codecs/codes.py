"""What a codec with codes offers beside latents (M-06): ``codebooks`` integers a frame, each one of ``classes``."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from etude.codecs import Codec
from etude.errors import UserError


@runtime_checkable
class CodesCodec(Codec, Protocol):
    """A codec whose quantiser sums one vector of each codebook; its decoder takes the sum as it takes latents."""

    codebooks: int
    """How many: with EnCodec's 75 frames a second and 10 bits a code, 16 of them are 12 kbps."""
    classes: int
    """Vectors in each."""

    def encode_codes(self, audio: Tensor) -> Tensor:
        """Audio [batch, samples] in -1..1 to codes int64 [batch, codebooks, frames] in 0..classes - 1."""

    def sum_of_codes(self, codes: Tensor) -> Tensor:
        """Codes [batch, codebooks, frames] to the sums of their vectors [batch, channels, frames]."""

    def decode_codes(self, codes: Tensor, samples: int, seed: int) -> Tensor:
        """Codes [batch, codebooks, frames] to audio [batch, samples]. Raises ``UserError`` for a code that is not in
        0..classes - 1."""


def check_codes(codes: Tensor, codebooks: int, classes: int) -> None:
    """Raise ``UserError`` unless ``codes`` are integers [batch, codebooks or fewer, frames] in 0..classes - 1.

    Fewer codebooks are a coarser sound: each refines the ones before it.
    """
    if codes.is_floating_point() or codes.is_complex():
        raise UserError(
            f"codes are integers 0..{classes - 1}, and numbers of type {codes.dtype} were given; round them"
        )
    if codes.dim() != 3 or not 1 <= codes.shape[1] <= codebooks:
        raise UserError(
            f"codes of shape {list(codes.shape)} were given, [clips, 1 to {codebooks} codebooks, frames] expected"
        )
    if not codes.numel():
        return
    low, high = int(codes.min()), int(codes.max())
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        clip, codebook, frame = (int(k) for k in (codes == wrong).nonzero()[0])
        raise UserError(
            f"a code is {wrong} (clip {clip}, codebook {codebook}, frame {frame}), and it may be 0..{classes - 1}: "
            "these are not this codec's codes"
        )
