"""A controlled system with its codec as an instrument: controls of any length in, sound in bounded memory out.

A stretch of :data:`STRETCH_SECONDS` is sampled as one sequence, for the networks are convolutional. The next one begins
:data:`SHARED_SECONDS` before the last one ends. Noise belongs to a place in time, so both start from the same noise
under the same controls there, and in what they share one fades into the other where it continues it best.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from etude.audio.crossfade import best_lag, crossfade
from etude.codecs import Codec
from etude.systems.controlled import ControlledSystem
from etude.systems.format import Format
from etude.training.seeds import generator_at

STRETCH_SECONDS, SHARED_SECONDS = 30.0, 2.0
FADE_SECONDS, SHIFT_SECONDS = 0.06, 0.004  # half a period of C3
BLOCK = 64  # frames that draw their noise together


class ControlledPlayer:
    """``sampler`` is the paradigm's block of mante2024.samplers. ``rate``: of the sound, in Hz."""

    def __init__(self, system: ControlledSystem, codec: Codec, form: Format, sampler):
        self.system, self.codec, self.form, self.sampler = system, codec, form, sampler
        self.rate = codec.sample_rate
        self.device = next(system.parameters()).device

    def render(self, tracks: np.ndarray, seed: int, stretch: float = STRETCH_SECONDS) -> Iterator[np.ndarray]:
        """Sound, a float32 block per stretch, for controls ``tracks`` [rows, frames] at the format's rate."""
        step = self.form.frames_per_second
        frames, length, shared = tracks.shape[1], round(stretch * step), round(SHARED_SECONDS * step)
        fade, shift = round(FADE_SECONDS * self.rate), round(SHIFT_SECONDS * self.rate)
        samples = round(frames / step * self.rate)
        done, ending = 0, None  # samples given out; the last samples of what is done, not yet given out
        for first in self.firsts(frames, stretch):
            last = min(first + length, frames)
            sound = self._stretch(tracks[:, first:last], first, seed)
            begin = round(first / step * self.rate)
            if ending is not None:
                at = done - begin
                at += best_lag(ending, sound[at - shift : at + fade + shift]) - shift
                sound = np.concatenate([crossfade(ending, sound[at : at + fade]), sound[at + fade :]])
            if last == frames:
                rest = sound[: samples - done]
                yield np.pad(rest, (0, samples - done - len(rest)))
                return
            # The fade lies in the middle of what this stretch and the next one share.
            keep = round((last - shared / 2) / step * self.rate) - done
            yield sound[:keep]
            done += keep
            ending = sound[keep : keep + fade]

    def firsts(self, frames: int, stretch: float = STRETCH_SECONDS) -> range:
        """The frame that each block of :meth:`render` begins at."""
        step = self.form.frames_per_second
        shared = round(SHARED_SECONDS * step)
        return range(0, max(frames - shared, 1), round(stretch * step) - shared)

    @torch.inference_mode()
    def _stretch(self, tracks: np.ndarray, first: int, seed: int) -> np.ndarray:
        """Sound [samples] of a stretch that begins at frame ``first``."""
        samples = round(tracks.shape[1] / self.form.frames_per_second * self.rate)
        frames = self.codec.frames(samples)
        held = np.pad(tracks, ((0, 0), (0, max(0, frames - tracks.shape[1]))), mode="edge")[:, :frames]
        controls = torch.from_numpy(held).to(self.device)[None]
        noise = self._noise(first, frames, seed)[None].to(self.device)
        generators = [generator_at(seed, "on the way", first)]
        made = self.system.generate(controls, noise, self.sampler, generators).cpu()
        decode = self.codec.decode_codes if self.form.array == "codes" else self.codec.decode
        return decode(made, samples, seed)[0].numpy()

    def _noise(self, first: int, frames: int, seed: int) -> Tensor:
        """Noise of one clip for frames from ``first`` on: each block's depends on its place alone."""
        shape = self.system.noise_shape(BLOCK)
        blocks = range(first // BLOCK, (first + frames) // BLOCK + 1)
        noise = torch.cat([torch.randn(shape, generator=generator_at(seed, "place", k)) for k in blocks], dim=-1)
        start = first - blocks[0] * BLOCK
        return noise[..., start : start + frames]
