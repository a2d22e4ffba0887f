"""The memoir's backbone: a U-Net over latents, spectrograms or codes, with a control branch (M-19 to M-21)."""

import math
from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional

from etude.networks.control import CONTROLS
from etude.networks.lift import Lift
from etude.networks.noise_embedding import LearntNoiseEmbedding
from etude.networks.unet import CONVOLUTIONS, UNet


def widths(first: int, factors: list[float]) -> list[int]:
    """``first`` and what it becomes by one factor after the other, each rounded."""
    return [round(width) for width in accumulate(factors, lambda width, factor: width * factor, initial=first)]


class CodeEmbedding(nn.Module):
    """Codes int64 [batch, codes, ...] to features [batch, width, ...]: a vector per code and class, summed.

    The same as a 1x1 convolution of their one-hot form, which is never built.
    """

    def __init__(self, codes: int, classes: int, width: int):
        super().__init__()
        self.classes = classes
        self.vectors = nn.Embedding(codes * classes, width)
        nn.init.normal_(self.vectors.weight, std=codes**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        first = torch.arange(x.shape[1], device=x.device).reshape(-1, *[1] * (x.ndim - 2)) * self.classes
        return self.vectors(x + first).sum(1).movedim(-1, 1)


class ControlledUNet(nn.Module):
    """F(x, noise level, controls) for clips of ``shape`` (channels, frames), (channels, bins, frames), or, with
    ``classes`` > 0, (codes, frames) of class numbers. Any number of frames is taken: every axis is padded to a multiple
    of what the U-Net needs and cut again.

    ``network``: base, the channels at the top; factors of the channels, per halving; up_factors of the way up, from the
    bottom (null mirrors the way down); embedding; out_kernel; patch: so many neighbours along every axis become
    channels before the U-Net and are dealt out again after it (1, as in the memoir, keeps the axes; codes have none).

    ``control``: how, a name of :data:`etude.networks.control.CONTROLS`, or none; channels; side, the half of the U-Net
    it joins (encoder, with the bottom, or both); decimate: frames that share one value of the controls; lift: by
    how many further rows each of the rows ``lifted`` is told (0: none, as in the memoir).
    """

    def __init__(
        self, shape: tuple[int, ...], rows: int, network, control, classes: int = 0, lifted: Sequence[int] = ()
    ):
        super().__init__()
        axes = len(shape) - 1
        channels = widths(network.base, network.factors)
        up = network.up_factors and widths(channels[-1], network.up_factors)[:0:-1]
        self.depth, self.classes, self.codes = len(channels) - 1, classes, shape[0]
        self.decimate, self.patch = control.decimate, 1 if classes else network.patch
        inner = shape[0] * self.patch**axes
        how = CONTROLS[control.how] if rows and control.how != "none" else None
        encoder = dict.fromkeys(range(self.depth), control.channels) if how else {}
        decoder = dict.fromkeys(range(self.depth + 1), control.channels) if how else {}
        if control.side == "encoder":
            decoder = {level: width for level, width in decoder.items() if level == self.depth}
        self.encoder_levels, self.decoder_levels = tuple(encoder), tuple(decoder)
        self.lift = Lift(lifted if control.lift else (), control.lift)
        self.branch = how.branch(rows + self.lift.added, control.channels, self.depth) if how else None
        self.widen = (
            CodeEmbedding(shape[0], classes, channels[0])
            if classes
            else CONVOLUTIONS[axes](inner, channels[0], 3, padding=1)
        )
        self.unet = UNet(
            channels,
            network.embedding,
            encoder,
            decoder,
            axes=axes,
            up_channels=up,
            out_channels=inner * (classes or 1),
            out_kernel=network.out_kernel,
            noise_embedding=LearntNoiseEmbedding,
            modulations=1,
            **({"join": how.join(axes)} if how else {}),
        )

    def forward(self, x: Tensor, noise_level: Tensor, controls: Tensor | None = None) -> Tensor:
        """``x`` [batch, *shape] with any number of frames, ``controls`` [batch, rows, frames or fewer] to the shape of
        ``x``; of codes to logits [batch, codes, classes, frames]."""
        sizes = x.shape[2:]
        x = self.widen(gather_patches(x, self.patch))
        missing = [-size % 2**self.depth for size in x.shape[2:]]
        x = functional.pad(x, [pad for size in reversed(missing) for pad in (0, size)])
        levels = self._conditions(controls, sizes[-1], x.shape[-1])
        x = self.unet(
            x,
            noise_level,
            {level: levels[level] for level in self.encoder_levels},
            {level: levels[level] for level in self.decoder_levels},
        )
        x = deal_patches(x, self.patch)
        for axis, size in enumerate(sizes, start=2):
            x = x.narrow(axis, 0, size)
        return x.unflatten(1, (self.codes, self.classes)) if self.classes else x

    def _conditions(self, controls: Tensor | None, length: int, frames: int) -> list[Tensor]:
        """The levels' conditions, for clips of ``length`` frames that are features of ``frames`` frames inside."""
        if self.branch is None:
            return []
        if controls.shape[-1] != length:  # at a rate of their own: held (M-53)
            controls = functional.interpolate(controls, length, mode="nearest")
        missing = frames * self.patch - length
        controls = functional.pad(controls, (0, missing), mode="replicate") if missing else controls
        if (together := self.decimate * self.patch) > 1:
            # Means over groups of frames; -1 for "free" stays -1.
            controls = functional.adaptive_avg_pool1d(controls, math.ceil(controls.shape[-1] / together))
        return self.branch(self.lift(controls), frames)


def gather_patches(x: Tensor, patch: int) -> Tensor:
    """[batch, channels, ...] with each axis ``patch`` times shorter, padded with zeros where it is no multiple of it,
    and the neighbours as channels."""
    for axis in range(2, x.ndim if patch > 1 else 0):
        missing = -x.shape[axis] % patch
        x = functional.pad(x, [0, 0] * (x.ndim - 1 - axis) + [0, missing])
        x = x.unflatten(axis, (-1, patch)).movedim(axis + 1, 2).flatten(1, 2)
    return x


def deal_patches(x: Tensor, patch: int) -> Tensor:
    """The inverse of :func:`gather_patches`, but for the padding."""
    for axis in range(x.ndim - 1, 1 if patch > 1 else x.ndim, -1):
        x = x.unflatten(1, (-1, patch)).movedim(2, axis + 1).flatten(axis, axis + 1)
    return x
