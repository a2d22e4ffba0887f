"""The architecture of EnCodec (M-05, M-06), narrow, trained here: 24 kHz, 128 channels at 75 Hz, codes at 12 kbps.

Encoder, decoder and residual quantiser are the package ``encodec``'s; the weights are not. With as many ``filters`` as
the published network (32) it is that network; with few of them it is trained on a laptop in minutes, without a
discriminator: the signal-to-noise ratio of the waveform and spectra of several resolutions are its loss. Nobody should
take it for EnCodec 24 kHz as published, and no table calls it so.

It starts as a linear transform coder (see :mod:`etude.codecs._linear_start`). Codebooks are found by k-means, one after
the other on what the ones before leave over. Then everything is trained: of each batch a half goes through the first n
codebooks, n drawn anew for every second clip and all of them for the rest, and a half goes as it is, so that one
decoder serves the codes, at every bandwidth, and the continuous latents. Meanwhile the codebooks follow the encoder
as running means, and vectors that nothing is near to are set on what is there.
"""

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from etude.audio.files import to_float
from etude.codecs._linear_start import linear_start
from etude.codecs._pretrained import Published, best_device, check_rate, check_record, fill, forget
from etude.codecs.encodec import (
    BANDWIDTHS,
    BLOCK,
    CHANNELS,
    CLASSES,
    HOP,
    RATE,
    EncodecCodec,
    check_codebooks,
    codebooks_of,
)
from etude.errors import UserError
from etude.pipeline.files import atomic, sha256_file
from etude.pipeline.progress import progress
from etude.training.checkpoint import Checkpoint
from etude.training.loop import Trainable, train
from etude.training.seeds import generator_at
from etude.training.windows import Windows

RATIOS = [8, 5, 4, 2]  # of the decoder's upsampling: 320 samples a latent frame
WINDOWS = (128, 512, 2048)  # of the spectra in the loss, in samples
FLOOR = 1e-3  # of a full-scale sine: what is below is silence to the loss
QUIET = 1e-4  # mean square of a crop below which it is not asked to be right in proportion


class _TrainedHere(Published):
    @property
    def advice(self) -> str:
        return "build models/codecs again"


WEIGHTS = _TrainedHere(codec="seanet", model="the seanet codec", file="weights.safetensors")


class SeanetTraining(Trainable):
    """Encoder, quantiser and decoder with their losses. ``settings``: the block codec.seanet."""

    def __init__(self, settings):
        super().__init__()
        self.network = build_network(settings)
        self.spectral, self.commitment, self.decay = settings.spectral, settings.commitment, settings.decay

    def trained_in(self, stage: int) -> list[nn.Module]:
        return [self.network.encoder, self.network.decoder]

    def arrays_in(self, stage: int) -> tuple[str, ...]:
        return ("audio",)

    def loss(self, batch: dict[str, Tensor], stage: int, generator: torch.Generator) -> Tensor:
        audio = batch["audio"] / 32768.0
        latents = self.network.encoder(audio[:, None])
        latents, penalty = self._half_quantised(latents, generator)
        decoded = self.network.decoder(latents)[:, 0, : audio.shape[1]]
        return distance(audio, decoded, self.spectral) + self.commitment * penalty

    def _half_quantised(self, latents: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """``latents`` with the second half of the batch quantised, its gradient passed straight through; and how far
        they are from it, as a part of their own size. The codebooks follow."""
        whole, coded = latents.chunk(2)
        depth = torch.randint(1, len(self.layers) + 1, (len(coded),), generator=generator)
        depth[::2] = len(self.layers)
        target, total = coded.detach(), torch.zeros_like(coded)
        residual = target
        for k, layer in enumerate(self.layers):
            codes = layer.encode(residual)
            vectors = layer.decode(codes)
            total = total + vectors * (k < depth).to(total)[:, None, None]
            place = residual.transpose(1, 2).reshape(-1, CHANNELS)
            residual = residual - vectors
            follow(layer._codebook, place, codes.reshape(-1), self.decay, generator)
        penalty = functional.mse_loss(coded, total) / target.square().mean()
        return torch.cat([whole, coded + (total - target).detach()]), penalty

    @property
    def layers(self) -> nn.ModuleList:
        return self.network.quantizer.vq.layers

    @torch.no_grad()
    def fit_codebooks(self, audio: np.ndarray, frames: int, iterations: int, seed: int) -> None:
        """Codebooks by k-means on about ``frames`` latent frames of clips spread evenly over ``audio``."""
        wanted = max(1, min(len(audio), round(frames / -(-audio.shape[1] // HOP))))
        chosen = np.linspace(0, len(audio) - 1, wanted).round().astype(int)
        device = self.layers[0].codebook.device
        blocks = (to_float(audio[chosen[k : k + BLOCK]]) for k in range(0, wanted, BLOCK))
        latents = [self.network.encoder(torch.from_numpy(block).to(device)[:, None]) for block in blocks]
        vectors = torch.cat(latents).transpose(1, 2).reshape(-1, CHANNELS)
        for k, layer in enumerate(progress(self.layers, "codebooks by k-means")):
            means, sizes = kmeans(vectors, CLASSES, iterations, generator_at(seed, "codebook", k))
            book = layer._codebook
            share = sizes / len(vectors)  # where running means begin
            book.embed.copy_(means)
            book.cluster_size.copy_(share)
            book.embed_avg.copy_(means * share[:, None])
            book.inited.fill_(1)
            vectors = vectors - means[nearest(vectors, means)]


def build_network(settings) -> nn.Module:
    """The package's model with ``settings.filters`` channels at the full rate and codebooks for ``settings.bandwidth``
    kbps, weights at random."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the package's way of normalising weights is old
        try:
            from encodec import EncodecModel
            from encodec.modules import SEANetDecoder, SEANetEncoder
            from encodec.quantization import ResidualVectorQuantizer
        except ImportError as error:
            raise UserError(f"the package encodec cannot be imported ({error}): run `make` again") from None
        shape = {"n_filters": settings.filters, "lstm": settings.lstm, "dimension": CHANNELS, "ratios": RATIOS}
        shape |= {"channels": 1, "norm": "weight_norm", "causal": True}
        quantiser = ResidualVectorQuantizer(CHANNELS, n_q=codebooks_of(settings.bandwidth), bins=CLASSES)
        return EncodecModel(
            SEANetEncoder(**shape), SEANetDecoder(**shape), quantiser, [settings.bandwidth], RATE, channels=1
        )


def distance(audio: Tensor, decoded: Tensor, spectral: float) -> Tensor:
    """Loss of ``decoded`` against ``audio`` [batch, samples]: noise-to-signal ratio in decades, and ``spectral`` times
    the mean absolute difference of log magnitudes (nepers) over windows of several lengths."""
    noise = (decoded - audio).square().mean(1)
    ratio = ((noise + 1e-7) / (audio.square().mean(1) + QUIET)).log10().mean()
    spectra = [(log_magnitude(audio, window) - log_magnitude(decoded, window)).abs().mean() for window in WINDOWS]
    return ratio + spectral * sum(spectra) / len(spectra)


def log_magnitude(audio: Tensor, window: int) -> Tensor:
    """Magnitudes [batch, bins, frames] in nepers above ``FLOOR`` of a full-scale sine's."""
    shape = torch.hann_window(window, device=audio.device)
    spectrum = torch.stft(audio, window, window // 4, window=shape, center=False, return_complex=True)
    power = spectrum.real.square() + spectrum.imag.square()
    return 0.5 * (power / (shape.sum() / 2) ** 2 + FLOOR**2).log()


def nearest(vectors: Tensor, means: Tensor) -> Tensor:
    """Index of the nearest of ``means`` [k, d] to each of ``vectors`` [n, d]."""
    return torch.addmm(means.square().sum(1), vectors, means.T, alpha=-2.0).argmin(1)


def kmeans(vectors: Tensor, classes: int, iterations: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """``classes`` means [classes, d] of ``vectors`` [n, d] by Lloyd's iteration, and how many vectors each has.

    A mean without vectors is set on one drawn at random.
    """
    drawn = torch.randint(len(vectors), (classes,), generator=generator)
    if len(vectors) >= classes:
        drawn = torch.randperm(len(vectors), generator=generator)[:classes]
    means = vectors[drawn].clone()
    for _ in range(iterations):
        index = nearest(vectors, means)
        sizes = torch.bincount(index, minlength=classes).to(vectors)
        means = torch.zeros_like(means).index_add_(0, index, vectors) / sizes.clamp_min(1)[:, None]
        empty = sizes == 0
        drawn = torch.randint(len(vectors), (classes,), generator=generator)
        means[empty] = vectors[drawn][empty]
    return means, torch.bincount(nearest(vectors, means), minlength=classes).to(vectors)


@torch.no_grad()
def follow(book: nn.Module, vectors: Tensor, codes: Tensor, decay: float, generator: torch.Generator) -> None:
    """Move a codebook of the package towards ``vectors`` [n, d], which have ``codes`` [n]: running means of how many
    each code has, as a part of all, and of their sum. A code with less than a hundredth of its fair share is set on
    one of ``vectors``."""
    counts = torch.bincount(codes, minlength=CLASSES).to(vectors) / len(vectors)
    sums = torch.zeros_like(book.embed).index_add_(0, codes, vectors) / len(vectors)
    book.cluster_size.lerp_(counts, 1 - decay)
    book.embed_avg.lerp_(sums, 1 - decay)
    dead = book.cluster_size < 0.01 / CLASSES
    drawn = vectors[torch.randint(len(vectors), (CLASSES,), generator=generator)]
    fresh = 1 / CLASSES
    book.cluster_size[dead] = fresh
    book.embed_avg[dead] = fresh * drawn[dead]
    book.embed.copy_(book.embed_avg / book.cluster_size[:, None])


class Clips:
    """Audio int16 [clips, samples] in memory or on disk, as windows are cut from it."""

    def __init__(self, audio: np.ndarray):
        self.arrays, self.rows = {"audio": audio}, np.arange(len(audio))

    def __len__(self) -> int:
        return len(self.rows)


def obtain(folder: Path, audio: np.ndarray, rate: int, settings, checkpoint: Checkpoint) -> dict[str, Any]:
    """Train the codec on ``audio``; write ``weights.safetensors``. As :mod:`etude.codecs` has it."""
    _check_settings(settings, audio.shape[1])
    check_rate(rate, RATE, WEIGHTS)
    forget(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = SeanetTraining(settings)
        linear_start(model.network, audio)
    model.to(best_device())
    model.fit_codebooks(audio, settings.kmeans.frames, settings.kmeans.iterations, settings.seed)
    curve = train(
        model, Windows(Clips(audio), settings.crop), settings.train, settings.seed, checkpoint, "seanet codec"
    )
    with atomic(folder / "weights.safetensors") as part:
        save_file({name: tensor.cpu().contiguous() for name, tensor in model.network.state_dict().items()}, part)
    return {
        "weights": "weights.safetensors",
        "weights_sha256": sha256_file(folder / "weights.safetensors"),
        "parameters": sum(p.numel() for part in model.trained_in(0) for p in part.parameters()),
        "bandwidth": settings.bandwidth,
        "final_loss": curve[-1]["loss"],
    }


def load(folder: Path, settings) -> EncodecCodec:
    """The trained codec in ``folder``: EnCodec's in all but its weights."""
    path = folder / "weights.safetensors"
    try:
        tensors = load_file(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; build models/codecs again") from None
    except Exception as error:  # safetensors has no exception class of its own for a damaged file
        raise UserError(f"{path}: no weights can be read from it ({error}); build models/codecs again") from error
    check_record(folder, {"weights_sha256": sha256_file(path), "bandwidth": settings.bandwidth})
    network = build_network(settings)
    check_codebooks(tensors, settings.bandwidth, path, WEIGHTS)
    fill(network, tensors, path, WEIGHTS)
    as_encodec = SimpleNamespace(bandwidth=settings.bandwidth, components=0, latents="continuous")
    return EncodecCodec(network, as_encodec).to(best_device()).eval().requires_grad_(False)


def _check_settings(settings, samples: int) -> None:
    if settings.bandwidth not in BANDWIDTHS:
        known = ", ".join(f"{kbps:g}" for kbps in BANDWIDTHS)
        raise UserError(f"params.yaml: codec.seanet.bandwidth is {settings.bandwidth:g} kbps; it may be {known}")
    if settings.crop % HOP or not max(WINDOWS) <= settings.crop <= samples:
        raise UserError(
            f"params.yaml: codec.seanet.crop is {settings.crop} samples; it must be a multiple of {HOP}, at least "
            f"{max(WINDOWS)} and at most a clip's {samples}"
        )
