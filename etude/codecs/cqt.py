"""Complex constant-Q transform as two channels, real and imaginary part, on a regular grid of bins and frames (M-04).

Bin b is a filter around f_min * 2^(b / bins_per_octave), cut out of the spectrum: a window with compact support in
frequency that rises from one neighbour and falls to the other as quarters of a cosine on a logarithmic axis, so that
the squares of all windows add up to one between the lowest and the highest bin. All bins have the same hop, which must
be short enough that none is wider than the frame rate: then nothing aliases, the transform is a tight frame, and its
adjoint takes it back. Where windows that reach from neighbour to neighbour would be wider than that, as on the memoir's
grid above 6.2 kHz, they overlap less.

For the analysis a clip is followed by silence. Frame k is centred on sample k * hop, the last one on the end of the
clip, and what rings on before and after them is left out; a few steps of conjugate gradients on the least-squares
problem restore what that costs at both ends. They also bring coefficients that no sound has, as systems generate them,
to the nearest sound. What lies below the lowest bin and above the highest is lost by design.

Coefficients are divided by ``scale``, such that over the train split their standard deviation is ``deviation``.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from etude.audio.files import to_float
from etude.codecs._pretrained import best_device, check_record, forget
from etude.errors import UserError
from etude.pipeline.files import atomic, sha256_file
from etude.pipeline.progress import progress
from etude.training.checkpoint import Checkpoint

BLOCK = 8  # clips at a time
FIT_CLIPS = 128  # for the standard deviation, spread evenly over the train split
LEAST_OVERLAP = 0.1  # of the way from bin to bin; filters with steeper edges would ring on for too long
SILENCE = 1e-4  # of full scale: the smallest standard deviation that is made ``deviation``


class Grid:
    """Centres and windows of the bins. ``settings``: sample_rate, f_min, bins_per_octave, bins, hop.

    Raises ``UserError`` for a grid that cannot be inverted.
    """

    def __init__(self, settings):
        self.rate, self.hop, self.bins = settings.sample_rate, settings.hop, settings.bins
        self.step = 2 ** (1 / settings.bins_per_octave)
        self.centres = settings.f_min * self.step ** np.arange(self.bins)
        self.shortest = math.ceil(self.rate / (settings.f_min * (self.step - 1)))  # samples that the lowest bin spans
        nyquist, top = self.rate / 2, self.centres[-1] * self.step
        if top > nyquist:
            there = int((settings.f_min * self.step ** np.arange(1, self.bins + 1) <= nyquist).sum())
            raise UserError(
                f"codec.cqt in params.yaml: the highest of {self.bins} bins reaches to {top:.0f} Hz and a sample rate "
                f"of {self.rate} Hz ends at {nyquist:.0f} Hz, so bins would be missing and the CQT could not be "
                f"inverted; set bins to {there} or fewer"
            )
        # How much windows may overlap at the borders of each bin: 1 reaches from neighbour to neighbour, 0 is a cut.
        room = 2 * np.arcsinh(self.rate / self.hop / (2 * self.centres)) / np.log(self.step) - 1
        if room[-1] < LEAST_OVERLAP:
            centre = self.centres[-1]
            width = 2 * centre * np.sinh(np.log(self.step) / 2 * (1 + LEAST_OVERLAP))
            raise UserError(
                f"codec.cqt in params.yaml: the highest bin, at {centre:.0f} Hz, is {width:.0f} Hz wide and a "
                f"hop of {self.hop} samples gives {self.rate / self.hop:.0f} frames a second, so the CQT could not "
                f"be inverted; set hop to {int(self.rate // width)} or less, or bins_per_octave higher"
            )
        room = np.clip(room, 0, 1)
        inner = np.minimum(room[1:], room[:-1])
        self.overlaps = np.concatenate([room[:1], inner, room[-1:]])

    def window(self, b: int, octaves: np.ndarray) -> np.ndarray:
        """Gain of bin ``b`` at frequencies given as log2 of Hz."""
        gains = []
        for side in (0, 1):
            border = math.log2(self.centres[b]) + (side - 0.5) * math.log2(self.step)
            reach = self.overlaps[b + side] * math.log2(self.step) / 2
            gains.append(np.pi / 4 * (1 + np.clip((octaves - border) / reach, -1, 1)))
        return np.sin(gains[0]) * np.cos(gains[1])

    def support(self, b: int) -> tuple[float, float]:
        """Lowest and highest frequency in Hz at which bin ``b`` is not zero."""
        low, high = (self.step ** ((1 + self.overlaps[b + side]) / 2) for side in (0, 1))
        return self.centres[b] / low, self.centres[b] * high

    @property
    def band(self) -> tuple[float, float]:
        """The frequencies in Hz between which nothing is lost."""
        edge = [self.step ** ((1 - overlap) / 2) for overlap in (self.overlaps[0], self.overlaps[-1])]
        return float(self.centres[0] / edge[0]), float(self.centres[-1] * edge[1])


class Frame(nn.Module):
    """The transform of clips of ``samples`` as a linear map that keeps lengths: a tight frame, but for both ends."""

    def __init__(self, grid: Grid, samples: int):
        super().__init__()
        if samples < grid.shortest:
            raise UserError(
                f"a clip has {samples} samples, and the lowest bin of the CQT, at {grid.centres[0]:.2f} Hz, spans "
                f"{grid.shortest}: it could not be inverted; make clips longer, or raise codec.cqt.f_min"
            )
        self.samples, self.bins, self.kept = samples, grid.bins, samples // grid.hop + 1
        self.frames = scipy.fft.next_fast_len(self.kept + -(-grid.shortest // grid.hop))
        self.length = self.frames * grid.hop
        hertz = grid.rate / self.length  # from line to line of the spectrum
        lines, places, gains = [], [], []
        for b in range(grid.bins):
            low, high = grid.support(b)
            line = np.arange(math.ceil(low / hertz), math.floor(high / hertz) + 1)
            lines.append(line)
            places.append(b * self.frames + line % self.frames)
            gains.append(grid.window(b, np.log2(line * hertz)))
        line, place, gain = (np.concatenate(parts) for parts in (lines, places, gains))
        self.first, self.last = int(line.min()), int(line.max()) + 1
        # Windows of neighbours overlap, of others not: a line lies in two bins at most, one even and one odd.
        parity = place // self.frames % 2
        both = np.zeros((2, self.last - self.first), np.int64), np.zeros((2, self.last - self.first))
        for table, values in zip(both, (place, gain), strict=True):
            table[parity, line - self.first] = values
        for name, values in {"line": line - self.first, "place": place, "both_places": both[0]}.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)
        for name, values in {"gain": gain, "both_gains": both[1]}.items():
            self.register_buffer(name, torch.from_numpy(values).float(), persistent=False)

    def analyse(self, audio: Tensor) -> Tensor:
        """Audio [batch, samples] to complex coefficients [batch, bins, frames]."""
        spectrum = torch.fft.rfft(audio, self.length, norm="ortho")[:, self.first : self.last]
        filtered = spectrum.new_zeros(len(audio), self.bins * self.frames)
        filtered[:, self.place] = spectrum[:, self.line] * (math.sqrt(2) * self.gain)
        return torch.fft.ifft(filtered.view(len(audio), self.bins, -1), norm="ortho")[..., : self.kept]

    def adjoint(self, coefficients: Tensor) -> Tensor:
        """Coefficients [batch, bins, frames] to audio [batch, samples]."""
        filtered = torch.fft.fft(coefficients, self.frames, norm="ortho").flatten(1)
        spectrum = filtered.new_zeros(len(coefficients), self.length // 2 + 1)
        parts = (filtered[:, place] * gain for place, gain in zip(self.both_places, self.both_gains, strict=True))
        spectrum[:, self.first : self.last] = sum(parts) / math.sqrt(2)
        return torch.fft.irfft(spectrum, self.length, norm="ortho")[:, : self.samples]

    def invert(self, coefficients: Tensor, iterations: int) -> Tensor:
        """The audio whose coefficients are nearest, by ``iterations`` of conjugate gradients after the adjoint."""
        audio = self.adjoint(coefficients)
        residual = coefficients - self.analyse(audio)
        gradient = self.adjoint(residual)
        direction, power = gradient, gradient.square().sum(1, keepdim=True)
        for _ in range(iterations):
            image = self.analyse(direction)
            length = power / (image.abs().square().sum((1, 2))[:, None] + 1e-30)
            audio = audio + length * direction
            residual = residual - length[..., None] * image
            gradient = self.adjoint(residual)
            before, power = power, gradient.square().sum(1, keepdim=True)
            direction = gradient + power / (before + 1e-30) * direction
        return audio


class CqtCodec(nn.Module):
    """See the module's text. ``settings``: those of :class:`Grid`, iterations, deviation."""

    channels = 2
    centre = 0.0
    keeps_phase = True  # what it decodes can be held against the original sample by sample

    def __init__(self, settings):
        super().__init__()
        self.grid = Grid(settings)
        self.frames_per_second = settings.sample_rate / settings.hop
        self.sample_rate, self.bins, self.iterations = settings.sample_rate, settings.bins, settings.iterations
        self.register_buffer("scale", torch.ones(()))
        self._frames: dict[int, Frame] = {}

    def frames(self, samples: int) -> int:
        return samples // self.grid.hop + 1

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """Audio [batch, samples] to [batch, 2, bins, frames]: real and imaginary part, divided by ``scale``."""
        frame = self._frame(audio.shape[1])
        return torch.cat([self._encode(frame, block) for block in audio.split(BLOCK)])

    @torch.no_grad()
    def decode(self, latents: Tensor, samples: int, seed: int) -> Tensor:
        """[batch, 2, bins, frames] to the nearest audio [batch, samples]; nothing in it is random."""
        expected = [self.channels, self.bins, self.frames(samples)]
        if latents.dim() != 4 or list(latents.shape[1:]) != expected:
            raise UserError(
                f"a CQT of shape {list(latents.shape[1:])} was given, and clips of {samples} samples have {expected} "
                "(real and imaginary part, bins, frames): with bins or frames missing it cannot be inverted"
            )
        frame = self._frame(samples)
        return torch.cat([self._decode(frame, block) for block in latents.split(BLOCK)])

    def _encode(self, frame: Frame, audio: Tensor) -> Tensor:
        coefficients = frame.analyse(audio.to(self.scale.device)) / self.scale
        return torch.stack([coefficients.real, coefficients.imag], dim=1).to(audio.device)

    def _decode(self, frame: Frame, latents: Tensor) -> Tensor:
        real, imaginary = latents.to(self.scale).unbind(1)
        return frame.invert(torch.complex(real, imaginary) * self.scale, self.iterations).to(latents.device)

    def _frame(self, samples: int) -> Frame:
        if samples not in self._frames:
            self._frames = {samples: Frame(self.grid, samples).to(self.scale.device)}  # the last one only: it is large
        return self._frames[samples]

    @torch.no_grad()
    def fit(self, audio: np.ndarray, deviation: float) -> dict[str, float]:
        """Set ``scale`` by ``audio`` (int16 [clips, samples]); what share of its energy lies in the band."""
        chosen = np.linspace(0, len(audio) - 1, min(len(audio), FIT_CLIPS)).round().astype(int)
        inside = whole = count = 0.0
        for start in progress(range(0, len(chosen), BLOCK), "standard deviation of the CQT"):
            clips = torch.from_numpy(to_float(audio[chosen[start : start + BLOCK]]))
            latents = self.encode(clips) * self.scale.cpu()
            inside += latents.double().square().sum().item()
            whole += clips.double().square().sum().item()
            count += latents.numel()
        self.scale.fill_(max(math.sqrt(inside / count), SILENCE) / deviation)
        return {"scale": self.scale.item(), "energy_in_band": inside / whole if whole else 1.0}


def obtain(folder: Path, audio: np.ndarray, rate: int, settings, checkpoint: Checkpoint) -> dict[str, Any]:
    """Measure the scale on ``audio`` and write it as ``weights.safetensors``. As :mod:`etude.codecs` has it.

    Facts beside the weight file's: ``scale``, ``energy_in_band``, ``band_hz``, ``frames_per_second``, ``redundancy``
    (real coefficients per sample of the band). There is no training to go on with: ``checkpoint`` is left alone.
    """
    if rate != settings.sample_rate:
        raise UserError(
            f"the CQT is set to {settings.sample_rate} Hz and the clips have {rate} Hz: make codec.cqt.sample_rate and "
            "prepare.sample_rate equal"
        )
    codec = CqtCodec(settings).to(best_device())
    forget(folder)
    facts = codec.fit(audio, settings.deviation)
    with atomic(folder / "weights.safetensors") as part:
        save_file({"scale": codec.scale.cpu()}, part)
    low, high = codec.grid.band
    return facts | {
        "weights": "weights.safetensors",
        "weights_sha256": sha256_file(folder / "weights.safetensors"),
        "band_hz": [low, high],
        "frames_per_second": rate / settings.hop,
        "redundancy": settings.bins * rate / settings.hop / (high - low),
    }


def load(folder: Path, settings) -> CqtCodec:
    """The transform with the scale in ``folder``, on the GPU if there is one."""
    codec = CqtCodec(settings)
    path = folder / "weights.safetensors"
    try:
        codec.scale.copy_(load_file(path)["scale"])
    except Exception as error:  # safetensors has no exception class of its own for a damaged file
        raise UserError(
            f"{path}: no scale of the CQT can be read from it ({error}); build models/codecs again"
        ) from error
    low, high = codec.grid.band
    recorded = {"weights_sha256": sha256_file(path), "band_hz": [low, high]}
    check_record(folder, recorded | {"frames_per_second": settings.sample_rate / settings.hop})
    return codec.to(best_device()).eval()
