"""Blocks of params.yaml about sampling: `generate` and `priors`."""

from typing import Annotated, Literal

from pydantic import Field

from etude.config.schema.base import Block, Count, Positive, Rate
from etude.config.schema.systems import UNet
from etude.config.schema.training import Training


class Sampler(Block):
    """P-19, P-20."""

    name: Literal["alpha_heun", "alpha_heun_released", "euler", "stochastic_heun"] | None
    steps: Positive
    sigma_min: Rate
    sigma_max: Rate
    rho: Rate
    alpha: Rate | None
    churn: Annotated[float, Field(ge=0)]
    churn_noise: Rate


class Generate(Block):
    """Reconstructions of a split (P-21)."""

    split: Literal["train", "valid", "test"]
    clips: Count
    batch: Positive
    noise_seed: Count
    sampler: Sampler


class PriorModel(Block):
    """One denoiser per level; ``coarser_noise`` is added to the levels that a finer one is given (P-72)."""

    unet: UNet
    coarser_noise: Annotated[float, Field(ge=0)]
    sigma_data: Rate
    noise_mean: float
    noise_std: Rate


class Priors(Block):
    """Priors over the levels of the systems; ``seeds`` are those of the systems (P-72)."""

    seeds: list[Count] = Field(min_length=1)
    model: PriorModel
    train: Training
    sampler: Sampler
