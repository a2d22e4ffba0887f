"""What a codec says of its frames in time, so that controls can follow at the same rate (M-07, M-10)."""

from typing import Protocol, runtime_checkable

from etude.codecs import Codec


@runtime_checkable
class FramedCodec(Codec, Protocol):
    """A codec whose frames follow at an even pace from the start of a clip."""

    frames_per_second: float
    centre: float
    """Where frame 0 has its middle, in frames: 0.5 where frames lie side by side, 0 where the first is centred on the
    clip's first sample."""
