"""Blocks of params.yaml about networks and paradigms: `systems`."""

from typing import Literal

from pydantic import Field

from etude.config.schema.base import Block, Count, Part, Positive, Rate, Scaling


class UNet(Block):
    """Widths of the U-Net below the codec's channels; channels of the noise embedding (P-11, P-13)."""

    channels: list[Positive] = Field(min_length=3)
    embedding: Positive


class DiffusionAutoencoder(Block):
    """What HDAE and the multi-scale system share."""

    unet: UNet
    width: Positive
    whitening: Part
    sigma_data: Rate
    noise_mean: float
    noise_std: Rate


class HdaeEncoder(Block):
    """Widths after each halving; bottlenecks of the latents at 16, 8 and 4 frames (P-23)."""

    channels: list[Positive] = Field(min_length=3, max_length=3)
    bottlenecks: list[Positive] = Field(min_length=3, max_length=3)
    full_rate_bottleneck: Count


class Hdae(DiffusionAutoencoder):
    """systems.hdae: the baseline (P-23)."""

    encoder: HdaeEncoder
    conditioning: Literal["hold", "tiled", "held_both"] | None


class MsdaeEncoder(Block):
    """Widths of the 2-D stages; bottleneck before h_k; whether what is left of the mel axis is averaged (P-09)."""

    channels: list[Positive] = Field(min_length=1)
    bottleneck: Positive
    bands: Literal["averaged", "kept"]


class Msdae(DiffusionAutoencoder):
    """systems.msdae: the multi-scale spectral diffusion autoencoder (P-08)."""

    encoder: MsdaeEncoder
    conditioning: Literal["hold", "tiled", "held_both", "levels_1_3_5"] | None
    residual: Literal["cumulative", "plain"] | None
    stride: Literal["mel", "both"] | None


class Chain(Block):
    """A discrete-time paradigm: steps and noise schedule; the betas are the linear schedule's (M-11, M-16)."""

    steps: Positive
    schedule: Literal["linear", "cosine"]
    first_beta: Part
    last_beta: Part


class Ddpm(Chain):
    """systems.ddpm (M-11). ``scaling``: unit variance by channel, halfway to that, as a whole, or data as
    they are (M-05)."""

    scaling: Scaling


class Edm(Block):
    """systems.edm (M-13): data are scaled to ``sigma_data``, ln sigma ~ N(noise_mean, noise_std²)."""

    sigma_data: Rate
    noise_mean: float
    noise_std: Rate
    scaling: Scaling
