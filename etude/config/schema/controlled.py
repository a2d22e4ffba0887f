"""The block `mante2024` of params.yaml."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from etude.config.schema.base import Amount, Block, Count, Part, Positive, Rate, Word
from etude.config.schema.training import Training


class ControlledNetwork(Block):
    """A U-Net (M-19, M-20)."""

    base: Positive
    """at the top [channels] (M-19)"""
    factors: list[Annotated[int | float, Field(gt=0)]] = Field(min_length=1)
    """of the channels, at each halving (M-19)"""
    up_factors: list[Annotated[int | float, Field(gt=0)]] | None
    """of the way up, from the bottom; null: the widths of the way down (M-20)"""
    embedding: Annotated[int, Field(gt=0, multiple_of=2)]
    """of the noise level [channels] (M-30)"""
    out_kernel: Literal[1, 3, 5]
    """of the last convolution (M-19)"""
    patch: Positive
    """side of the patches that are one place of the U-Net (M-19)"""

    @model_validator(mode="after")
    def _as_many_up_as_down(self):
        if self.up_factors is not None and len(self.up_factors) != len(self.factors):
            up, down = len(self.up_factors), len(self.factors)
            raise ValueError(f"up_factors has {up} numbers and factors {down}: one per halving is needed")
        return self


class Controls(Block):
    """How the controls reach the network (M-10, M-21 to M-29)."""

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
    """the names in `etude/networks/control.py`, or none (M-21 to M-29)"""
    channels: Annotated[int, Field(gt=0, multiple_of=4)]
    """of the control branch [channels] (M-21)"""
    side: Literal["encoder", "both"]
    """which half of the U-Net hears them (M-21)"""
    decimate: Positive
    """frames that share a value [frames] (M-53)"""
    lift: Literal[0, 12]
    """rows that tell velocity, and a chroma, besides the number: of a chroma one for each pitch class; 0: none, as in
    the memoir [rows] (M-07, M-08)"""
    dropout: Part
    """chance that a feature is hidden in training [probability] (M-10)"""


class ControlledTraining(Training):
    """As `train`, and how long an example is."""

    crop_seconds: Amount
    """length of an example; 0: the whole clip [s]"""


class AncestralSampler(Block):
    """Of a discrete-time paradigm."""

    steps: Positive | None
    """of the paradigm's, so many are visited; null: all [steps] (M-11, M-16)"""
    guidance: float
    """0 is none, -1 the controls unheard (M-55)"""


class DdpmSampler(AncestralSampler):
    """Of DDPM."""

    variance: Literal["beta", "posterior"]
    """of the noise that a step adds: `beta`, or that of the `posterior` (M-11)"""


class EdmSampler(Block):
    """Of EDM (M-14, M-15, M-55)."""

    name: Literal["alpha_heun", "euler", "stochastic_heun"]
    """of the scheme; with alpha 1 and churn 0, `stochastic_heun` is the memoir's (M-14)"""
    steps: Positive
    """noise levels visited [steps] (M-14)"""
    sigma_min: Rate
    """lowest noise level (M-14)"""
    sigma_max: Rate
    """highest noise level (M-14)"""
    rho: Rate
    """how levels crowd towards the lowest (M-14)"""
    alpha: Rate
    """place of the second evaluation in a step; 1 is Heun's (M-14)"""
    churn: Amount
    """noise added again while sampling (M-15)"""
    churn_min: Amount
    """noise level below which none is added (M-15)"""
    churn_max: Rate
    """noise level above which none is added (M-15)"""
    churn_noise: Rate
    """factor of its standard deviation (M-15)"""
    guidance: float
    """0 is none, -1 the controls unheard (M-55)"""


class ControlledSamplers(Block):
    """By paradigm."""

    ddpm: DdpmSampler
    """of DDPM"""
    edm: EdmSampler
    """of EDM"""
    discdpm: AncestralSampler
    """of multinomial diffusion"""


class Cell(Block):
    """A column of the memoir's tables: a system on a format with a network, and what it changes for itself."""

    system: Word
    """the paradigm: a block of `systems`"""
    format: Word
    """what it diffuses: a block of `formats`"""
    network: Word
    """a block of `mante2024.networks`"""
    paradigm: dict[Word, Any] = Field(default_factory=dict)
    """what it changes in `systems.<system>`"""
    control: dict[Word, Any] = Field(default_factory=dict)
    """what it changes in `mante2024.control`"""
    train: dict[Word, Any] = Field(default_factory=dict)
    """what it changes in `mante2024.train`"""
    seconds: Rate | None = None
    """length of its clips, instead of `generate.seconds` [s]"""
    time_batch: Positive | None = None
    """clips of a timed batch, instead of `speed.batch` [clips]"""


class ControlledGenerate(Block):
    """Clips under the controls of a split."""

    split: Literal["train", "valid", "test"]
    """whose controls are given"""
    reference: Literal["train", "valid", "test"]
    """the split that FADs are measured from (M-43)"""
    clips: Count
    """so many, chosen by the hash of their names; 0 takes all [clips] (M-43)"""
    reference_clips: Count
    """of the reference; 0 takes all [clips] (M-43)"""
    seconds: Rate
    """length of a clip [s]"""
    batch: Positive
    """clips that are sampled together [clips]"""
    noise_seed: Count
    """of the starting noise"""
    untrained: list[Word]
    """cells whose untrained network generates too, as a floor"""


class Speed(Block):
    """Inference time (M-45)."""

    batch: Positive
    """clips of the timed batch [clips] (M-45)"""
    repeats: Annotated[int, Field(ge=2)]
    """turns, after one that does not count"""
    calls: Count
    """of a network that are timed, the rest is multiplied; 0 times all (M-45)"""
    threads: Positive
    """of the processor"""


class Fidelity(Block):
    """Whether one hears the controls (M-48)."""

    free: list[Word]
    """cells that are also heard with one feature left free (M-48)"""
    resamples: Positive
    """of the bootstrap over clips"""
    seed: Count
    """of the bootstrap"""


class Sweeps(Block):
    """One cell's sampler with one knob turned (M-49, M-55)."""

    cell: Word
    """whose sampler"""
    churn: list[Annotated[float, Field(ge=0)]]
    """values of `churn` (M-49)"""
    steps: list[Positive]
    """values of `steps` (M-14)"""
    guidance: list[Annotated[float, Field(ge=-1)]]
    """values of `guidance` (M-55)"""


class HandMade(Block):
    """Figures 4.2 and 4.3 (M-47)."""

    cells: list[Word]
    """that play the control files of `papers/mante2024_controls` (M-47)"""
    seconds: Rate
    """for how long [s]"""
    triplets: Positive
    """control triplets drawn in Figure 3.5"""


class Mante2024(Block):
    """Diffusion under controls that vary over time (M-01 to M-58)."""

    datasets: list[Word] = Field(min_length=1)
    """data sets of melodies"""
    seeds: list[Count] = Field(min_length=1)
    """of the trainings"""
    embeddings: list[Word] = Field(min_length=1)
    """under which FAD is computed; each has a block in `judge` (M-43)"""
    fad_rows: bool
    """whether its cells are rows of `reports/fad.csv` too, which then waits for all of them"""
    networks: dict[Word, ControlledNetwork]
    """by name: U-Nets that cells choose from (M-19, M-20)"""
    control: Controls
    """how controls reach the network, where a cell does not say otherwise"""
    train: ControlledTraining
    """how a cell is trained, where it does not say otherwise"""
    samplers: ControlledSamplers
    """by paradigm"""
    cells: dict[Word, Cell] = Field(min_length=1)
    """by name: columns of the tables, and what stands beside them"""
    generate: ControlledGenerate
    """what is generated for the tables"""
    speed: Speed
    """how inference is timed"""
    fidelity: Fidelity
    """how control fidelity is measured"""
    sweeps: Sweeps
    """one knob of the sampler turned"""
    figures: HandMade
    """pictures of hand-made controls"""

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
