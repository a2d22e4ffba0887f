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
    """The pages to look at and to listen to."""

    papers: list[Word] = Field(default_factory=list)
    """of `papers/`: all their tables are part of a run, and of the first page"""
    clips: Positive
    """of every set, to listen to: the same in all sets [clips]"""
    points: Positive
    """of a UMAP, that sound when one clicks them [clips]"""


class Params(Block):
    """The whole of params.yaml, for one scale."""

    scale: Literal["smoke", "laptop", "large", "paper"]
    """which sizes: the blocks of `scales.<scale>` are laid over the others"""
    variant: Literal["text", "released", "corrected"]
    """what the thesis says, what its code does, or what is right: fills in every null that it names"""
    grid: Grid
    """the cells of the tables"""
    fetch: dict[Word, dict[str, Any]]
    """by name of a data set: how it is made or fetched"""
    prepare: Prepare
    """from sound files to clips"""
    codec: dict[Word, dict[str, Any]]
    """by name of a codec"""
    encode: Encode
    """latents and mel spectrograms"""
    formats: dict[Word, Format]
    """by name: what Manté's systems diffuse (M-03)"""
    systems: dict[Word, dict[str, Any]]
    """by name of a system"""
    ablated_systems: dict[Word, Word]
    """by name of an ablation: the system whose block it has, and beside which it stands (P-26)"""
    train: Training
    """how systems are trained"""
    generate: Generate
    """reconstructions"""
    priors: Priors
    """over the levels"""
    judge: dict[Word, dict[str, Any]]
    """by name of an embedding"""
    evaluate: Evaluate
    """Fréchet audio distance"""
    probes: Probes
    """what can be read from each level"""
    transfer: Transfer
    """levels exchanged between clips"""
    transcription: Transcription
    """notes that are heard"""
    timbre: Timbre
    """the network behind timbre similarity"""
    projection: Projection
    """UMAPs"""
    ablation: Ablation
    """one level taken away"""
    mante2024: Mante2024
    """the second paper"""
    toys: Toys
    """its toys"""
    report: Report
    """the pages"""


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
