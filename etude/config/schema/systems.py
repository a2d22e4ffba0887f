"""Blocks of params.yaml about networks and paradigms: `systems`."""

from typing import Literal

from pydantic import Field

from etude.config.schema.base import Block, Count, Part, Positive, Rate, Scaling


class UNet(Block):
    """Widths of the U-Net below the codec's channels."""

    channels: list[Positive] = Field(min_length=3)
    """after each halving of time, from the top; the last is the bottom's [channels] (P-11)"""
    embedding: Positive
    """of the noise level [channels] (P-13)"""


class DiffusionAutoencoder(Block):
    """What HDAE and the multi-scale system share."""

    unet: UNet
    """the denoiser (P-11)"""
    width: Positive
    """of the condition that each level gives [channels] (P-12)"""
    whitening: Part
    """of the latents that are diffused: 0 leaves the codec's proportions, 1 makes all channels alike [part]"""
    sigma_data: Rate
    """standard deviation of the data, after scaling (P-14)"""
    noise_mean: float
    """mean of ln sigma in training (P-15)"""
    noise_std: Rate
    """standard deviation of ln sigma in training (P-15)"""


class HdaeEncoder(Block):
    """The encoder of HDAE."""

    channels: list[Positive] = Field(min_length=3, max_length=3)
    """after each halving of time [channels] (P-23)"""
    bottlenecks: list[Positive] = Field(min_length=3, max_length=3)
    """of the latents at 16, 8 and 4 frames [channels] (P-23)"""
    full_rate_bottleneck: Count
    """of the latent at 32 frames, which nothing hears; 0: none [channels] (P-23)"""


class Hdae(DiffusionAutoencoder):
    """systems.hdae: the baseline (P-23)."""

    encoder: HdaeEncoder
    """reads the codec's latents (P-23)"""
    conditioning: Literal["hold", "tiled", "held_both"] | None
    """where and how latents join the U-Net (P-12)"""


class MsdaeEncoder(Block):
    """An encoder of the multi-scale system."""

    channels: list[Positive] = Field(min_length=1)
    """of the 2-D stages [channels] (P-09)"""
    bottleneck: Positive
    """before a level is given out [channels] (P-09)"""
    bands: Literal["averaged", "kept"]
    """what is left of the mel axis at the end: `averaged` (released) or `kept` (P-09)"""


class Msdae(DiffusionAutoencoder):
    """systems.msdae: the multi-scale spectral diffusion autoencoder (P-08)."""

    encoder: MsdaeEncoder
    """one per level, reads a mel spectrogram (P-09)"""
    conditioning: Literal["hold", "tiled", "held_both", "levels_1_3_5"] | None
    """where and how levels join the U-Net (P-12)"""
    residual: Literal["cumulative", "plain"] | None
    """what a finer level is added to: `cumulative`, the refined coarser one; `plain`, the bare one (P-10)"""
    stride: Literal["mel", "both"] | None
    """which axes a stage of the encoder halves: `mel`, or `both` (P-09)"""


class Chain(Block):
    """A discrete-time paradigm (M-11, M-16)."""

    steps: Positive
    """of the noising [steps] (M-11, M-16)"""
    schedule: Literal["linear", "cosine"]
    """of the noise (M-11, M-16)"""
    first_beta: Part
    """of the linear schedule (M-11)"""
    last_beta: Part
    """of the linear schedule (M-11)"""


class Ddpm(Chain):
    """systems.ddpm (M-11)."""

    scaling: Scaling
    """unit variance by channel, halfway to that, as a whole, or data as they are (M-05)"""


class Edm(Block):
    """systems.edm (M-13)."""

    sigma_data: Rate
    """what the data's standard deviation is scaled to (M-13)"""
    noise_mean: float
    """mean of ln sigma in training (M-13)"""
    noise_std: Rate
    """standard deviation of ln sigma in training (M-13)"""
    scaling: Scaling
    """by channel, halfway to that, as a whole, or data as they are (M-05)"""
