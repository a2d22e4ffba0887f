"""The block `toys` of params.yaml."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from etude.config.schema.base import Amount, Block, Count, Positive, Word
from etude.config.schema.controlled import ControlledNetwork, ControlledSamplers
from etude.config.schema.training import Training


class PointNetwork(Block):
    """A perceptron over points of a plane (M-31)."""

    layers: Annotated[int, Field(ge=2)]
    width: Positive
    embedding: Annotated[int, Field(gt=0, multiple_of=2)]


class RollSource(Block):
    """Points of the swiss roll to train on; standard deviation of their noise, in scikit-learn's units (M-32)."""

    points: Positive
    noise: Amount


class RollGridSource(RollSource):
    """The same on a grid of ``grid`` x ``grid`` cells (M-34)."""

    grid: Annotated[int, Field(ge=2)]


class DigitsSource(Block):
    """Digits to train on, at most ``points``; MNIST's files in folder ``mnist``, or scikit-learn's digits (M-33)."""

    points: Positive
    mnist: str | None


class ToySources(Block):
    """What the toys are trained on."""

    swiss_roll: RollSource
    swiss_roll_grid: RollGridSource
    digits: DigitsSource


class Toy(Block):
    """One toy: the figure it is for, its data, system and network, how many samples; ``train`` and ``sampler`` hold
    what differs from the blocks of all toys."""

    figure: Literal["3.1", "3.2", "3.3", "3.6"]
    data: Literal["swiss_roll", "swiss_roll_grid", "digits"]
    system: Literal["ddpm", "edm", "discdpm"]
    network: PointNetwork | ControlledNetwork
    samples: Annotated[int, Field(ge=10)]
    train: dict[Word, Any] = Field(default_factory=dict)
    sampler: dict[Word, Any] = Field(default_factory=dict)


class Toys(Block):
    """Each paradigm on data that one can see (M-31 to M-34)."""

    seed: Count
    sources: ToySources
    train: Training
    samplers: ControlledSamplers
    runs: dict[Word, Toy]

    @model_validator(mode="after")
    def _toys_are_whole(self):
        for name, toy in self.runs.items():
            if (toy.system == "discdpm") != (toy.data == "swiss_roll_grid"):
                raise ValueError(f"runs.{name}: {toy.system} cannot have {toy.data}: discdpm diffuses classes alone")
            Training.model_validate(self.train.model_dump() | toy.train)
            sampler = getattr(self.samplers, toy.system)
            type(sampler).model_validate(sampler.model_dump() | toy.sampler)
        return self
