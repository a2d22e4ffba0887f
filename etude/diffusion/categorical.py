"""Posteriors of multinomial diffusion in closed form, without one-hot arrays (M-16).

x_t and x_0 are class numbers, so of the K entries of every vector in the formulas all but two are equal. With
a = alpha [k = x_t] + u, u = (1 - alpha) / K, and b = bar F + v, v = (1 - bar) / K, where alpha is that of the step from
s to t and bar = alpha_bar_s:

    q(x_s | x_t, x_0)  = a b / C   with F = [k = x_0];  C is a sum of K terms of three kinds
    p(x_s | x_t)       = a b / C'  with F of the network;  C' = u + alpha b[x_t], since b sums to one

Their divergence needs one sum of log b over the classes, and log b at x_t and at x_0. Only the logits and, in the
backward pass, their gradient are ever held for a whole batch; what else is K times as large as the data lives for one
clip, or for as many as are small together.
"""

import torch
from torch import Tensor

CLASS_AXIS = 2  # of logits [batch, codes, classes, ...]
TOGETHER = 2**22
"""Logits that are worked on at a time: a clip at least, however large."""


class _Divergence(torch.autograd.Function):
    """KL(q(x_s | x_t, x_0) || p(x_s | x_t)) per position; the gradient is worked out by hand, some clips at a time."""

    @staticmethod
    def forward(ctx, logits: Tensor, now: Tensor, clean: Tensor, alphas: Tensor, bars: Tensor) -> Tensor:
        found = torch.empty(now.shape, dtype=logits.dtype, device=logits.device)
        for part in _parts(logits):
            found[part] = _divergence(logits[part], now[part], clean[part], alphas[part], bars[part])
        ctx.save_for_backward(logits, now, clean, alphas, bars)
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream: Tensor):
        logits, *rest = ctx.saved_tensors
        gradient = torch.empty_like(logits)
        for part in _parts(logits):
            _gradient(logits[part], *(given[part] for given in rest), upstream[part], out=gradient[part])
        return gradient, None, None, None, None


def _parts(logits: Tensor) -> list[slice]:
    clips = max(1, TOGETHER // max(1, logits[0].numel()))
    return [slice(start, start + clips) for start in range(0, len(logits), clips)]


def divergence(logits: Tensor, now: Tensor, clean: Tensor, alphas: Tensor, bars: Tensor) -> Tensor:
    """KL(q(x_s | x_t, x_0) || p(x_s | x_t)) in nats, for every position [batch, codes, ...].

    ``logits`` [batch, codes, classes, ...] are the network's for x_0; ``now`` = x_t and ``clean`` = x_0 are int64
    [batch, codes, ...]; ``alphas`` and ``bars`` [batch], float64, give each clip's alpha of the step from s to t and
    its alpha_bar_s. With alpha_bar_s = 1 (s = 0) it is -log p(x_0 | x_1).
    """
    shape = (-1, *[1] * (now.ndim - 1))
    steps = (part.to(now.device).reshape(shape) for part in (alphas, bars))
    return _Divergence.apply(logits, now, clean, *steps)


def _at(values: Tensor, classes: Tensor) -> Tensor:
    """``values`` [batch, codes, classes, ...] at ``classes`` [batch, codes, ...]."""
    return values.gather(CLASS_AXIS, classes.unsqueeze(CLASS_AXIS)).squeeze(CLASS_AXIS)


def _log_b(logits: Tensor, bar: Tensor, v: Tensor) -> Tensor:
    bar, v = (part.to(logits.dtype).unsqueeze(CLASS_AXIS) for part in (bar, v))
    if (v > 0).all():
        return logits.softmax(CLASS_AXIS).mul_(bar).add_(v).log_()
    log_f = logits.log_softmax(CLASS_AXIS).add_(bar.log())
    return torch.logaddexp(log_f, v.log())  # v = 0 where s = 0: there a softmax that underflows must keep its logarithm


def _posterior(same: Tensor, alpha: Tensor, bar: Tensor, u: Tensor, v: Tensor, classes: int) -> tuple[Tensor, ...]:
    """q(x_s | x_t, x_0) at x_t, at x_0 and at any other class, float64, where x_t = x_0 is ``same``: then the first two
    are one and the same entry."""
    both, at_now, at_clean, other = (alpha + u) * (bar + v), (alpha + u) * v, u * (bar + v), u * v
    one, two = both + (classes - 1) * other, at_now + at_clean + (classes - 2) * other
    return (
        torch.where(same, both / one, at_now / two),
        torch.where(same, both / one, at_clean / two),
        torch.where(same, other / one, other / two),
    )


def _divergence(logits: Tensor, now: Tensor, clean: Tensor, alpha: Tensor, bar: Tensor) -> Tensor:
    classes = logits.shape[CLASS_AXIS]
    u, v, same = (1 - alpha) / classes, (1 - bar) / classes, now == clean
    at_now, at_clean, other = _posterior(same, alpha, bar, u, v, classes)
    log_b = _log_b(logits, bar, v)
    total, b_now, b_clean = log_b.sum(CLASS_AXIS).double(), _at(log_b, now).double(), _at(log_b, clean).double()
    del log_b

    # sum q log q: the entries at x_t and x_0 are two, or one
    entropy = torch.xlogy(at_now, at_now) + (classes - 2) * torch.xlogy(other, other)
    entropy = entropy + torch.where(same, torch.xlogy(other, other), torch.xlogy(at_clean, at_clean))
    # sum q log p = sum q log a + sum q log b - log C'
    log_a = at_now * (alpha + u).log() + (1 - at_now) * u.log()
    log_b = other * total + (at_now - other) * b_now + torch.where(same, 0.0, (at_clean - other) * b_clean)
    log_c = (u + alpha * b_now.exp()).log()
    return (entropy - log_a - log_b + log_c).to(logits.dtype)


def _gradient(
    logits: Tensor, now: Tensor, clean: Tensor, alpha: Tensor, bar: Tensor, upstream: Tensor, out: Tensor
) -> None:
    """d(divergence) / d(logits) times ``upstream``, into ``out``.

    With G = F dKL/dF the gradient of a softmax's input is G - F sum G, and G = -q r + [k = x_t] alpha bar F / C' with
    r = bar F / b.
    """
    classes = logits.shape[CLASS_AXIS]
    u, v, same = (1 - alpha) / classes, (1 - bar) / classes, now == clean
    posterior = _posterior(same, alpha, bar, u, v, classes)
    at_now, at_clean, other, alpha, bar, u, v = (part.to(logits.dtype) for part in (*posterior, alpha, bar, u, v))
    weights = logits.softmax(CLASS_AXIS)
    torch.mul(weights, bar.unsqueeze(CLASS_AXIS), out=out)
    out.div_(out + v.unsqueeze(CLASS_AXIS))
    if (v == 0).any():  # s = 0: r = 1, also where the softmax underflows
        out.masked_fill_((v == 0).unsqueeze(CLASS_AXIS), 1.0)
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
    """x_s [batch, codes, ...], drawn from p(x_s | x_t = ``now``), for ``logits`` [batch, codes, classes, ...].

    p is a mixture: x_t stays with probability alpha b[x_t] / C', else x_s ~ b, which is F with probability bar and
    uniform otherwise. So a draw among K classes is needed only where x_t does not stay, a few positions in a chain of
    many steps. ``chance`` [batch, 3, codes, ...] holds numbers in [0, 1): what is drawn depends on them alone.
    """
    classes = logits.shape[CLASS_AXIS]
    u, v = (1 - alpha) / classes, (1 - bar) / classes
    log_f = _at(logits, now) - logits.logsumexp(CLASS_AXIS)
    b_now = bar * log_f.exp() + v
    stays = chance[:, 0] * (u + alpha * b_now) < alpha * b_now
    drawn = (chance[:, 2] * classes).long().clamp_(max=classes - 1)
    from_network = ~stays & (chance[:, 1] < bar)
    if from_network.any():
        rows = logits.movedim(CLASS_AXIS, -1)[from_network].softmax(-1).cumsum(-1)
        places = torch.searchsorted(rows, (chance[:, 2][from_network] * rows[:, -1])[:, None], right=True)
        drawn[from_network] = places[:, 0].clamp_(max=classes - 1)
    return torch.where(stays, now, drawn)
