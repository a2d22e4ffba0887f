"""EnCodec at 24 kHz (P-07): 128 channels at 75 Hz, of which PCA keeps the first principal components.

The network is the package ``encodec``'s, its weights a file of the user's (they are CC BY-NC 4.0, so none lies here).
Latents are the sum of the codebook vectors at ``bandwidth`` kbps (``latents: quantised``) or what the encoder gives
before quantisation (``continuous``). The decoder takes either as they come, without quantising again: what a system
generates is not on the codebooks' grid. Codes (M-06) are the codebooks' indices at ``bandwidth``: 16 of 1024 each at
12 kbps, 75 times a second; they are of the encoder's output whatever ``latents`` and ``components`` say.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from etude.audio.files import to_float
from etude.codecs._pretrained import (
    Published,
    best_device,
    check_rate,
    check_record,
    exact,
    fill,
    forget,
    read_tensors,
    weight_file,
)
from etude.codecs.codes import check_codes
from etude.errors import UserError
from etude.pipeline.files import atomic, sha256_file
from etude.pipeline.progress import progress
from etude.training.checkpoint import Checkpoint

RATE = 24000  # Hz
HOP = 320  # samples a latent frame
CHANNELS = 128
BANDWIDTHS = (1.5, 3.0, 6.0, 12.0, 24.0)  # kbps: 2, 4, 8, 16, 32 codebooks
CLASSES = 1024  # vectors of a codebook, so 10 bits a code
BITS = 10
BLOCK = 4  # clips at a time: more is slower on a CPU, and takes memory

PUBLISHED = Published(
    codec="encodec",
    model="EnCodec 24 kHz",
    file="encodec_24khz-d7cc33bc.th",
    sha256="d7cc33bcf1aad7f2dad9836f36431530744abeace3ca033005e3290ed4fa47bf",
    size=93_171_529,
)


class EncodecCodec(nn.Module):
    """See the module's text. ``settings``: bandwidth, components (0: all channels, unprojected), latents."""

    sample_rate = RATE
    frames_per_second = RATE / HOP
    centre = 0.5
    classes = CLASSES
    keeps_phase = True  # what it decodes can be held against the original sample by sample

    def __init__(self, network: nn.Module, settings):
        super().__init__()
        self.network = network
        self.bandwidth = settings.bandwidth
        self.codebooks = codebooks_of(settings.bandwidth)
        self.quantised = settings.latents == "quantised"
        self.projected = settings.components > 0
        self.channels = settings.components or CHANNELS
        self.register_buffer("mean", torch.zeros(CHANNELS))
        self.register_buffer("components", torch.zeros(self.channels, CHANNELS))

    def frames(self, samples: int) -> int:
        return -(-samples // HOP)

    @exact()
    def encode(self, audio: Tensor) -> Tensor:
        return torch.cat([self._encode(block) for block in audio.split(BLOCK)])

    @exact()
    def decode(self, latents: Tensor, samples: int, seed: int) -> Tensor:
        """As :meth:`etude.codecs.Codec.decode`; nothing in it is random. Past the last latent frame is silence."""
        return torch.cat([self._decode(block, samples) for block in latents.split(BLOCK)])

    @exact()
    def encode_codes(self, audio: Tensor) -> Tensor:
        """As :meth:`etude.codecs.codes.CodesCodec.encode_codes`."""
        return torch.cat([self._encode_codes(block) for block in audio.split(BLOCK)])

    @exact()
    def sum_of_codes(self, codes: Tensor) -> Tensor:
        """As :meth:`etude.codecs.codes.CodesCodec.sum_of_codes`: what the decoder takes, never projected."""
        check_codes(codes, self.codebooks, CLASSES)
        return self.network.quantizer.decode(codes.to(self.mean.device).transpose(0, 1).long()).to(codes.device)

    @exact()
    def decode_codes(self, codes: Tensor, samples: int, seed: int) -> Tensor:
        """As :meth:`etude.codecs.codes.CodesCodec.decode_codes`; nothing in it is random."""
        return torch.cat([self._render(self.sum_of_codes(block), samples) for block in codes.split(BLOCK)])

    def _encode_codes(self, audio: Tensor) -> Tensor:
        embedding = self.network.encoder(audio.to(self.mean.device)[:, None])
        return self._quantise(embedding).transpose(0, 1).to(audio.device)

    def _quantise(self, embedding: Tensor) -> Tensor:
        """Codes [codebooks, batch, frames], as the package has them."""
        return self.network.quantizer.encode(embedding, self.network.frame_rate, self.bandwidth)

    def _encode(self, audio: Tensor) -> Tensor:
        embedding = self.embed(audio.to(self.mean.device))
        if self.projected:
            embedding = torch.einsum("kc,bct->bkt", self.components, embedding - self.mean[:, None])
        return embedding.to(audio.device)

    def _decode(self, latents: Tensor, samples: int) -> Tensor:
        embedding = latents.to(self.mean.device)
        if self.projected:
            embedding = torch.einsum("kc,bkt->bct", self.components, embedding) + self.mean[:, None]
        return self._render(embedding, samples).to(latents.device)

    def _render(self, embedding: Tensor, samples: int) -> Tensor:
        audio = self.network.decoder(embedding.to(self.mean.device))[:, 0]
        return functional.pad(audio, (0, samples - audio.shape[1])).to(embedding.device)

    def embed(self, audio: Tensor) -> Tensor:
        """Audio [batch, samples] to what the decoder takes: [batch, 128, frames]."""
        embedding = self.network.encoder(audio[:, None])
        if self.quantised:
            embedding = self.network.quantizer.decode(self._quantise(embedding))
        return embedding

    @exact()
    def fit(self, audio: np.ndarray) -> float:
        """Principal components of the embeddings of ``audio`` (int16 [clips, samples]), covariance in float64.

        Returns the share of the variance that the components keep.
        """
        total = torch.zeros(CHANNELS, dtype=torch.float64)
        products = torch.zeros(CHANNELS, CHANNELS, dtype=torch.float64)
        count = 0
        for start in progress(range(0, len(audio), BLOCK), "principal components of EnCodec"):
            block = torch.from_numpy(to_float(audio[start : start + BLOCK])).to(self.mean.device)
            vectors = self.embed(block).transpose(1, 2).reshape(-1, CHANNELS).cpu().double()
            total += vectors.sum(0)
            products += vectors.T @ vectors
            count += len(vectors)
        mean = total / count
        variances, vectors = torch.linalg.eigh(products / count - torch.outer(mean, mean))
        components = vectors.flip(1)[:, : self.channels].T  # eigh sorts upwards
        largest = components.gather(1, components.abs().argmax(1, keepdim=True))
        self.mean.copy_(mean)
        self.components.copy_(components * largest.sign())  # an eigenvector's sign is arbitrary: fix it
        variances = variances.flip(0).clamp_min(1e-30)  # of silence: none
        return (variances[: self.channels].sum() / variances.sum()).item()


def codebooks_of(bandwidth: float) -> int:
    """How many codebooks ``bandwidth`` kbps are: n_q * 10 bits * 75 Hz (M-06)."""
    return int(1000 * bandwidth / (BITS * RATE / HOP))


def check_codebooks(tensors: Any, bandwidth: float, path: Path, published: Published) -> None:
    """Raise ``UserError`` when a weight file has codebooks, but fewer than ``bandwidth`` kbps need."""
    names = tensors if isinstance(tensors, dict) else {}
    found = sum(str(name).startswith("quantizer.") and str(name).endswith("._codebook.embed") for name in names)
    needed, kbps = codebooks_of(bandwidth), found * BITS * RATE / HOP / 1000
    if 0 < found < needed:
        raise UserError(
            f"{path}: weights for another bandwidth: {found} codebooks found, which are {kbps:g} kbps, and "
            f"codec.{published.codec}.bandwidth in params.yaml is {bandwidth:g} kbps, which needs {needed}; "
            f"{published.advice}"
        )


def obtain(folder: Path, audio: np.ndarray, rate: int, settings, checkpoint: Checkpoint) -> dict[str, Any]:
    """Check the weight file; fit the projection on ``audio`` and write it as ``weights.safetensors``.

    As :mod:`etude.codecs` has it. Beside the weight file's, the facts are ``bandwidth``, ``components``, ``latents``,
    and where there is a projection ``projection_sha256`` and ``variance_kept``. There is no training to go on with, so
    ``checkpoint`` is left alone.
    """
    _check_settings(settings)
    check_rate(rate, RATE, PUBLISHED)
    path, facts = weight_file(settings, PUBLISHED)
    facts |= _choices(settings)
    codec = _build(path, settings)
    forget(folder)
    if codec.projected:
        facts["variance_kept"] = codec.fit(audio)
        with atomic(folder / "weights.safetensors") as part:
            save_file({"mean": codec.mean.cpu(), "components": codec.components.cpu()}, part)
        facts["projection_sha256"] = sha256_file(folder / "weights.safetensors")
    return facts


def load(folder: Path, settings) -> EncodecCodec:
    """The codec with the projection in ``folder``, on the GPU if there is one."""
    _check_settings(settings)
    path, facts = weight_file(settings, PUBLISHED)
    facts |= _choices(settings)
    projection = folder / "weights.safetensors"
    if settings.components:
        if not projection.exists():
            raise UserError(
                f"{projection}: no such file, the projection on {settings.components} components expected; "
                "build models/codecs again"
            )
        facts["projection_sha256"] = sha256_file(projection)
    check_record(folder, {name: value for name, value in facts.items() if name != "weights"})  # it may have been moved
    codec = _build(path, settings)
    if settings.components:
        _read_projection(codec, projection)
    return codec


def _check_settings(settings) -> None:
    if settings.bandwidth not in BANDWIDTHS:
        known = ", ".join(f"{kbps:g}" for kbps in BANDWIDTHS)
        raise UserError(
            f"params.yaml: codec.encodec.bandwidth is {settings.bandwidth:g} kbps, and EnCodec 24 kHz has {known}"
        )
    if not 0 <= settings.components <= CHANNELS:
        raise UserError(
            f"params.yaml: codec.encodec.components is {settings.components}; it may be 1 to {CHANNELS}, or 0 for all "
            "channels as they are"
        )
    if settings.latents not in ("quantised", "continuous"):
        raise UserError(f"params.yaml: codec.encodec.latents is {settings.latents!r}; it may be quantised, continuous")


def _choices(settings) -> dict[str, Any]:
    return {"bandwidth": settings.bandwidth, "components": settings.components, "latents": settings.latents}


def _build(path: Path, settings) -> EncodecCodec:
    """The network with the weights in ``path``, not yet with a projection."""
    tensors = read_tensors(path, PUBLISHED)
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore", FutureWarning)  # the package's way of normalising weights is old
        try:
            from encodec import EncodecModel
        except ImportError as error:
            raise UserError(f"the package encodec cannot be imported ({error}): run `make` again") from None
        network = EncodecModel.encodec_model_24khz(pretrained=False)
    check_codebooks(tensors, settings.bandwidth, path, PUBLISHED)
    fill(network, tensors, path, PUBLISHED)
    return EncodecCodec(network, settings).to(best_device()).eval().requires_grad_(False)


def _read_projection(codec: EncodecCodec, path: Path) -> None:
    try:
        tensors = load_file(path)
        for name in ("mean", "components"):
            if tensors[name].shape != getattr(codec, name).shape:
                raise KeyError(name)
            getattr(codec, name).copy_(tensors[name])
    except Exception as error:  # safetensors has no exception class of its own for a damaged file
        raise UserError(
            f"{path}: not the projection of {CHANNELS} channels on {codec.channels} components that is expected; "
            "build models/codecs again"
        ) from error
