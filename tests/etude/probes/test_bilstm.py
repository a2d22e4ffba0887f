"""The melody probe against answers that are known in closed form (P-29)."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from etude.metrics.rolls import binary_cross_entropy, entropy, marginals
from etude.pipeline.stage import namespace
from etude.probes.bilstm import BiLSTMProbe, resample, roll_loss
from etude.probes.fit import fit, outputs, paired
from etude.training.seeds import generator_at

FRAMES, PITCHES = 12, 16


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def melodies(clips: int = 400) -> torch.Tensor:
    """Random rolls [clips, frames, pitches]: one pitch at a time, the upper quarter of pitches never."""
    rng = np.random.default_rng(0)
    rolls = np.zeros((clips, FRAMES, PITCHES), dtype=bool)
    for clip in rolls:
        clip[np.arange(FRAMES), np.repeat(rng.integers(0, 12, FRAMES // 3), 3)] = True
    return torch.from_numpy(rolls)


def read(inputs, rolls, epochs=25, lr=0.02, seeds=(0,)):
    """Mean cross-entropy over all pitches, on the last clips, of a probe fitted to the first."""
    generators = [generator_at(seed) for seed in seeds]
    prior = torch.from_numpy(marginals(rolls[:300].numpy()))
    heard = rolls[:300].any(1).any(0)
    probe = BiLSTMProbe(inputs.shape[1], 16, FRAMES, prior, heard, generators)
    settings = namespace({"epochs": epochs, "patience": epochs, "batch": 50, "lr": lr, "weight_decay": 0.0})
    told = rolls[..., heard]
    cases = [paired(inputs[part], told[part], [None] * len(seeds)) for part in (slice(0, 300), slice(300, 350))]
    fit(probe, probe.heard_logits, roll_loss, *cases, settings, generators)
    said = outputs(probe, inputs[350:], len(seeds), 20).numpy()
    return np.array([binary_cross_entropy(logits, rolls[350:].numpy()) for logits in said]), said


def test_labels_as_input_are_read_to_the_end():
    rolls = melodies()
    bce, _ = read(rolls.transpose(1, 2).float(), rolls)
    assert bce[0] < 0.01


def test_a_constant_input_gives_the_entropy_of_the_marginals():
    rolls = melodies()
    bce, _ = read(torch.ones(400, 3, FRAMES), rolls)
    truth = entropy(rolls.numpy().mean(axis=(0, 1))).mean()
    assert bce[0] == pytest.approx(truth, rel=0.02)


def test_it_begins_with_the_marginals_and_never_leaves_them_for_a_pitch_not_heard():
    rolls = melodies()
    _, said = read(torch.randn(400, 3, 4), rolls, epochs=1, lr=1e-9)
    prior = marginals(rolls[:300].numpy())
    spread = 1 / (1 + np.exp(-said.mean(axis=(0, 1, 2))))
    np.testing.assert_allclose(spread, prior, atol=0.03)
    np.testing.assert_allclose(said[..., 12:], np.broadcast_to(np.log(prior / (1 - prior)), said.shape)[..., 12:], 1e-5)


def test_members_do_not_see_each_other():
    rolls = melodies()
    inputs = torch.randn(400, 3, 6)
    _, together = read(inputs, rolls, epochs=3, seeds=(0, 1))
    _, alone = read(inputs, rolls, epochs=3, seeds=(1,))
    np.testing.assert_allclose(together[1], alone[0], atol=1e-3)


def test_levels_are_stretched_linearly_and_keep_their_time():
    ramp = torch.arange(4.0).view(1, 1, 4)
    stretched = resample(ramp, 16)
    # Frame centres: (m + 1/2) / 16 of the clip is (m + 1/2) / 4 - 1/2 in coarse frames; held beyond the outer centres.
    truth = ((torch.arange(16) + 0.5) / 4 - 0.5).clamp(0, 3)
    torch.testing.assert_close(stretched[0, 0], truth)
    assert resample(ramp, 4) is ramp


def test_the_loss_is_torchs_cross_entropy():
    logits, rolls = 5 * torch.randn(2, 3, 4, 5), torch.rand(2, 3, 4, 5) < 0.5
    truth = [functional.binary_cross_entropy_with_logits(*pair) for pair in zip(logits, rolls.float(), strict=True)]
    torch.testing.assert_close(roll_loss(logits, rolls), torch.stack(truth))
