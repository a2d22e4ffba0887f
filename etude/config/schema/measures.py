"""Blocks of params.yaml about what is measured: `judge`, `evaluate`, and the measures of Pichard 2024."""

from typing import Annotated, Literal

from pydantic import Field

from etude.config.schema.base import Block, Count, Part, Positive, Rate


class GmCnn(Block):
    """judge.gm_cnn: a log-mel CNN trained on the labels of the train split. It stands in for CLAP."""

    steps: Positive
    """updates of the weights [steps]"""
    batch: Positive
    """clips of an update [clips]"""
    lr: Rate
    """learning rate"""
    width: Positive
    """channels of its first layer"""
    seed: Count
    """of the training"""


class ExternalEmbedding(Block):
    """An embedding whose weights the user brings."""

    weights: str | None
    """path of the weight file; `clap`: of the model's folder (P-27, M-43)"""
    sha256: str | None
    """what its hash must be, or begin with; null: the published one, or where none is known, noted"""


class Evaluate(Block):
    """Fréchet audio distance (P-27)."""

    groups: Annotated[int, Field(ge=2)]
    """of files, for the jackknife behind the interval [groups] (P-27)"""
    seed: Count
    """of the subsets behind FAD-inf"""


class ProbeFit(Block):
    """How the probes of one kind are fitted: AdamW, cosine learning rate, the best epoch on the valid part."""

    epochs: Positive
    """at most [epochs] (P-28, P-29)"""
    patience: Positive
    """epochs without a better one, then it ends [epochs]"""
    batch: Positive
    """examples of an update [clips]"""
    lr: Rate
    """learning rate at its highest"""
    weight_decay: Annotated[float, Field(ge=0)]
    """of AdamW"""


class MlpProbe(ProbeFit):
    """probes.mlp: pitch and instrument from the time average (P-28)."""

    hidden: list[Positive] = Field(min_length=1)
    """widths of the hidden layers (P-28)"""


class BilstmProbe(ProbeFit):
    """probes.bilstm: melody from the sequence (P-29)."""

    hidden: Positive
    """width of a direction (P-29)"""
    label_frames: Positive
    """of a clip, to which the levels are resampled [frames] (P-29)"""
    clips: Count
    """of each part of a split at most; 0 takes all [clips]"""


class Probes(Block):
    """What can be read from each level: Tables 2 and 3."""

    seeds: list[Count] = Field(min_length=1)
    """of the probes, for every seed of a system (P-28)"""
    mlp: MlpProbe
    """pitch and instrument (P-28)"""
    bilstm: BilstmProbe
    """melody (P-29)"""


class Transfer(Block):
    """Levels exchanged between clips: Tables 4 and 5 (P-22, P-31)."""

    pairs: Positive
    """(clip, target); each is sampled once per level and once for all levels (P-31)"""
    triples: Positive
    """three clips, one per level (P-22)"""
    pairing: Literal["uniform", "different"]
    """`uniform`, or `different`: of another instrument and another pitch (P-31)"""
    recombination: Literal["joint", "tilde"]
    """`joint`: levels are exchanged before they are refined; `tilde`: after (P-22)"""
    seed: Count
    """of the pairs and triples"""
    resamples: Positive
    """of the bootstrap over pairs"""


class Transcription(Block):
    """Basic Pitch; its defaults (P-33)."""

    onset_threshold: Part
    """how sure an onset must be [probability] (P-33)"""
    frame_threshold: Part
    """how sure a frame must be [probability] (P-33)"""
    minimum_frames: Positive
    """length of a note, at least [frames of 11.6 ms] (P-33)"""
    batch: Positive
    """clips that share a call [clips]"""


class Timbre(Block):
    """The triplet network behind timbre similarity (P-32)."""

    steps: Positive
    """updates of the weights [steps] (P-32)"""
    batch: Positive
    """of an update [triplets] (P-32)"""
    lr: Rate
    """learning rate (P-32)"""
    hard: Part
    """share of the negatives with the anchor's pitch, or else of its family [part]"""
    positive: Literal["instrument", "file"]
    """what two clips of one instrument share: the label `instrument`, or the `file` (P-32)"""
    clips: Count
    """of a split, at most [clips]"""
    triplets: Positive
    """of the validation [triplets]"""
    mixing_secrets: str | None
    """folder of multitrack recordings, `<song>/<file>.wav`, to learn from as well; null: none (P-32)"""
    seed: Count
    """of the training"""


class Projection(Block):
    """UMAP of the levels: Figures 18 to 21 (P-30)."""

    split: Literal["train", "valid", "test"]
    """whose clips are shown"""
    clips: Count
    """so many, chosen by the hash of their names; 0 takes all [clips] (P-30)"""
    neighbours: Annotated[int, Field(ge=2)]
    """of UMAP (P-30)"""
    min_dist: Part
    """of UMAP (P-30)"""
    agreement: Positive
    """neighbours whose labels are compared (P-30)"""
    permutations: Positive
    """of the labels: what the numbers would be by chance"""
    seed: Count
    """of UMAP and of the permutations"""


class Ablation(Block):
    """Table 1 with one level taken away (P-26)."""

    clips: Count
    """of those that `generate` makes; its number is all, so that the sets hold the same clips [clips]"""
    seeds: list[Count] = Field(min_length=1)
    """of `grid.seeds`"""
    how: list[Literal["zero", "mean"]] = Field(min_length=1)
    """what takes the level's place: zeros, or its mean over the train split (P-26)"""
