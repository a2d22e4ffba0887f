"""Posteriors of multinomial diffusion in closed form, without one-hot arrays (M-16).

x_t and x_0 are class numbers, so of the K entries of every vector in the formulas all but two are equal. With
a = alpha [k = x_t] + u, u = (1 - alpha) / K, and b = bar F + v, v = (1 - bar) / K, where alpha is that of the step from
s to t and bar = alpha_bar_s:

    q(x_s | x_t, x_0)  = a b / C   with F = [k = x_0];  C is a sum of K terms of three kinds
    p(x_s | x_t)       = a b / C'  with F of the network;  C' = u + alpha b[x_t], since b sums to one

Their divergence needs one sum of log b over the classes, and log b at x_t and at x_0. Only the logits and, in the
backward pass, their gradient are ever held for a whole batch; what else is K times as large as the data lives for one
clip.
"""

import math

import torch
from torch import Tensor

CLASS_AXIS = 1  # of one clip's logits


class _Divergence(torch.autograd.Function):
    """KL(q(x_s | x_t, x_0) || p(x_s | x_t)) per position; the gradient is worked out by hand, clip by clip."""

    @staticmethod
    def forward(ctx, logits: Tensor, now: Tensor, clean: Tensor, alphas: list[float], bars: list[float]) -> Tensor:
        found = torch.empty(now.shape, dtype=logits.dtype, device=logits.device)
        for clip, step in enumerate(zip(alphas, bars, strict=True)):
            found[clip] = _divergence(logits[clip], now[clip], clean[clip], *step)
        ctx.save_for_backward(logits, now, clean)
        ctx.steps = list(zip(alphas, bars, strict=True))
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream: Tensor):
        logits, now, clean = ctx.saved_tensors
        gradient = torch.empty_like(logits)
        for clip, step in enumerate(ctx.steps):
            _gradient(logits[clip], now[clip], clean[clip], *step, upstream[clip], out=gradient[clip])
        return gradient, None, None, None, None


def divergence(logits: Tensor, now: Tensor, clean: Tensor, alphas: list[float], bars: list[float]) -> Tensor:
    """KL(q(x_s | x_t, x_0) || p(x_s | x_t)) in nats, for every position [batch, codes, ...].

    ``logits`` [batch, codes, classes, ...] are the network's for x_0; ``now`` = x_t and ``clean`` = x_0 are int64
    [batch, codes, ...]; ``alphas`` and ``bars`` give each clip's alpha of the step from s to t and its alpha_bar_s.
    With alpha_bar_s = 1 (s = 0) it is -log p(x_0 | x_1).
    """
    return _Divergence.apply(logits, now, clean, alphas, bars)


def _log_b(logits: Tensor, bar: float, v: float) -> Tensor:
    if v == 0.0:
        return logits.log_softmax(CLASS_AXIS).add_(math.log(bar))
    return logits.softmax(CLASS_AXIS).mul_(bar).add_(v).log_()


def _at(values: Tensor, classes: Tensor) -> Tensor:
    """``values`` [codes, classes, ...] at ``classes`` [codes, ...]."""
    return values.gather(CLASS_AXIS, classes.unsqueeze(CLASS_AXIS)).squeeze(CLASS_AXIS)


def _posterior(same: Tensor, alpha: float, bar: float, u: float, v: float, classes: int) -> tuple[Tensor, ...]:
    """q(x_s | x_t, x_0) at x_t, at x_0 and at any other class, float64, where x_t = x_0 is ``same``: then the first two
    are one and the same entry."""

    def pick(if_same: float, if_not: float) -> Tensor:
        return torch.where(same, torch.tensor(if_same, dtype=torch.float64, device=same.device), if_not)

    both, at_now, at_clean, other = (alpha + u) * (bar + v), (alpha + u) * v, u * (bar + v), u * v
    one, two = both + (classes - 1) * other, at_now + at_clean + (classes - 2) * other
    return pick(both / one, at_now / two), pick(both / one, at_clean / two), pick(other / one, other / two)


def _constants(logits: Tensor, alpha: float, bar: float) -> tuple[int, float, float]:
    classes = logits.shape[CLASS_AXIS]
    return classes, (1 - alpha) / classes, (1 - bar) / classes


def _divergence(logits: Tensor, now: Tensor, clean: Tensor, alpha: float, bar: float) -> Tensor:
    classes, u, v = _constants(logits, alpha, bar)
    same = now == clean
    at_now, at_clean, other = _posterior(same, alpha, bar, u, v, classes)
    log_b = _log_b(logits, bar, v)
    total, b_now, b_clean = log_b.sum(CLASS_AXIS).double(), _at(log_b, now).double(), _at(log_b, clean).double()
    del log_b

    # sum q log q: the entries at x_t and x_0 are two, or one
    entropy = torch.xlogy(at_now, at_now) + (classes - 2) * torch.xlogy(other, other)
    entropy = entropy + torch.where(same, torch.xlogy(other, other), torch.xlogy(at_clean, at_clean))
    # sum q log p = sum q log a + sum q log b - log C'
    log_a = at_now * math.log(alpha + u) + (1 - at_now) * math.log(u)
    log_b = other * total + (at_now - other) * b_now + torch.where(same, 0.0, (at_clean - other) * b_clean)
    log_c = (u + alpha * b_now.exp()).log()
    return (entropy - log_a - log_b + log_c).to(logits.dtype)


def _gradient(
    logits: Tensor, now: Tensor, clean: Tensor, alpha: float, bar: float, upstream: Tensor, out: Tensor
) -> None:
    """d(divergence) / d(logits) times ``upstream``, into ``out`` (all of one clip).

    With G = F dKL/dF the gradient of a softmax's input is G - F sum G, and G = -q r + [k = x_t] alpha bar F / C' with
    r = bar F / b.
    """
    classes, u, v = _constants(logits, alpha, bar)
    same = now == clean
    at_now, at_clean, other = (part.to(logits.dtype) for part in _posterior(same, alpha, bar, u, v, classes))
    weights = logits.softmax(CLASS_AXIS)
    if v == 0.0:
        out.fill_(1.0)
    else:
        torch.mul(weights, bar, out=out)
        out.div_(out + v)
    r_now, r_clean = _at(out, now), _at(out, clean)
    b_now = bar * _at(weights, now) + v
    added_now = (other - at_now) * r_now + alpha * (b_now - v) / (u + alpha * b_now)
    added_clean = torch.where(same, torch.zeros_like(other), (other - at_clean) * r_clean)
    out.mul_(-other.unsqueeze(CLASS_AXIS))
    out.scatter_add_(CLASS_AXIS, now.unsqueeze(CLASS_AXIS), added_now.unsqueeze(CLASS_AXIS))
    out.scatter_add_(CLASS_AXIS, clean.unsqueeze(CLASS_AXIS), added_clean.unsqueeze(CLASS_AXIS))
    out.sub_(weights.mul_(out.sum(CLASS_AXIS, keepdim=True)))
    out.mul_(upstream.unsqueeze(CLASS_AXIS))


def draw(logits: Tensor, now: Tensor, alpha: float, bar: float, chance: Tensor) -> Tensor:
    """x_s [codes, ...] of one clip, drawn from p(x_s | x_t = ``now``), for ``logits`` [codes, classes, ...].

    p is a mixture: x_t stays with probability alpha b[x_t] / C', else x_s ~ b, which is F with probability bar and
    uniform otherwise. So a draw among K classes is needed only where x_t does not stay, a few positions in a chain of
    many steps. ``chance`` [3, codes, ...] holds numbers in [0, 1): what is drawn depends on them alone.
    """
    classes, u, v = _constants(logits, alpha, bar)
    log_f = _at(logits, now) - logits.logsumexp(CLASS_AXIS)
    b_now = bar * log_f.exp() + v
    stays = chance[0] * (u + alpha * b_now) < alpha * b_now
    drawn = (chance[2] * classes).long().clamp_(max=classes - 1)
    from_network = ~stays & (chance[1] < bar)
    if from_network.any():
        rows = logits.movedim(CLASS_AXIS, -1)[from_network].softmax(-1).cumsum(-1)
        places = torch.searchsorted(rows, (chance[2][from_network] * rows[:, -1])[:, None], right=True)
        drawn[from_network] = places[:, 0].clamp_(max=classes - 1)
    return torch.where(stays, now, drawn)
