"""Blocks of params.yaml about what is measured: `judge`, `evaluate`, and the measures of Pichard 2024."""

from typing import Annotated, Literal

from pydantic import Field

from etude.config.schema.base import Block, Count, Part, Positive, Rate


class GmCnn(Block):
    """judge.gm_cnn: a log-mel CNN trained on the labels of the train split."""

    steps: Positive
    batch: Positive
    lr: Rate
    width: Positive
    seed: Count


class ExternalEmbedding(Block):
    """An embedding whose weights the user brings."""

    weights: str | None
    sha256: str | None


class Evaluate(Block):
    """FAD: groups of files for the jackknife, seed of FAD-inf's subsets."""

    groups: Annotated[int, Field(ge=2)]
    seed: Count


class ProbeFit(Block):
    """How the probes of one kind are fitted: AdamW, cosine learning rate, the best epoch on the valid part."""

    epochs: Positive
    patience: Positive
    batch: Positive
    lr: Rate
    weight_decay: Annotated[float, Field(ge=0)]


class MlpProbe(ProbeFit):
    """probes.mlp: pitch and instrument from the time average (P-28)."""

    hidden: list[Positive] = Field(min_length=1)


class BilstmProbe(ProbeFit):
    """probes.bilstm: melody from the sequence (P-29); ``clips`` of each part of the split at most, 0 takes all."""

    hidden: Positive
    label_frames: Positive
    clips: Count


class Probes(Block):
    """What can be read from each level: one probe per seed."""

    seeds: list[Count] = Field(min_length=1)
    mlp: MlpProbe
    bilstm: BilstmProbe


class Transfer(Block):
    """Levels exchanged between clips (P-22, P-31). ``pairing`` different: of another instrument and another pitch;
    ``recombination`` joint: h is exchanged before it is refined, tilde: after; ``resamples`` of the bootstrap."""

    pairs: Positive
    triples: Positive
    pairing: Literal["uniform", "different"]
    recombination: Literal["joint", "tilde"]
    seed: Count
    resamples: Positive


class Transcription(Block):
    """Basic Pitch: thresholds of note creation (the package's own), clips that share a batch (P-33)."""

    onset_threshold: Part
    frame_threshold: Part
    minimum_frames: Positive
    batch: Positive


class Timbre(Block):
    """The triplet network behind timbre similarity (P-32). ``hard``: share of training negatives that have the anchor's
    pitch or else its family; ``positive``: what makes two clips one instrument, the label or the file."""

    steps: Positive
    batch: Positive
    lr: Rate
    hard: Part
    positive: Literal["instrument", "file"]
    clips: Count
    triplets: Positive
    mixing_secrets: str | None
    seed: Count


class Projection(Block):
    """UMAP of the levels: how many clips of which split (0: all), its two settings, its seed; ``agreement``: how many
    neighbours the numbers beside it look at; ``permutations`` of the labels, for their floor (P-30)."""

    split: Literal["train", "valid", "test"]
    clips: Count
    neighbours: Annotated[int, Field(ge=2)]
    min_dist: Part
    agreement: Positive
    permutations: Positive
    seed: Count


class Ablation(Block):
    """Table 1 with one level taken away: over how many clips (at most generate.clips), seeds of the systems, and what
    takes its place: zeros, or the level's mean over the train split (P-26 vi)."""

    clips: Count
    seeds: list[Count] = Field(min_length=1)
    how: list[Literal["zero", "mean"]] = Field(min_length=1)
