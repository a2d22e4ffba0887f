"""A trained system with its codec: windows of audio to levels, levels of overlapping windows to one long sound."""

from dataclasses import dataclass

import torch
from torch import Tensor

from etude.audio.mel import mel_pyramid
from etude.codecs import Codec
from etude.diffusion.samplers import SamplerSettings, sample
from etude.systems.diffusion_autoencoder import DiffusionAutoencoder

Levels = list[Tensor]
"""h = [h_1, h_2, h_3] of consecutive windows, coarse to fine, each [windows, width, frames]."""

MANY = 1000  # windows of audio, to find the codec's hop by: any small effect of its edges is lost among so many


@dataclass(frozen=True)
class Mel:
    """How the encoders see a window: :func:`etude.audio.mel.mel_pyramid` of its first ``samples``."""

    bands: int
    hop: int
    window: int
    samples: int
    pyramid: str


class Player:
    """Windows are as long as the clips the system was trained on, and each begins half a window after the last.

    ``window``, ``step`` and ``hop`` are samples of a window, between two windows, and of a latent frame.
    """

    def __init__(
        self, system: DiffusionAutoencoder, codec: Codec, mel: Mel, window: int, sampler: str, settings: SamplerSettings
    ):
        self.system, self.codec, self.mel = system.eval(), codec, mel
        self.sampler, self.settings = sampler, settings
        self.rate, self.window = codec.sample_rate, window
        self.frames = system.frames
        self.device = next(system.parameters()).device
        self.hop = round((MANY - 1) * window / (codec.frames(MANY * window) - codec.frames(window)))
        self.step = self.frames // 2 * self.hop

    @property
    def level_frames(self) -> list[int]:
        """Frames of each level, coarse first: the names they are asked for by."""
        return self.system.placement.lengths(self.frames)

    def samples(self, windows: int) -> int:
        """Samples that so many windows cover."""
        return self.window + (windows - 1) * self.step

    @torch.inference_mode()
    def levels(self, audio: Tensor) -> Levels:
        """Levels of ``audio`` [windows, samples of a window]."""
        mels = mel_pyramid(
            audio[:, : self.mel.samples], self.rate, self.mel.bands, self.mel.hop, self.mel.window, self.mel.pyramid
        )
        batch = {"latents": self.codec.encode(audio)} | {f"mel{k}": mel for k, mel in enumerate(mels, start=1)}
        return self.system.levels({name: array.to(self.device) for name, array in batch.items()})

    @torch.inference_mode()
    def latents(self, levels: Levels, noise: Tensor) -> Tensor:
        """One sequence of codec latents [channels, frames] for all windows of ``levels``, from ``noise`` of that shape.

        At every step of the sampler each window is denoised given its own levels, and where two windows overlap their
        denoised latents are averaged, each with a weight that falls to zero at its ends. So the windows agree on one
        sequence while it comes into being, and there is no seam to hide afterwards. For a single window this is the
        system's own :meth:`~etude.systems.diffusion_autoencoder.DiffusionAutoencoder.generate` (P-21, P-22).
        """
        conditions = self.system.conditions(levels)
        weights = self._weights(len(levels[0]))

        def denoiser(x: Tensor, sigma: float) -> Tensor:
            windows = x[0].unfold(-1, self.frames, self.frames // 2).transpose(0, 1)
            level = torch.full((len(windows),), sigma, dtype=x.dtype, device=x.device)
            clean = self.system.edm.denoise(lambda x, level: self.system.unet(x, level, *conditions), windows, level)
            return self._overlap(clean * weights)[None]

        clean = sample(self.sampler, denoiser, noise[None].to(self.device), self.settings)
        return (clean / self.system.scale + self.system.shift)[0]

    def decode(self, latents: Tensor, samples: int, seed: int) -> Tensor:
        """Audio [samples] of latents [channels, frames]."""
        return self.codec.decode(latents[None].cpu(), samples, seed)[0]

    def _weights(self, windows: int) -> Tensor:
        """Weight [windows, 1, frames] of each window's frames: sine squared, and in all 1 for every frame."""
        place = (torch.arange(self.frames) + 0.5) / self.frames
        weights = torch.sin(torch.pi * place).square().expand(windows, 1, -1).to(self.device)
        whole = self._overlap(weights).unfold(-1, self.frames, self.frames // 2).transpose(0, 1)
        return weights / whole

    def _overlap(self, windows: Tensor) -> Tensor:
        """Windows [windows, channels, frames] added where they overlap: [channels, frames of all]."""
        half = self.frames // 2
        first, second = windows[..., :half], windows[..., half:]
        nothing = torch.zeros_like(first[:1])
        blocks = torch.cat([first, nothing]) + torch.cat([nothing, second])
        return blocks.transpose(0, 1).flatten(1)
