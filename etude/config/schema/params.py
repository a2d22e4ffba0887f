"""The whole of params.yaml, and the blocks that belong to plug-ins."""

from typing import Any, Literal

from pydantic import Field

from etude.config.schema.base import Block, Positive, Word
from etude.config.schema.codecs import CqtCodec, EncodecCodec, PretrainedCodec, SeanetCodec, SpectralCodec
from etude.config.schema.controlled import Mante2024
from etude.config.schema.data import BandSource, Canonical, Melodies, MelodiesSource, NotesSource, Prepare
from etude.config.schema.encode import Encode, Format
from etude.config.schema.generate import Generate, Priors
from etude.config.schema.grid import Grid
from etude.config.schema.measures import (
    Ablation,
    Evaluate,
    ExternalEmbedding,
    GmCnn,
    Probes,
    Projection,
    Timbre,
    Transcription,
    Transfer,
)
from etude.config.schema.systems import Chain, Ddpm, Edm, Hdae, Msdae
from etude.config.schema.toys import Toys
from etude.config.schema.training import Training


class Report(Block):
    """The pages: ``papers`` that are part of a run, ``clips`` of each set that can be heard, ``points`` of UMAPs."""

    papers: list[Word] = Field(default_factory=list)
    clips: Positive
    points: Positive


class Params(Block):
    """The whole of params.yaml, for one scale."""

    scale: Literal["smoke", "laptop", "large", "paper"]
    variant: Literal["text", "released", "corrected"]
    grid: Grid
    fetch: dict[Word, dict[str, Any]]
    prepare: Prepare
    codec: dict[Word, dict[str, Any]]
    encode: Encode
    formats: dict[Word, Format]
    systems: dict[Word, dict[str, Any]]
    ablated_systems: dict[Word, Word]
    train: Training
    generate: Generate
    priors: Priors
    judge: dict[Word, dict[str, Any]]
    evaluate: Evaluate
    probes: Probes
    transfer: Transfer
    transcription: Transcription
    timbre: Timbre
    projection: Projection
    ablation: Ablation
    mante2024: Mante2024
    toys: Toys
    report: Report


# Blocks that belong to plug-ins. A plug-in that is not listed has a block of its own making.
PLUGIN_BLOCKS: dict[str, dict[str, type[Block]]] = {
    "fetch": {"gm_notes": NotesSource, "gm_band": BandSource, "gm_melodies": MelodiesSource},
    "codec": {
        "spectral": SpectralCodec,
        "spectral_24k": SpectralCodec,
        "encodec": EncodecCodec,
        "music2latent": PretrainedCodec,
        "cqt": CqtCodec,
        "seanet": SeanetCodec,
    },
    "systems": {"hdae": Hdae, "msdae": Msdae, "ddpm": Ddpm, "edm": Edm, "discdpm": Chain},
    "judge": {
        "gm_cnn": GmCnn,
        "vggish": ExternalEmbedding,
        "encodec": ExternalEmbedding,
        "clap": ExternalEmbedding,
    },
}
# What a reader of data sets adds to the block `prepare`. One that is not listed adds nothing.
READER_BLOCKS: dict[str, type[Canonical]] = {"melodies": Melodies}
