"""The block `mante2024` of params.yaml."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from etude.config.schema.base import Amount, Block, Count, Part, Positive, Rate, Word
from etude.config.schema.training import Training


class ControlledNetwork(Block):
    """A U-Net: channels at the top, their factors per halving, those of the way up (null: the same widths as on the
    way down), channels of the noise embedding, kernel of the last convolution, side of the patches that are one place
    of the U-Net (M-19, M-20)."""

    base: Positive
    factors: list[Annotated[int | float, Field(gt=0)]] = Field(min_length=1)
    up_factors: list[Annotated[int | float, Field(gt=0)]] | None
    embedding: Annotated[int, Field(gt=0, multiple_of=2)]
    out_kernel: Literal[1, 3, 5]
    patch: Positive

    @model_validator(mode="after")
    def _as_many_up_as_down(self):
        if self.up_factors is not None and len(self.up_factors) != len(self.factors):
            up, down = len(self.up_factors), len(self.factors)
            raise ValueError(f"up_factors has {up} numbers and factors {down}: one per halving is needed")
        return self


class Controls(Block):
    """How the controls reach the network: name and width of the branch, which half of the U-Net, how many frames share
    a value, and the chance that a feature is hidden in training (M-10, M-21 to M-29).

    ``lift``: rows that tell a chroma besides its number, 12 for one of each pitch class; 0: none, as in the memoir."""

    how: Literal[
        "none",
        "concatenation",
        "film",
        "global_film",
        "global_gate",
        "sum",
        "attention",
        "unordered_attention",
        "condconv",
    ]
    channels: Annotated[int, Field(gt=0, multiple_of=4)]
    side: Literal["encoder", "both"]
    decimate: Positive
    lift: Literal[0, 12]
    dropout: Part


class ControlledTraining(Training):
    """As ``train``; an example is ``crop_seconds`` long (0: the whole clip)."""

    crop_seconds: Amount


class AncestralSampler(Block):
    """Of a discrete-time paradigm: how many of its steps are visited (null: all), guidance (M-55)."""

    steps: Positive | None
    guidance: float


class DdpmSampler(AncestralSampler):
    """``variance`` of the noise that a step adds: beta, or that of the posterior."""

    variance: Literal["beta", "posterior"]


class EdmSampler(Block):
    """M-14, M-15, M-55."""

    name: Literal["alpha_heun", "euler", "stochastic_heun"]
    steps: Positive
    sigma_min: Rate
    sigma_max: Rate
    rho: Rate
    alpha: Rate
    churn: Amount
    churn_min: Amount
    churn_max: Rate
    churn_noise: Rate
    guidance: float


class ControlledSamplers(Block):
    """By paradigm."""

    ddpm: DdpmSampler
    edm: EdmSampler
    discdpm: AncestralSampler


class Cell(Block):
    """A column of the memoir's tables: a system on a format with a network, and what it changes for itself of
    ``systems.<system>`` (``paradigm``), ``control``, ``train``, ``generate.seconds`` and ``speed.batch``
    (``time_batch``)."""

    system: Word
    format: Word
    network: Word
    paradigm: dict[Word, Any] = Field(default_factory=dict)
    control: dict[Word, Any] = Field(default_factory=dict)
    train: dict[Word, Any] = Field(default_factory=dict)
    seconds: Rate | None = None
    time_batch: Positive | None = None


class ControlledGenerate(Block):
    """Clips under the controls of the clips of ``split``; ``clips`` of them, by the hash of their names (0: all).

    ``reference``: the split that FADs are measured from. ``untrained``: cells whose untrained network generates, too.
    """

    split: Literal["train", "valid", "test"]
    reference: Literal["train", "valid", "test"]
    clips: Count
    reference_clips: Count
    seconds: Rate
    batch: Positive
    noise_seed: Count
    untrained: list[Word]


class Speed(Block):
    """Inference time (M-45): clips of a batch, turns, and how many calls of a network are timed (0: all)."""

    batch: Positive
    repeats: Annotated[int, Field(ge=2)]
    calls: Count
    threads: Positive


class Fidelity(Block):
    """Control fidelity (M-48). ``free``: cells that are also heard with one feature left free; ``resamples`` of the
    bootstrap over clips."""

    free: list[Word]
    resamples: Positive
    seed: Count


class Sweeps(Block):
    """One cell's sampler with one knob turned (M-49, M-55)."""

    cell: Word
    churn: list[Annotated[float, Field(ge=0)]]
    steps: list[Positive]
    guidance: list[Annotated[float, Field(ge=-1)]]


class HandMade(Block):
    """Figures 4.2 and 4.3: cells that play the control files of papers/mante2024_controls, and for how long."""

    cells: list[Word]
    seconds: Rate
    triplets: Positive


class Mante2024(Block):
    """Diffusion under time-varying controls (M-01 to M-58). ``fad_rows``: its cells are rows of reports/fad.csv too."""

    datasets: list[Word] = Field(min_length=1)
    seeds: list[Count] = Field(min_length=1)
    embeddings: list[Word] = Field(min_length=1)
    fad_rows: bool
    networks: dict[Word, ControlledNetwork]
    control: Controls
    train: ControlledTraining
    samplers: ControlledSamplers
    cells: dict[Word, Cell] = Field(min_length=1)
    generate: ControlledGenerate
    speed: Speed
    fidelity: Fidelity
    sweeps: Sweeps
    figures: HandMade

    @model_validator(mode="after")
    def _cells_are_whole(self):
        for name, cell in self.cells.items():
            if cell.network not in self.networks:
                raise ValueError(
                    f"cells.{name}.network is {cell.network!r}; networks has {', '.join(sorted(self.networks))}"
                )
            Controls.model_validate(self.control.model_dump() | cell.control)
            ControlledTraining.model_validate(self.train.model_dump() | cell.train)
        return self
