"""The block `toys` of params.yaml."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from etude.config.schema.base import Amount, Block, Count, Positive, Word
from etude.config.schema.controlled import ControlledNetwork, ControlledSamplers
from etude.config.schema.training import Training


class PointNetwork(Block):
    """A perceptron over points of a plane (M-31)."""

    layers: Annotated[int, Field(ge=2)]
    """of it [layers] (M-31)"""
    width: Positive
    """of a layer (M-31)"""
    embedding: Annotated[int, Field(gt=0, multiple_of=2)]
    """of the noise level [channels] (M-31)"""


class RollSource(Block):
    """Points of the swiss roll to train on (M-32)."""

    points: Positive
    """how many (M-32)"""
    noise: Amount
    """their standard deviation, in scikit-learn's units (M-32)"""


class RollGridSource(RollSource):
    """The same on a grid (M-34)."""

    grid: Annotated[int, Field(ge=2)]
    """cells of a side [cells] (M-34)"""


class DigitsSource(Block):
    """Digits to train on (M-33)."""

    points: Positive
    """how many at most (M-33)"""
    mnist: str | None
    """folder of MNIST's four idx files; null: scikit-learn's digits, 8 x 8 (M-33)"""


class ToySources(Block):
    """What the toys are trained on."""

    swiss_roll: RollSource
    """points of a plane (M-32)"""
    swiss_roll_grid: RollGridSource
    """the same on a grid (M-34)"""
    digits: DigitsSource
    """small pictures (M-33)"""


class Toy(Block):
    """One toy."""

    figure: Literal["3.1", "3.2", "3.3", "3.6"]
    """of the memoir, that it is for"""
    data: Literal["swiss_roll", "swiss_roll_grid", "digits"]
    """a block of `toys.sources`"""
    system: Literal["ddpm", "edm", "discdpm"]
    """the paradigm: a block of `systems`"""
    network: PointNetwork | ControlledNetwork
    """a perceptron of points, or a U-Net as in `mante2024.networks` (M-31)"""
    samples: Annotated[int, Field(ge=10)]
    """how many are drawn"""
    train: dict[Word, Any] = Field(default_factory=dict)
    """what it changes in `toys.train`"""
    sampler: dict[Word, Any] = Field(default_factory=dict)
    """what it changes in `toys.samplers`"""


class Toys(Block):
    """Each paradigm on data that one can see: Figures 3.1, 3.2, 3.3 and 3.6 of the memoir (M-31 to M-34)."""

    seed: Count
    """of all of them"""
    sources: ToySources
    """the data"""
    train: Training
    """how a toy is trained, where it does not say otherwise"""
    samplers: ControlledSamplers
    """by paradigm, where a toy does not say otherwise"""
    runs: dict[Word, Toy]
    """by name: the toys"""

    @model_validator(mode="after")
    def _toys_are_whole(self):
        for name, toy in self.runs.items():
            if (toy.system == "discdpm") != (toy.data == "swiss_roll_grid"):
                raise ValueError(f"runs.{name}: {toy.system} cannot have {toy.data}: discdpm diffuses classes alone")
            Training.model_validate(self.train.model_dump() | toy.train)
            sampler = getattr(self.samplers, toy.system)
            type(sampler).model_validate(sampler.model_dump() | toy.sampler)
        return self
