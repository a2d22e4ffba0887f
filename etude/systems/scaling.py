"""How data are brought to the scale that a diffusion assumes."""

from torch import Tensor

LEAST = 1e-3  # of the largest standard deviation: a channel below it carries nothing and must not be blown up


def channel_gains(std: Tensor, whitening: float, target: float) -> Tensor:
    """Factors [channels] that bring channels of standard deviations ``std`` to a mean square of ``target``².

    The power ``whitening`` decides how far the channels are made equal: 0 keeps their own proportions, 1 gives every
    channel the same variance.
    """
    gain = std.clamp_min(LEAST * std.max()) ** -whitening
    total = (std * gain).square().mean().sqrt()
    return gain * target / total
