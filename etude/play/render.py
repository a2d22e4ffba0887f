"""Sounds of any length through a player, in bounded memory.

A stretch of :data:`STRETCH` windows is sampled as one sequence and decoded as one; the next stretch begins
:data:`SHARED` windows before the last one ends. Both start from noise that belongs to the place in time and see the
same levels there, so that in the middle of what they share their latents are the same to a thousandth, and there one
fades into the other. A codec that invents its phases decodes equal latents to sounds that could cancel each other: so
the next stretch begins some milliseconds sooner or later, where it continues the last one best; these shifts make up
for one another and never add up to more than :data:`SHIFT_SECONDS`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from etude.audio.crossfade import best_lag, crossfade
from etude.audio.stream import mono_blocks
from etude.play.player import Levels, Player
from etude.training.seeds import generator_at

STRETCH = 12  # windows: some ten seconds, what a neural codec decodes in a few gigabytes
SHARED = 2
FADE_SECONDS = 0.06  # of a crossfade between two stretches
SHIFT_SECONDS = 0.012  # half a period of the lowest bass note

Mix = Callable[[Sequence[Levels]], Levels]
"""From the levels of each source to those that are heard."""


class Source:
    """A sound file, scaled by ``gain``, as consecutive overlapping windows; past its end it begins again if ``repeat``,
    else there is silence."""

    def __init__(self, path: Path, gain: float = 1.0, repeat: bool = False):
        self.path, self.gain, self.repeat = path, gain, repeat

    def windows(self, window: int, step: int, rate: int) -> Iterator[np.ndarray]:
        """float32 [window] at ``rate`` Hz, each ``step`` samples after the last, without end."""
        blocks = self._blocks(rate)
        waiting = np.zeros(0, np.float32)
        while True:
            while len(waiting) < window:
                waiting = np.concatenate([waiting, next(blocks)])
            yield waiting[:window]
            waiting = waiting[step:]

    def _blocks(self, rate: int) -> Iterator[np.ndarray]:
        for block in mono_blocks(self.path, rate):
            yield self.gain * block
        while self.repeat:
            for block in mono_blocks(self.path, rate):
                yield self.gain * block
        while True:
            yield np.zeros(rate, np.float32)


def render(
    player: Player, sources: Sequence[Source], mix: Mix, samples: int, seed: int, stretch: int = STRETCH
) -> Iterator[np.ndarray]:
    """Blocks of float32 audio at the codec's rate, ``samples`` in all; the same for the same ``seed``."""
    fade, shift = round(FADE_SECONDS * player.rate), round(SHIFT_SECONDS * player.rate)
    parts = planned(player, samples, stretch)
    # From the start of a stretch to the middle of what it shares with the one before, less half a fade.
    lead = (player.samples(SHARED) - fade) // 2
    streams = [source.windows(player.window, player.step, player.rate) for source in sources]
    left, late, tail, levels = samples, 0, None, None
    for first, last in parts:
        known = 0 if levels is None else SHARED
        fresh = mix([player.levels(_stack(stream, last - first - known)) for stream in streams])
        levels = fresh if levels is None else [torch.cat(pair) for pair in zip(levels, fresh, strict=True)]
        latents = player.latents(levels, _noise(player, first, last, seed))
        sound = player.decode(latents, player.samples(last - first), seed).numpy()
        if tail is not None:
            earliest = lead + late - shift
            start = earliest + best_lag(tail, sound[earliest : lead + late + shift + fade])
            late += lead - start
            sound = np.concatenate([crossfade(tail, sound[start : start + fade]), sound[start + fade :]])
        levels = [level[-SHARED:] for level in levels]
        kept = len(sound) if last == parts[-1][1] else len(sound) - (player.samples(SHARED) - lead)
        tail = sound[kept : kept + fade]
        yield sound[: min(kept, left)]
        left -= min(kept, left)


def planned(player: Player, samples: int, stretch: int = STRETCH) -> list[tuple[int, int]]:
    """Of each block of :func:`render`, the windows: (first, one past the last)."""
    return stretches(count_windows(player, samples, stretch, round(SHIFT_SECONDS * player.rate)), stretch)


def count_windows(player: Player, samples: int, stretch: int, shift: int) -> int:
    """Windows that cover ``samples``, and where there are joins the ``shift`` by which the end may come too soon."""

    def enough(length: int) -> int:
        return max(1, -(-(length - player.window) // player.step) + 1)

    windows = enough(samples)
    return windows if windows <= stretch else enough(samples + shift)


def stretches(windows: int, stretch: int) -> list[tuple[int, int]]:
    """(first, one past the last) of the windows of each stretch; neighbours share :data:`SHARED`."""
    firsts = range(0, max(windows - SHARED, 1), stretch - SHARED)
    return [(first, min(first + stretch, windows)) for first in firsts]


def _stack(stream: Iterator[np.ndarray], count: int) -> Tensor:
    return torch.from_numpy(np.stack([next(stream) for _ in range(count)]))


def _noise(player: Player, first: int, last: int, seed: int) -> Tensor:
    """Noise [channels, frames] for windows ``first`` to ``last``: each half window's depends on its place alone."""
    shape = (player.codec.channels, player.frames // 2)
    halves = [torch.randn(shape, generator=generator_at(seed, "half window", k)) for k in range(first, last + 1)]
    return torch.cat(halves, dim=1)
