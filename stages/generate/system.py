"""A system as it came out of training, or as it was before: what every stage that runs one begins with."""

from pathlib import Path

import torch

from etude.systems import plugin
from etude.systems.diffusion_autoencoder import DiffusionAutoencoder
from etude.training.arrays import EncodedSplit
from etude.training.weights import load_weights


def load_system(settings, split: EncodedSplit, weights: Path) -> DiffusionAutoencoder:
    """System ``settings.name`` in evaluation mode, on the GPU if there is one.

    ``settings``: name, system (its block of params.yaml), source. ``trained`` loads ``weights``; ``untrained`` draws
    the network anew from ``settings.seed`` and fits only its scaling, to ``split``. Raises ``UserError`` for weights of
    another network.
    """
    untrained = settings.source == "untrained"
    torch.manual_seed(settings.seed if untrained else 0)
    system = plugin(settings.name).build(settings.system, split.shapes)
    if untrained:
        system.fit_scale(*split.mean_and_std("latents"))
    else:
        load_weights(system, weights, f"systems.{settings.name} describes")
    return system.to("cuda" if torch.cuda.is_available() else "cpu").eval()
