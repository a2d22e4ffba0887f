"""Blocks of params.yaml about codecs: `codec`."""

from typing import Annotated, Literal

from pydantic import Field

from etude.config.schema.base import Block, Count, Part, Positive, Rate
from etude.config.schema.training import Training


class SpectralCodec(Block):
    """codec.spectral: the offline default; codec.spectral_24k: the same for data sets at 24 kHz."""

    sample_rate: Positive
    """must be that of the clips [Hz]"""
    n_fft: Positive
    """window of the Fourier transform [samples]"""
    hop: Positive
    """between its frames [samples]"""
    frames_per_latent: Positive
    """frames that become one latent [frames]"""
    components: Positive
    """channels of a latent: principal components"""
    floor_db: float
    """what is weaker than the loudest by this is cut [dB]"""
    width: Positive
    """channels of the decoder"""
    blocks: Count
    """of the decoder"""
    phase_iterations: Positive
    """Griffin and Lim's, in decoding"""
    seed: Count
    """of the decoder's training"""
    train: Training
    """of the decoder"""


class PretrainedCodec(Block):
    """A codec that is loaded, never trained."""

    weights: str | None
    """path of the weight file that you bring (P-04, P-07)"""
    sha256: str | None
    """what its hash must be; null: the published one, or where none is known, noted"""


class EncodecCodec(PretrainedCodec):
    """codec.encodec: EnCodec 24 kHz (P-07)."""

    bandwidth: Rate
    """decides how many codebooks: 0.75 kbps each [kbps] (P-07, M-06)"""
    components: Count
    """principal components kept of 128 channels; 0 keeps all [channels] (P-07)"""
    latents: Literal["quantised", "continuous"]
    """`quantised`: sums of code vectors; `continuous`: the encoder's output (M-05)"""


class CqtCodec(Block):
    """codec.cqt: complex constant-Q transform, two channels (M-04)."""

    sample_rate: Positive
    """must be that of the clips [Hz] (M-04)"""
    f_min: Rate
    """lowest bin [Hz] (M-04)"""
    bins_per_octave: Positive
    """bins of an octave [bins] (M-04)"""
    bins: Positive
    """in all [bins] (M-04)"""
    hop: Positive
    """between frames [samples] (M-04)"""
    iterations: Count
    """of conjugate gradients in the inverse"""
    deviation: Rate
    """what the standard deviation over the train split is scaled to (M-04)"""


class KMeans(Block):
    """Codebooks at the start."""

    frames: Positive
    """latent frames that they are found from [frames]"""
    iterations: Positive
    """Lloyd's"""


class SeanetCodec(Block):
    """codec.seanet: EnCodec's architecture, trained here (M-05, M-06). It is never called EnCodec."""

    filters: Annotated[int, Field(ge=8)]
    """at the full rate; EnCodec 24 kHz: 32 [channels] (M-05)"""
    lstm: Count
    """layers; EnCodec 24 kHz: 2 [layers] (M-05)"""
    bandwidth: Rate
    """decides how many codebooks of 1024: 0.75 kbps each [kbps] (M-06)"""
    kmeans: KMeans
    """how the codebooks begin"""
    crop: Positive
    """length of an example [samples]"""
    spectral: Annotated[float, Field(ge=0)]
    """weight of the distance of log spectra in the loss"""
    commitment: Annotated[float, Field(ge=0)]
    """weight of the distance from the codebooks in the loss"""
    decay: Part
    """of the codebooks' running means [per step]"""
    seed: Count
    """of the training"""
    train: Training
    """of the codec"""
