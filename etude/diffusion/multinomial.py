"""Discrete time, discrete state: multinomial diffusion, the memoir's DiscDPM (M-16; Hoogeboom et al. 2021)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from etude.diffusion.categorical import divergence, draw
from etude.diffusion.chain import Chain
from etude.diffusion.noise import Generators, uniform
from etude.diffusion.schedules import times_of
from etude.diffusion.shapes import per_clip

Classifier = Callable[[Tensor, Tensor], Tensor]
"""F: classes x_t [batch, codes, ...] and t / T [batch] to logits of x_0 [batch, codes, classes, ...]."""


@dataclass(frozen=True)
class MultinomialDiffusion(Chain):
    """The chain q(x_t | x_{t-1}) = Cat(alpha_t x_{t-1} + (1 - alpha_t) / K) on arrays of ``classes`` = K classes.

    Arrays are int64 [batch, codes, ...], never one-hot.
    """

    schedule: str = "cosine"
    classes: int = field(kw_only=True)

    def noised(self, clean: Tensor, times: Tensor, generators: Generators) -> Tensor:
        """x_t ~ Cat(alpha_bar_t x_0 + (1 - alpha_bar_t) / K) for ``times`` [batch]."""
        chance = uniform((len(clean), 2, *clean.shape[1:]), generators, clean.device)
        keep = chance[:, 0] < per_clip(self.alpha_bar[times.cpu()], clean).to(chance)
        return torch.where(keep, clean, self._class_of(chance[:, 1]))

    def loss(self, network: Classifier, clean: Tensor, times: Tensor, generators: Generators) -> Tensor:
        """KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)), nats per code: the mean over clips, codes and frames.

        Where t = 1 it is -log p(x_0 | x_1). Times T it is the variational bound, but for what is left of x_T.
        """
        now = self.noised(clean, times, generators)
        logits = network(now, (times / self.steps).to(now.device, torch.float32))
        here, there = self.alpha_bar[times.cpu()], self.alpha_bar[times.cpu() - 1]
        return divergence(logits, now, clean, here / there, there).mean()

    def start(self, noise: Tensor) -> Tensor:
        """x_T from ``noise`` ~ N(0, I) of its shape: the Gaussian's quantile says which of the K equal shares."""
        return self._class_of(torch.special.ndtr(noise.double()))

    def ancestral(self, network: Classifier, noise: Tensor, generators: Generators, steps: int | None = None) -> Tensor:
        """Classes int64 [batch, codes, ...] sampled from uniform ones, which ``noise`` ~ N(0, I) of that shape gives.

        ``steps`` below T visits so many of the times only.
        """
        for _, x in self.walk(network, noise, generators, steps):  # noqa: B007
            pass
        return x

    @torch.no_grad()
    def walk(
        self, network: Classifier, noise: Tensor, generators: Generators, steps: int | None = None
    ) -> Iterator[tuple[int, Tensor]]:
        """What :meth:`ancestral` passes on its way: times T, ..., 0 and the classes there."""
        x = self.start(noise)
        yield self.steps, x
        for t, s in pairwise(times_of(self.steps, steps)):
            x = self.back(network, x, t, s, generators)
            yield s, x

    def back(self, network: Classifier, x: Tensor, t: int, s: int, generators: Generators) -> Tensor:
        """x_s ~ p(x_s | x_t = ``x``) for times ``t`` > ``s``."""
        here, there = self.alpha_bar[t].item(), self.alpha_bar[s].item()
        logits = network(x, torch.full((len(x),), t / self.steps, device=x.device))
        chance = uniform((len(x), 3, *x.shape[1:]), generators, x.device)
        return draw(logits, x, here / there, there, chance)

    def _class_of(self, share: Tensor) -> Tensor:
        return (share * self.classes).long().clamp_(max=self.classes - 1)
