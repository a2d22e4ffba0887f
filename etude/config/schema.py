"""The meaning of every key of params.yaml. A key that is not here is refused."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Part = Annotated[float, Field(ge=0, le=1)]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Block(BaseModel):
    """A block of params.yaml: unknown keys are errors, values are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Grid(Block):
    """The cells of the tables: every combination is one row."""

    datasets: list[Word] = Field(min_length=1)
    codecs: list[Word] = Field(min_length=1)
    systems: list[Word] = Field(min_length=1)
    seeds: list[Count] = Field(min_length=1)
    embeddings: list[Word] = Field(min_length=1)
    priors: list[Word] = []
    metrics: list[Word] = []


class NotesSource(Block):
    """gm_notes: single General MIDI notes in NSynth's format."""

    programs: Literal["all"] | Positive
    pitches: list[int] = Field(min_length=2, max_length=2)
    pitch_step: Positive
    velocities: list[int] = Field(min_length=1)


class BandSource(Block):
    """gm_band: composed multi-track pieces in Slakh2100's format."""

    pieces: Positive
    bars: Literal[4, 8, 12, 16]
    seed: Count


class MelodiesSource(Block):
    """gm_melodies: composed pieces as MIDI files."""

    pieces: Positive
    bars: Literal[4, 8, 12, 16]
    slower: list[Rate] = Field(min_length=2, max_length=2)
    seed: Count


class Loudness(Block):
    """One gain per source file. ``peak``: the largest sample reaches ``target_db`` dBFS, by at most ``max_gain_db``."""

    rule: Literal["peak", "none"]
    target_db: float
    max_gain_db: float


class Canonical(Block):
    """Canonical clips of a data set."""

    sample_rate: Positive
    chunk_samples: Positive
    split: Literal["official", "random"]
    loudness: Loudness
    silence_db: float
    remainder: Part
    max_chunks_per_stem: Count
    bass_octave: int


class Prepare(Canonical):
    """Canonical clips; what a reader, and what a data set changes in this block (etude/config/datasets.py)."""

    readers: dict[Word, dict[str, Any]] = {}
    datasets: dict[Word, dict[str, Any]] = {}


class Program(Block):
    """An instrument: its name, a label of clips and of a row of their controls, and its General MIDI program."""

    name: Word
    program: Annotated[int, Field(ge=0, le=127)]


class Music(Block):
    """How much a window must hold: notes, and the part of it in which one sounds."""

    notes: Positive
    sounding: Part


class Swells(Block):
    """Velocities over a clip: base (1 + depth sin(2 pi f t + phase)) within 1..127; null: from each note's own. f is
    drawn between 1/8 and 8 cycles a clip (M-02)."""

    base: Annotated[int, Field(ge=1, le=127)] | None
    depth: Part
    draw: Literal["log_uniform", "uniform"]


class PerSplit(Block):
    """A number for each split."""

    train: Count
    valid: Count
    test: Count


class Parts(Block):
    """Parts of the files for the splits beside train."""

    valid: Part
    test: Part


class Melodies(Canonical):
    """prepare.readers.melodies: phrases of one melody from any MIDI files (M-01). ``track``, ``monophony`` and
    ``transposition`` name rules of etude/midi/; notes below ``shortest`` seconds are left out; files of more than
    ``longest`` seconds or ``largest_file`` bytes are, too; of ``clips`` and ``clips_per_file``, 0 takes all."""

    programs: list[Program] = Field(min_length=1)
    track: Literal["highest", "busiest", "first"]
    monophony: Literal["skyline", "latest", "only"]
    pitches: list[int] = Field(min_length=2, max_length=2)
    transposition: Literal["together", "each", "whole"]
    shortest: Rate
    minimum: Music
    velocity: Swells
    gain: Rate
    oversampling: Positive
    clips_per_file: Count
    clips: PerSplit
    parts: Parts
    longest: Rate
    largest_file: Positive
    seed: Count


class Training(Block):
    """One training run: Adam, averaged weights, checkpoints (P-16, P-17)."""

    steps: Positive
    batch: Positive
    lr: Rate
    warmup: Count
    schedule: Literal["constant", "cosine"]
    ema: Part
    log_every: Positive
    checkpoint_every: Positive

    @model_validator(mode="after")
    def _checkpoints_follow_log_rows(self):
        if self.checkpoint_every % self.log_every:
            raise ValueError(
                f"checkpoint_every ({self.checkpoint_every}) must be a multiple of log_every ({self.log_every})"
            )
        return self


class SpectralCodec(Block):
    """codec.spectral: the offline default."""

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


class Mel(Block):
    """The finest mel spectrogram x_3 of a clip's first ``samples`` (P-05); ``pyramid`` makes the coarser (P-06)."""

    bands: Positive
    hop: Positive
    window: Positive
    samples: Positive
    pyramid: Literal["pool", "recompute"] | None


class Encode(Block):
    """Latents and mel spectrograms as memory-mapped arrays."""

    mel: Mel
    batch: Positive


class Format(Block):
    """formats.<name>: an array of a codec, as it is stored: half precision is for the CQT, which is large."""

    codec: Word
    array: Literal["latents", "codes"]
    storage: Literal["float32", "float16", "int16"]

    @model_validator(mode="after")
    def _codes_are_whole_numbers(self):
        if (self.array == "codes") != (self.storage == "int16"):
            raise ValueError(f"array {self.array} cannot be stored as {self.storage}: codes are int16, latents float")
        return self


class UNet(Block):
    """Widths of the U-Net below the codec's channels; channels of the noise embedding (P-11, P-13)."""

    channels: list[Positive] = Field(min_length=3)
    embedding: Positive


class DiffusionAutoencoder(Block):
    """What HDAE and the multi-scale system share."""

    unet: UNet
    width: Positive
    whitening: Part
    sigma_data: Rate
    noise_mean: float
    noise_std: Rate


class HdaeEncoder(Block):
    """Widths after each halving; bottlenecks of the latents at 16, 8 and 4 frames (P-23)."""

    channels: list[Positive] = Field(min_length=3, max_length=3)
    bottlenecks: list[Positive] = Field(min_length=3, max_length=3)
    full_rate_bottleneck: Count


class Hdae(DiffusionAutoencoder):
    """systems.hdae: the baseline (P-23)."""

    encoder: HdaeEncoder
    conditioning: Literal["hold", "tiled", "held_both"] | None


class MsdaeEncoder(Block):
    """Widths of the 2-D stages; bottleneck before h_k; whether what is left of the mel axis is averaged (P-09)."""

    channels: list[Positive] = Field(min_length=1)
    bottleneck: Positive
    bands: Literal["averaged", "kept"]


class Msdae(DiffusionAutoencoder):
    """systems.msdae: the multi-scale spectral diffusion autoencoder (P-08)."""

    encoder: MsdaeEncoder
    conditioning: Literal["hold", "tiled", "held_both", "levels_1_3_5"] | None
    residual: Literal["cumulative", "plain"] | None
    stride: Literal["mel", "both"] | None


class Sampler(Block):
    """P-19, P-20."""

    name: Literal["alpha_heun", "alpha_heun_released", "euler", "stochastic_heun"] | None
    steps: Positive
    sigma_min: Rate
    sigma_max: Rate
    rho: Rate
    alpha: Rate | None
    churn: Annotated[float, Field(ge=0)]
    churn_noise: Rate


class Generate(Block):
    """Reconstructions of a split (P-21)."""

    split: Literal["train", "valid", "test"]
    clips: Count
    batch: Positive
    noise_seed: Count
    sampler: Sampler


class PriorModel(Block):
    """One denoiser per level; ``coarser_noise`` is added to the levels that a finer one is given (P-72)."""

    unet: UNet
    coarser_noise: Annotated[float, Field(ge=0)]
    sigma_data: Rate
    noise_mean: float
    noise_std: Rate


class Priors(Block):
    """Priors over the levels of the systems; ``seeds`` are those of the systems (P-72)."""

    seeds: list[Count] = Field(min_length=1)
    model: PriorModel
    train: Training
    sampler: Sampler


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


Scaling = Literal["channel", "global", "none"]
Amount = Annotated[float, Field(ge=0)]


class Chain(Block):
    """A discrete-time paradigm: steps and noise schedule; the betas are the linear schedule's (M-11, M-16)."""

    steps: Positive
    schedule: Literal["linear", "cosine"]
    first_beta: Part
    last_beta: Part


class Ddpm(Chain):
    """systems.ddpm (M-11). ``scaling``: unit variance by channel, as a whole, or data as they are (M-05)."""

    scaling: Scaling


class Edm(Block):
    """systems.edm (M-13): data are scaled to ``sigma_data``, ln sigma ~ N(noise_mean, noise_std²)."""

    sigma_data: Rate
    noise_mean: float
    noise_std: Rate
    scaling: Scaling


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
    a value, and the chance that a feature is hidden in training (M-10, M-21 to M-29)."""

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
    ``control``, ``train``, ``generate.seconds`` and ``speed.batch`` (``time_batch``)."""

    system: Word
    format: Word
    network: Word
    control: dict[Word, Any] = {}
    train: dict[Word, Any] = {}
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
    train: dict[Word, Any] = {}
    sampler: dict[Word, Any] = {}


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


class Report(Block):
    """The pages: ``papers`` that are part of a run, ``clips`` of each set that can be heard, ``points`` of UMAPs."""

    papers: list[Word] = []
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
