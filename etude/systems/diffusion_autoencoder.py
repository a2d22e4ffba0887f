"""What HDAE and the multi-scale spectral DAE share: a denoiser conditioned on three levels (P-11 to P-15, P-61)."""

from abc import abstractmethod

import torch
from torch import Tensor

from etude.diffusion.edm import LogNormalNoise, Preconditioning, edm_loss
from etude.diffusion.samplers import SamplerSettings, sample
from etude.networks.unet import UNet
from etude.systems.placement import PLACEMENTS
from etude.systems.scaling import channel_gains
from etude.training.loop import Batch, Trainable


class DiffusionAutoencoder(Trainable):
    """Encodes a clip into h = [h_1, h_2, h_3] (coarse to fine) and denoises codec latents given them.

    The codec's latents are shifted to mean zero and scaled to the standard deviation ``sigma_data`` that EDM assumes;
    on the way, the power ``whitening`` decides how far the channels are made equal: 0 keeps the codec's own
    proportions, 1 gives every channel the same variance. :meth:`fit_scale` must have been called before training.
    """

    arrays: tuple[str, ...]
    """Names of the encoded arrays it reads."""

    def __init__(self, settings, channels: int, frames: int, width: int):
        super().__init__()
        self.frames = frames
        self.whitening = settings.whitening
        self.placement = PLACEMENTS[settings.conditioning]
        self.edm = Preconditioning(settings.sigma_data)
        self.training_noise = LogNormalNoise(settings.noise_mean, settings.noise_std)
        self.unet = UNet(
            [channels, *settings.unet.channels],
            settings.unet.embedding,
            encoder_conditions=dict.fromkeys(self.placement.encoder, width),
            decoder_conditions=dict.fromkeys(self.placement.decoder, width),
        )
        self.register_buffer("shift", torch.zeros(channels, 1))
        self.register_buffer("scale", torch.ones(channels, 1))

    @abstractmethod
    def levels(self, batch: Batch) -> list[Tensor]:
        """h = [h_1, h_2, h_3] of a batch, coarse to fine, each [batch, width of h_k, frames of h_k]."""

    @abstractmethod
    def refine(self, levels: list[Tensor]) -> list[Tensor]:
        """The conditions that the U-Net sees: h̃ from h (P-10 for the multi-scale system)."""

    def stage_levels(self, batch: Batch, stage: int) -> list[Tensor]:
        """:meth:`levels` as training stage ``stage`` (0, 1, ...) sees them."""
        return self.levels(batch)

    def arrays_in(self, stage: int) -> tuple[str, ...]:
        return self.arrays

    def fit_scale(self, mean: Tensor, std: Tensor) -> None:
        """Set the latent scaling from the train split's per-channel ``mean`` and ``std`` [channels]."""
        self.shift.copy_(mean[:, None])
        self.scale.copy_(channel_gains(std, self.whitening, self.edm.sigma_data)[:, None])

    def normalise(self, latents: Tensor) -> Tensor:
        """Codec latents [batch, channels, frames] to what the denoiser works on."""
        return (latents - self.shift) * self.scale

    def loss(self, batch: Batch, stage: int, generator: torch.Generator) -> Tensor:
        """EDM loss of one batch (P-15); ``generator`` draws noise levels and noise."""
        clean = self.normalise(batch["latents"])
        sigma = self.training_noise.draw(len(clean), generator).to(clean.device)
        noise = torch.randn(clean.shape, generator=generator).to(clean.device)
        conditions = self.conditions(self.stage_levels(batch, stage))
        return edm_loss(lambda x, level: self.unet(x, level, *conditions), clean, sigma, noise, self.edm)

    def conditions(self, levels: list[Tensor]):
        """Conditions of the U-Net's encoder and decoder for h."""
        return self.placement.conditions(self.refine(levels), self.frames)

    @torch.no_grad()
    def generate(self, levels: list[Tensor], noise: Tensor, sampler: str, settings: SamplerSettings) -> Tensor:
        """Codec latents [batch, channels, frames] for h, from ``noise`` ~ N(0, I) of that shape (P-21)."""
        return self.generate_refined(self.refine(levels), noise, sampler, settings)

    @torch.no_grad()
    def generate_refined(self, refined: list[Tensor], noise: Tensor, sampler: str, settings: SamplerSettings) -> Tensor:
        """As :meth:`generate`, from h̃ in place of h."""
        conditions = self.placement.conditions(refined, self.frames)

        def denoiser(x: Tensor, sigma: float) -> Tensor:
            level = torch.full((len(x),), sigma, dtype=x.dtype, device=x.device)
            return self.edm.denoise(lambda x, level: self.unet(x, level, *conditions), x, level)

        return sample(sampler, denoiser, noise, settings) / self.scale + self.shift
