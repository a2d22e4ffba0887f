"""Classifier-free guidance (M-55; Ho and Salimans 2022)."""

from etude.diffusion.edm import Network


def guided(conditional: Network, free: Network, weight: float) -> Network:
    """F = (1 + w) F(c) - w F(free) for ``weight`` w: 0 is the conditional network alone, -1 the free one.

    Noise predictions, EDM's F and logits may all be mixed so: EDM's denoiser is linear in F, and mixed logits are the
    mixed log-probabilities up to their normalisation. Only for 0 and -1 does it cost one evaluation, else two.
    """
    if weight == 0.0:
        return conditional
    if weight == -1.0:
        return free
    return lambda x, level: (1 + weight) * conditional(x, level) - weight * free(x, level)
