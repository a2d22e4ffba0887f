"""A diffusion model per level, coarse to fine: p(h_1) p(h_2 | h_1) p(h_3 | h_1, h_2) (P-72)."""

import torch
from torch import Tensor, nn

from etude.diffusion.edm import LogNormalNoise, Preconditioning, edm_loss
from etude.diffusion.samplers import SamplerSettings, sample
from etude.networks.unet import UNet
from etude.priors import coarse_to_fine
from etude.training.arrays import EncodedSplit
from etude.training.loop import Batch, Trainable

LEAST = 1e-3  # of the largest standard deviation: a channel below it carries nothing and must not be blown up


class LevelDenoiser(nn.Module):
    """F_theta of one level [batch, width, frames], given the coarser ones [batch, ``coarser``, frames].

    A U-Net between two projections, since a level may have few channels. It halves time as often as ``frames`` allows,
    and takes as many of ``settings.channels`` for that. The coarser levels join at its top, on the way in and out.
    """

    def __init__(self, width: int, frames: int, coarser: int, settings):
        super().__init__()
        halvings = (frames & -frames).bit_length() - 1  # how often 2 divides it
        channels = settings.channels[: halvings + 1]
        where = {0: coarser} if coarser else {}
        self.widen = nn.Conv1d(width, channels[0], 1)
        self.unet = UNet(channels, settings.embedding, encoder_conditions=where, decoder_conditions=where)
        self.narrow = nn.Conv1d(channels[0], width, 1)

    def forward(self, x: Tensor, noise_level: Tensor, coarser: Tensor | None) -> Tensor:
        where = {} if coarser is None else {0: coarser}
        return self.narrow(self.unet(self.widen(x), noise_level, where, where))


class DiffusionPrior(Trainable):
    """In training stage k the denoiser of level k moves, given the true coarser levels; sampling goes down the chain.

    A chain makes small mistakes that its next link never saw in training. ``settings.coarser_noise`` is the standard
    deviation of noise added to the coarser levels in training, in units of their own; it makes each link forgive as
    much. Every channel is brought to mean 0 and standard deviation ``settings.sigma_data``.
    """

    def __init__(self, settings, shapes: dict[str, tuple[int, ...]]):
        super().__init__()
        self.names = coarse_to_fine(shapes)
        self.stages = len(self.names)
        self.coarser_noise = settings.coarser_noise
        self.edm = Preconditioning(settings.sigma_data)
        self.training_noise = LogNormalNoise(settings.noise_mean, settings.noise_std)
        widths = [shapes[name][0] for name in self.names]
        self.denoisers = nn.ModuleList(
            LevelDenoiser(*shapes[name], sum(widths[:k]), settings.unet) for k, name in enumerate(self.names)
        )
        for name, width in zip(self.names, widths, strict=True):
            self.register_buffer(f"mean_{name}", torch.zeros(width, 1))
            self.register_buffer(f"std_{name}", torch.ones(width, 1))

    def fit(self, levels: EncodedSplit) -> None:
        """Mean and standard deviation of every channel over ``levels``."""
        for name in self.names:
            mean, std = levels.mean_and_std(name)
            getattr(self, f"mean_{name}").copy_(mean[:, None])
            getattr(self, f"std_{name}").copy_(std.clamp_min(LEAST * std.max().clamp_min(1e-12))[:, None])

    def normalise(self, level: Tensor, name: str) -> Tensor:
        """Level ``name`` [batch, width, frames] as its denoiser sees it."""
        return (level - getattr(self, f"mean_{name}")) / getattr(self, f"std_{name}") * self.edm.sigma_data

    def restore(self, level: Tensor, name: str) -> Tensor:
        """The inverse of :meth:`normalise`."""
        return level / self.edm.sigma_data * getattr(self, f"std_{name}") + getattr(self, f"mean_{name}")

    def trained_in(self, stage: int) -> list[nn.Module]:
        return [self.denoisers[stage]]

    def arrays_in(self, stage: int) -> tuple[str, ...]:
        return tuple(self.names[: stage + 1])

    def loss(self, batch: Batch, stage: int, generator: torch.Generator) -> Tensor:
        """EDM loss of level ``stage`` (P-15) given the coarser levels of the same clips."""
        *coarser, clean = [self.normalise(batch[name], name) for name in self.names[: stage + 1]]
        sigma = self.training_noise.draw(len(clean), generator).to(clean.device)
        noise = torch.randn(clean.shape, generator=generator).to(clean.device)
        spread = self.coarser_noise * self.edm.sigma_data
        coarser = [level + spread * torch.randn(level.shape, generator=generator).to(level.device) for level in coarser]
        return edm_loss(self.network(stage, coarser, clean.shape[-1]), clean, sigma, noise, self.edm)

    def network(self, stage: int, coarser: list[Tensor], frames: int):
        """F of level ``stage`` as a function of x and c_noise, for normalised ``coarser`` levels."""
        given = torch.cat([hold(level, frames) for level in coarser], dim=1) if coarser else None
        return lambda x, level: self.denoisers[stage](x, level, given)

    @torch.no_grad()
    def sample(self, noise: list[Tensor], sampler: str, settings: SamplerSettings) -> list[Tensor]:
        """As :meth:`etude.priors.Prior.sample`: level after level, each given those drawn before it."""
        drawn: list[Tensor] = []
        for stage, start in enumerate(noise):
            network = self.network(stage, drawn, start.shape[-1])

            def denoiser(x: Tensor, sigma: float, network=network) -> Tensor:
                return self.edm.denoise(network, x, torch.full((len(x),), sigma, dtype=x.dtype, device=x.device))

            drawn.append(sample(sampler, denoiser, start, settings))
        return [self.restore(level, name) for level, name in zip(drawn, self.names, strict=True)]


def hold(level: Tensor, frames: int) -> Tensor:
    """``level`` at a finer frame rate: each frame is held."""
    return level.repeat_interleave(frames // level.shape[-1], dim=-1)


def build(settings, shapes: dict[str, tuple[int, ...]]) -> DiffusionPrior:
    """The prior for levels of the given ``shapes``."""
    return DiffusionPrior(settings, shapes)
