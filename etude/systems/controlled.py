"""What the memoir's systems share: a paradigm of diffusion around a network with time-varying controls (M-10, M-35)."""

from abc import abstractmethod
from collections.abc import Sequence
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from etude.controls.tracks import CHROMA, FREE, VELOCITY, control_features
from etude.diffusion.edm import Network
from etude.diffusion.guidance import guided
from etude.diffusion.noise import Generators
from etude.diffusion.shapes import per_clip
from etude.networks.controlled_unet import ControlledUNet
from etude.systems import plugin
from etude.systems.scaling import channel_gains
from etude.training.loop import Batch, Trainable

WHITENING = {"channel": 1.0, "half": 0.5, "global": 0.0}
LIFTED = VELOCITY, CHROMA  # rows whose small differences are large to the ear


class ControlledSystem(Trainable):
    """Clips [batch, *shape] generated under controls [batch, rows, frames], whatever the paradigm and the network.

    ``network(x, noise level [batch], controls or None)`` is the paradigm's F. ``drop`` is the chance that one of the
    ``features``, rows of the controls that belong together, is hidden from it in a step of training.
    """

    arrays = ("clips", "controls")

    features: tuple[slice, ...] = ()
    drop: float = 0.0

    def __init__(self, network: nn.Module, shape: tuple[int, ...]):
        super().__init__()
        self.network, self.shape = network, shape

    @abstractmethod
    def fit_scale(self, mean: Tensor, std: Tensor) -> None:
        """Set the scaling from the train split's per-channel ``mean`` and ``std`` [channels]; nothing for codes."""

    @abstractmethod
    def objective(self, clips: Tensor, network: Network, generator: torch.Generator) -> Tensor:
        """The paradigm's loss of clips in the format's units, for the network under fixed controls."""

    @abstractmethod
    def sample(self, network: Network, noise: Tensor, sampler, generators: Generators) -> Tensor:
        """Clips in the format's units from ``noise``, for the network under fixed controls."""

    @property
    def learnable(self) -> int:
        """Parameters that training moves (M-46)."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def noise_shape(self, frames: int) -> tuple[int, ...]:
        """Shape of one clip of ``frames`` frames, and so of the noise that it is made from."""
        return (*self.shape[:-1], frames)

    def arrays_in(self, stage: int) -> tuple[str, ...]:
        return self.arrays

    def loss(self, batch: Batch, stage: int, generator: torch.Generator) -> Tensor:
        """The paradigm's loss of one batch, with features of the controls hidden at random."""
        controls = batch.get("controls")
        if controls is not None:
            controls = hide(controls, self.features, self.drop, generator)
        return self.objective(batch["clips"], self.under(controls), generator)

    def under(self, controls: Tensor | None) -> Network:
        """F with its controls given."""
        return lambda x, level: self.network(x, level, controls)

    @torch.no_grad()
    def generate(self, controls: Tensor | None, noise: Tensor, sampler, generators: Generators = None) -> Tensor:
        """Clips in the format's own units for ``controls`` [batch, rows, frames] (-1 where free), of any length.

        ``noise`` [batch, *noise_shape(frames)] ~ N(0, I) is where sampling starts; ``sampler`` is the paradigm's block
        of mante2024.samplers, with the weight ``guidance`` (M-55; 0: none); ``generators``, one per clip, draw what
        noise the sampler adds on the way.
        """
        free = None if controls is None else torch.full_like(controls, FREE)
        network = guided(self.under(controls), self.under(free), sampler.guidance)
        return self.sample(network, noise, sampler, generators)


class ContinuousSystem(ControlledSystem):
    """A paradigm whose state is continuous: data are shifted and scaled to a standard deviation of ``target``.

    ``scaling`` channel: every channel on its own; global: all by one factor; half: the way between, on a logarithmic
    scale; none: data as they are.
    """

    def __init__(self, network: nn.Module, shape: tuple[int, ...], scaling: str, target: float):
        super().__init__(network, shape)
        self.scaling, self.target = scaling, target
        ones = (shape[0], *[1] * (len(shape) - 1))
        self.register_buffer("shift", torch.zeros(ones))
        self.register_buffer("scale", torch.ones(ones))

    def fit_scale(self, mean: Tensor, std: Tensor) -> None:
        if self.scaling != "none":
            self.shift.copy_(mean.reshape(self.shift.shape))
            gains = channel_gains(std, WHITENING[self.scaling], self.target)
            self.scale.copy_(gains.reshape(self.scale.shape))

    def normalise(self, clips: Tensor) -> Tensor:
        """Clips as the diffusion sees them."""
        return (clips - self.shift) * self.scale

    def restore(self, clips: Tensor) -> Tensor:
        """The inverse of :meth:`normalise`."""
        return clips / self.scale + self.shift


def hide(controls: Tensor, features: Sequence[slice], chance: float, generator: torch.Generator) -> Tensor:
    """``controls`` [batch, rows, frames] with each of the ``features`` of each clip replaced by -1 with probability
    ``chance`` (M-10)."""
    hidden = (torch.rand(len(controls), len(features), generator=generator) < chance).to(controls.device)
    controls = controls.clone()
    for feature, rows in enumerate(features):
        part = controls[:, rows]
        controls[:, rows] = torch.where(per_clip(hidden[:, feature], part), FREE, part)
    return controls


def system_around(network: nn.Module, system: str, block, shape: tuple[int, ...], classes: int = 0) -> ControlledSystem:
    """System ``system`` (a file of etude/systems/) with its ``block`` of params.yaml, around any network F(x, noise
    level, controls or None), for clips of ``shape``.

    ``classes``: of a format of codes, else 0. Raises ``UserError`` for a paradigm that cannot have such data.
    """
    return plugin(system).build(SimpleNamespace(**vars(block), network=network, classes=classes), {"clips": shape})


def build_controlled(
    system: str, block, network, control, shapes: dict[str, tuple[int, ...]], classes: int, names: Sequence[str]
) -> ControlledSystem:
    """The same around the memoir's U-Net, of blocks ``network`` and ``control``, for clips and controls of ``shapes``.

    ``names``: what the rows of the controls are.
    """
    rows = shapes["controls"][0]
    lifted = [row for row, name in enumerate(names) if name in LIFTED]
    unet = ControlledUNet(shapes["clips"], rows, network, control, classes, lifted)
    built = system_around(unet, system, block, shapes["clips"], classes)
    built.features, built.drop = tuple(control_features(names).values()), control.dropout
    return built
