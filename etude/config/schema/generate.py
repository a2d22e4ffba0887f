"""Blocks of params.yaml about sampling: `generate` and `priors`."""

from typing import Annotated, Literal

from pydantic import Field

from etude.config.schema.base import Block, Count, Positive, Rate
from etude.config.schema.systems import UNet
from etude.config.schema.training import Training


class Sampler(Block):
    """How a diffusion autoencoder samples (P-19, P-20)."""

    name: Literal["alpha_heun", "alpha_heun_released", "euler", "stochastic_heun"] | None
    """of the scheme; `alpha_heun_released` repeats the slip of the published code (P-19)"""
    steps: Positive
    """noise levels visited [steps] (P-19)"""
    sigma_min: Rate
    """lowest noise level (P-19)"""
    sigma_max: Rate
    """highest noise level (P-19)"""
    rho: Rate
    """how levels crowd towards the lowest (P-19)"""
    alpha: Rate | None
    """place of the second evaluation in a step: 0.5 midpoint, 1 Heun (P-19)"""
    churn: Annotated[float, Field(ge=0)]
    """noise added again while sampling (P-20)"""
    churn_noise: Rate
    """factor of its standard deviation (P-20)"""


class Generate(Block):
    """Reconstructions of a split (P-21)."""

    split: Literal["train", "valid", "test"]
    """whose clips are reconstructed (P-21)"""
    clips: Count
    """so many, chosen by the hash of their names; 0 takes all [clips] (P-27)"""
    batch: Positive
    """clips that are sampled together [clips]"""
    noise_seed: Count
    """of the starting noise, which depends on it and the clip alone: all systems share it (P-21)"""
    sampler: Sampler
    """the scheme (P-19)"""


class PriorModel(Block):
    """One denoiser per level."""

    unet: UNet
    """of each (P-72)"""
    coarser_noise: Annotated[float, Field(ge=0)]
    """on the levels that a finer one is given, in training; 1 is as large as themselves (P-72)"""
    sigma_data: Rate
    """standard deviation of the levels, after scaling (P-14)"""
    noise_mean: float
    """mean of ln sigma in training (P-15)"""
    noise_std: Rate
    """standard deviation of ln sigma in training (P-15)"""


class Priors(Block):
    """Priors over the levels, coarse to fine: systems that generate of themselves (P-72)."""

    seeds: list[Count] = Field(min_length=1)
    """of the systems whose levels are learnt (P-72)"""
    model: PriorModel
    """the denoisers (P-72)"""
    train: Training
    """of the denoisers"""
    sampler: Sampler
    """the scheme, as in `generate`"""
