"""The ``spectral`` codec: a log-magnitude spectrogram in closed form, a small learned decoder, Griffin-Lim phase.

Encoder: STFT magnitudes in decibel-like logarithms, ``frames_per_latent`` of them side by side, projected on the
principal components of the train split. At 16 kHz with hop 256 and 4 frames a latent, 64 components at 15.6 Hz.
Decoder: the same projection backwards, plus what a small convolutional network adds from the context of the latents;
the phase is found by the fast Griffin-Lim iteration. It needs no download and is trained in a minute or two; it is no
rival of a neural codec, and every table names it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchaudio
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from etude.errors import UserError
from etude.pipeline.files import atomic, sha256_file
from etude.pipeline.progress import progress
from etude.training.checkpoint import Checkpoint
from etude.training.loop import Trainable, train

FIT_BATCH = 64
IN_CACHE = 1 << 18  # numbers of a spectrum: of more at once, a clip takes up to five times as long


class SpectralCodec(Trainable):
    """See the module's text. ``settings``: sample_rate, n_fft, hop, frames_per_latent, components, floor_db, width,
    blocks, phase_iterations."""

    def __init__(self, settings):
        super().__init__()
        self.sample_rate = settings.sample_rate
        self.channels = settings.components
        self.n_fft, self.hop, self.stack = settings.n_fft, settings.hop, settings.frames_per_latent
        self.floor = 10 ** (settings.floor_db / 20)
        self.phase_iterations = settings.phase_iterations
        self.bins = self.n_fft // 2 + 1
        self.frames_per_second = self.sample_rate / (self.hop * self.stack)
        self.centre = (self.stack - 1) / (2 * self.stack)  # spectra are centred on multiples of the hop
        size = self.bins * self.stack
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("components", torch.zeros(self.channels, size))
        self.register_buffer("deviations", torch.ones(self.channels))
        self.inward = nn.Conv1d(self.channels, settings.width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Conv1d(settings.width, settings.width, 3, padding=1) for _ in range(settings.blocks)
        )
        self.outward = nn.Conv1d(settings.width, size, 1)
        nn.init.zeros_(self.outward.weight)  # so that it starts as the closed form
        nn.init.zeros_(self.outward.bias)

    def frames(self, samples: int) -> int:
        if samples % (self.hop * self.stack):
            raise UserError(
                f"the spectral codec cuts clips into latent frames of {self.hop * self.stack} samples, and {samples} "
                "is no multiple of it: change prepare.chunk_samples or codec.spectral"
            )
        return samples // (self.hop * self.stack)

    def spectrum(self, audio: Tensor) -> Tensor:
        """Audio [batch, samples] to stacked log-magnitudes [batch, bins * stack, frames]; 0: a full-scale sine."""
        numbers = self.bins * self.frames(audio.shape[-1]) * self.stack
        return torch.cat([self._spectrum(group) for group in audio.split(max(1, IN_CACHE // numbers))])

    def _spectrum(self, audio: Tensor) -> Tensor:
        frames = self.frames(audio.shape[-1])
        stft = torch.stft(audio, self.n_fft, self.hop, window=self.window, return_complex=True)
        # The frame centred on the end of the clip is left out, so that frames are a multiple of the stack.
        magnitude = stft.abs()[..., :-1] / (self.window.sum() / 2)
        log = (magnitude + self.floor).log()
        return log.reshape(len(audio), self.bins, frames, self.stack).transpose(2, 3).reshape(len(audio), -1, frames)

    def encode(self, audio: Tensor) -> Tensor:
        return torch.einsum("cs,bst->bct", self.components, self.spectrum(audio) - self.mean[:, None])

    def decoded_spectrum(self, latents: Tensor) -> Tensor:
        """Latents to stacked log-magnitudes: closed form plus learned residual."""
        closed = torch.einsum("cs,bct->bst", self.components, latents) + self.mean[:, None]
        x = functional.silu(self.inward(latents / self.deviations[:, None]))
        for block in self.blocks:
            x = x + functional.silu(block(x))
        return closed + self.outward(x)

    @torch.no_grad()
    def decode(self, latents: Tensor, samples: int, seed: int) -> Tensor:
        batch, frames = len(latents), self.frames(samples)
        log = self.decoded_spectrum(latents).reshape(batch, self.bins, self.stack, frames)
        magnitude = (log.transpose(2, 3).reshape(batch, self.bins, -1).exp() - self.floor).clamp_min(0)
        magnitude = torch.cat([magnitude, magnitude[..., -1:]], dim=-1) * (self.window.sum() / 2)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # once: the groups draw what one call for all would draw
            groups = magnitude.cpu().split(max(1, IN_CACHE // magnitude[0].numel()))
            return torch.cat([self._audio(group, samples) for group in groups]).to(latents.device)

    def _audio(self, magnitude: Tensor, samples: int) -> Tensor:
        """Magnitudes [batch, bins, frames] to audio [batch, samples]."""
        return torchaudio.functional.griffinlim(
            magnitude, self.window.cpu(), self.n_fft, self.hop, self.n_fft, power=1.0,
            n_iter=self.phase_iterations, momentum=0.99, length=samples, rand_init=True,
        )  # fmt: skip

    def loss(self, batch: dict[str, Tensor], stage: int, generator: torch.Generator) -> Tensor:
        """Mean absolute error of the log-magnitudes after a round trip (in nepers)."""
        spectrum = self.spectrum(batch["audio"] / 32768.0)
        latents = torch.einsum("cs,bst->bct", self.components, spectrum - self.mean[:, None])
        return (self.decoded_spectrum(latents) - spectrum).abs().mean()

    def fit(self, audio: np.ndarray) -> None:
        """Principal components of the stacked spectra of ``audio`` (int16 [clips, samples]), in float64."""
        size = self.mean.shape[0]
        total, products, count = torch.zeros(size, dtype=torch.float64), torch.zeros(size, size, dtype=torch.float64), 0
        for start in progress(range(0, len(audio), FIT_BATCH), "spectral codec, principal components"):
            block = torch.from_numpy(audio[start : start + FIT_BATCH].astype(np.float32)) / 32768.0
            vectors = self.spectrum(block).transpose(1, 2).reshape(-1, size)
            # float32 products of one block, float64 sums over the blocks: exact enough and four times faster
            total += vectors.sum(0, dtype=torch.float64)
            products += (vectors.T @ vectors).double()
            count += len(vectors)
        mean = total / count
        values, vectors = torch.linalg.eigh(products / count - torch.outer(mean, mean))
        chosen = vectors.flip(1)[:, : self.channels].T
        largest = chosen.gather(1, chosen.abs().argmax(1, keepdim=True))
        self.mean.copy_(mean)
        self.components.copy_(chosen * largest.sign())  # an eigenvector's sign is arbitrary: fix it
        self.deviations.copy_(values.flip(0)[: self.channels].clamp_min(1e-12).sqrt())


class _Clips:
    """The audio of the train split as the training loop wants it."""

    def __init__(self, audio: np.ndarray):
        self.audio = audio

    def __len__(self) -> int:
        return len(self.audio)

    def batch(self, clips: Tensor, names: tuple[str, ...]) -> dict[str, Tensor]:
        return {"audio": torch.from_numpy(self.audio[clips.numpy()].astype(np.float32))}


def obtain(folder: Path, audio: np.ndarray, rate: int, settings, checkpoint: Checkpoint) -> dict[str, Any]:
    """Fit the closed form and train the residual decoder on ``audio``; write ``weights.safetensors``."""
    if rate != settings.sample_rate:
        raise UserError(
            f"the spectral codec is set to {settings.sample_rate} Hz and the clips have {rate} Hz: "
            "make codec.spectral.sample_rate and prepare.sample_rate equal"
        )
    torch.manual_seed(settings.seed)
    codec = SpectralCodec(settings)
    codec.fit(audio)
    curve = train(codec, _Clips(audio), settings.train, settings.seed, checkpoint, "spectral codec")
    with atomic(folder / "weights.safetensors") as part:
        save_file(codec.state_dict(), part)
    return {
        "weights": "weights.safetensors",
        "weights_sha256": sha256_file(folder / "weights.safetensors"),
        "final_loss": curve[-1]["loss"],
    }


def load(folder: Path, settings) -> SpectralCodec:
    """The trained codec in ``folder``."""
    codec = SpectralCodec(settings)
    try:
        codec.load_state_dict(load_file(folder / "weights.safetensors"))
    except RuntimeError as error:
        raise UserError(
            f"{folder / 'weights.safetensors'}: weights of another spectral codec "
            f"({str(error).splitlines()[-1].strip()}); build models/codecs again"
        ) from None
    return codec.eval()
