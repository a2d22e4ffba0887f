"""Multinomial diffusion against Bayes' rule by enumeration (M-16, M-17)."""

import math
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.discrete_step import one_hot_loss, our_loss
from etude.diffusion.categorical import divergence, draw
from etude.diffusion.multinomial import MultinomialDiffusion
from etude.networks.controlled_unet import ControlledUNet
from etude.pipeline.stage import namespace


def at(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def f64(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def matrix(keep: float, classes: int) -> torch.Tensor:
    """Q of a step that keeps a class with probability ``keep`` and else draws any: [from, to]."""
    return keep * torch.eye(classes, dtype=torch.float64) + (1 - keep) / classes


def by_enumeration(logits, now: int, clean: int, alpha: float, bar: float) -> tuple[torch.Tensor, torch.Tensor]:
    """q(x_s | x_t, x_0) and p(x_s | x_t), from matrices: for logits [classes]."""
    step, before = matrix(alpha, len(logits)), matrix(bar, len(logits))
    true = step[:, now] * before[clean] / (before @ step)[clean, now]
    model = step[:, now] * (logits.double().softmax(0) @ before)
    return true, model / model.sum()


def kl(true: torch.Tensor, model: torch.Tensor) -> float:
    return sum(p * math.log(p / q) for p, q in zip(true.tolist(), model.tolist(), strict=True) if p > 0)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_one_step_matrices_multiply_to_the_closed_form(schedule):
    chain, total = MultinomialDiffusion(100, schedule, classes=3), torch.eye(3, dtype=torch.float64)
    for t in range(1, 101):
        step = matrix((chain.alpha_bar[t] / chain.alpha_bar[t - 1]).item(), 3)
        torch.testing.assert_close(step.sum(1), torch.ones(3, dtype=torch.float64))
        total = total @ step
        torch.testing.assert_close(total, matrix(chain.alpha_bar[t].item(), 3), atol=1e-12, rtol=0)


@pytest.mark.parametrize("t", [1, 400, 1000])
def test_x_t_has_the_probabilities_of_its_row(t):
    chain = MultinomialDiffusion(classes=3)
    x = chain.noised(torch.full((1, 1, 60_000), 2), torch.tensor([t]), at())
    found = torch.bincount(x.flatten(), minlength=3) / 60_000
    expected = matrix(chain.alpha_bar[t].item(), 3)[2]
    torch.testing.assert_close(found.double(), expected, atol=0.01, rtol=0)
    if t == 1000:
        torch.testing.assert_close(expected, torch.full((3,), 1 / 3, dtype=torch.float64), atol=1e-3, rtol=0)


@pytest.mark.parametrize(("alpha", "bar"), [(0.9, 0.3), (0.99, 0.9999), (0.5, 1e-6), (0.001, 0.001), (0.97, 1.0)])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_divergence_is_that_of_bayes_rule_for_all_classes(classes, alpha, bar):
    logits = 2 * torch.randn(1, 1, classes, classes**2, generator=at(), dtype=torch.float64)
    pairs = torch.tensor(list(product(range(classes), repeat=2)))
    now, clean = pairs[:, 0].reshape(1, 1, -1), pairs[:, 1].reshape(1, 1, -1)
    found = divergence(logits, now, clean, f64(alpha), f64(bar))[0, 0]
    for k, (x_t, x_0) in enumerate(pairs.tolist()):
        assert found[k].item() == pytest.approx(kl(*by_enumeration(logits[0, 0, :, k], x_t, x_0, alpha, bar)), abs=1e-9)
        if bar == 1.0:  # t = 1
            model = by_enumeration(logits[0, 0, :, k], x_t, x_0, alpha, bar)[1]
            assert found[k].item() == pytest.approx(-math.log(model[x_0]), abs=1e-9)


def test_two_classes_are_binomial_diffusion():
    """M-17: q(x_t = 1 | x_{t-1}) = (1 - beta) x_{t-1} + beta / 2 (Sohl-Dickstein et al. 2015)."""
    chain = MultinomialDiffusion(30, "linear", 0.01, 0.3, classes=2)
    one = 1.0  # P(x_t = 1 | x_0 = 1)
    for t in range(1, 31):
        beta = 1 - (chain.alpha_bar[t] / chain.alpha_bar[t - 1]).item()
        one = (1 - beta) * one + beta / 2
        assert one == pytest.approx(matrix(chain.alpha_bar[t].item(), 2)[1, 1].item())


@given(st.integers(2, 40), st.floats(1e-3, 0.9999), st.floats(1e-6, 1.0), st.floats(0, 30), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_divergence_is_never_negative_and_nothing_where_the_network_knows(classes, alpha, bar, sure, seed):
    logits = sure * torch.randn(1, 2, classes, 7, generator=at(seed))
    now, clean = (torch.randint(classes, (1, 2, 7), generator=at(seed + k)) for k in (1, 2))
    assert divergence(logits, now, clean, f64(alpha), f64(bar)).min() > -1e-5
    known = 80 * torch.nn.functional.one_hot(clean, classes).movedim(-1, 2).float()
    assert divergence(known, now, clean, f64(alpha), f64(bar)).abs().max() < 1e-4


def test_loss_and_gradient_are_those_of_one_hot_arrays():
    """The rival of benchmarks/discrete_step.py, in float32: the whole step, weights of the network included."""
    control = {"how": "concatenation", "channels": 4, "side": "encoder", "decimate": 1, "lift": 0}
    sizes = {"base": 8, "factors": [1.5], "up_factors": [2], "embedding": 8, "out_kernel": 1, "patch": 1}
    torch.manual_seed(0)
    network = ControlledUNet((3, 10), 5, namespace(sizes), namespace(control), 32)
    chain, clean = MultinomialDiffusion(classes=32), torch.randint(32, (4, 3, 10), generator=at())
    times = torch.tensor([1, 2, 500, 1000])
    now = chain.noised(clean, times, at(1))
    here, there = chain.alpha_bar[times], chain.alpha_bar[times - 1]
    steps = here / there, there
    found = []
    for loss_of in (our_loss, one_hot_loss):
        network.zero_grad()
        loss = loss_of(network, now, clean, times / 1000, torch.rand(4, 5, 10, generator=at(2)), *steps)
        loss.backward()
        found.append((loss.item(), torch.cat([p.grad.flatten() for p in network.parameters()])))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1], atol=1e-5, rtol=1e-3)


def test_clips_may_be_worked_on_together_or_one_by_one(monkeypatch):
    logits = torch.randn(5, 2, 7, 3, generator=at(), requires_grad=True)
    now, clean = (torch.randint(7, (5, 2, 3), generator=at(k)) for k in (1, 2))
    steps = f64(0.9, 0.5, 0.99, 0.2, 0.7), f64(0.3, 1.0, 0.999, 0.1, 1.0)
    found = []
    for together in (1, 100, 10**6):
        monkeypatch.setattr("etude.diffusion.categorical.TOGETHER", together)
        loss = divergence(logits, now, clean, *steps)
        found.append((loss, torch.autograd.grad(loss.sum(), logits)[0]))
    for loss, gradient in found[1:]:
        torch.testing.assert_close(loss, found[0][0])
        torch.testing.assert_close(gradient, found[0][1])


def test_the_gradient_is_that_of_finite_differences():
    logits = torch.randn(3, 2, 5, 4, generator=at(), dtype=torch.float64, requires_grad=True)
    now, clean = (torch.randint(5, (3, 2, 4), generator=at(k)) for k in (1, 2))
    clean[0] = now[0]
    steps = f64(0.9, 0.5, 0.99), f64(0.3, 1.0, 0.999)
    assert torch.autograd.gradcheck(lambda x: divergence(x, now, clean, *steps), logits)


@pytest.mark.parametrize(("alpha", "bar"), [(0.9, 0.3), (0.3, 0.8), (0.9, 1.0)])
def test_draws_have_the_posteriors_probabilities(alpha, bar):
    logits, now, many = torch.tensor([1.0, -1.0, 0.3, 0.0]), 2, 60_000
    wide = logits[None, :, None].expand(1, 4, many)
    x = draw(wide[None], torch.full((1, 1, many), now), alpha, bar, torch.rand(1, 3, 1, many, generator=at()))
    expected = by_enumeration(logits, now, 0, alpha, bar)[1]
    torch.testing.assert_close(torch.bincount(x.flatten(), minlength=4) / many, expected.float(), atol=0.01, rtol=0)


def test_sampling_starts_from_uniform_classes_that_the_noise_decides():
    chain = MultinomialDiffusion(classes=1024)
    start = chain.start(torch.randn(1, 1, 200_000, generator=at()))
    counts = torch.bincount(start.flatten(), minlength=1024)
    assert len(counts) == 1024 and counts.float().std() < 1.2 * (200_000 / 1024) ** 0.5
    assert chain.start(torch.tensor([-40.0, 40.0])).tolist() == [0, 1023]


@pytest.mark.parametrize("steps", [None, 100])
def test_the_exact_network_returns_the_data(steps):
    """Independent classes of known shares. The posterior itself takes account of x_t at a code's own place, so what F
    has to know is the code given all others: here its shares, whatever x_t is."""
    chain, shares = MultinomialDiffusion(400, classes=3), torch.tensor([0.6, 0.3, 0.1])

    def network(x, level):
        return shares.log().reshape(1, 1, 3, 1).expand(len(x), 1, 3, x.shape[-1])

    out = chain.ancestral(network, torch.randn(1, 1, 20_000, generator=at()), at(1), steps)
    found = torch.bincount(out.flatten(), minlength=3) / 20_000
    torch.testing.assert_close(found, shares, atol=0.02, rtol=0)


def test_no_network_beats_the_one_that_knows_the_shares():
    """Sibling of the last test: its loss is least, and what is left is the uncertainty of Bayes' rule."""
    chain, shares = MultinomialDiffusion(400, classes=3), torch.tensor([0.6, 0.3, 0.1])
    clean = torch.multinomial(shares, 40_000, replacement=True, generator=at()).reshape(1, 1, -1)

    def loss(t: int, tilt: torch.Tensor) -> float:
        logits = (shares.log() + tilt).reshape(1, 1, 3, 1).expand(1, 1, 3, 40_000)
        return chain.loss(lambda x, level: logits, clean, torch.tensor([t]), at(1)).item()

    for t in (40, 100, 250):
        tilted = [loss(t, side * torch.eye(3)[k]) for k in range(3) for side in (-0.5, 0.5)]
        assert min(tilted) > loss(t, torch.zeros(3)) > 0


def test_a_clip_does_not_depend_on_its_company():
    chain = MultinomialDiffusion(6, classes=5)
    noise = torch.randn(3, 2, 4, generator=at())
    bias = torch.randn(5, generator=at(9))

    def network(x, level):
        return bias[:, None].expand(len(x), 2, 5, 4)

    together = chain.ancestral(network, noise, [at(k) for k in range(3)])
    assert torch.equal(together[2:], chain.ancestral(network, noise[2:], [at(2)]))
