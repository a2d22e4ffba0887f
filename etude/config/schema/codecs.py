"""Blocks of params.yaml about codecs: `codec`."""

from typing import Annotated, Literal

from pydantic import Field

from etude.config.schema.base import Block, Count, Part, Positive, Rate
from etude.config.schema.training import Training


class SpectralCodec(Block):
    """codec.spectral: the offline default; codec.spectral_24k: the same for data sets at 24 kHz."""

    sample_rate: Positive
    n_fft: Positive
    hop: Positive
    frames_per_latent: Positive
    components: Positive
    floor_db: float
    width: Positive
    blocks: Count
    phase_iterations: Positive
    seed: Count
    train: Training


class PretrainedCodec(Block):
    """A codec that is loaded, never trained: where its weight file lies and what its sha256 must be."""

    weights: str | None
    sha256: str | None


class EncodecCodec(PretrainedCodec):
    """codec.encodec: EnCodec 24 kHz (P-07)."""

    bandwidth: Rate
    components: Count
    latents: Literal["quantised", "continuous"]


class CqtCodec(Block):
    """codec.cqt: complex constant-Q transform (M-04). ``iterations`` of conjugate gradients in its inverse;
    ``deviation``: what the standard deviation over the train split is scaled to."""

    sample_rate: Positive
    f_min: Rate
    bins_per_octave: Positive
    bins: Positive
    hop: Positive
    iterations: Count
    deviation: Rate


class KMeans(Block):
    """Codebooks at the start: from so many latent frames, by so many of Lloyd's iterations."""

    frames: Positive
    iterations: Positive


class SeanetCodec(Block):
    """codec.seanet: EnCodec's architecture, trained here (M-05, M-06). ``filters`` at the full rate (EnCodec 24 kHz:
    32), layers of its ``lstm`` (2), ``bandwidth`` in kbps, ``crop`` in samples; ``spectral`` and ``commitment``:
    weights of losses; ``decay`` of the codebooks' running means."""

    filters: Annotated[int, Field(ge=8)]
    lstm: Count
    bandwidth: Rate
    kmeans: KMeans
    crop: Positive
    spectral: Annotated[float, Field(ge=0)]
    commitment: Annotated[float, Field(ge=0)]
    decay: Part
    seed: Count
    train: Training
