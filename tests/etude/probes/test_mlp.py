"""Probes whose answer is known: P-28's own tests, and members that do not see each other."""

import pytest
import torch
from torch import nn

from etude.pipeline.stage import namespace
from etude.probes.fit import fit, mean_loss, outputs, paired
from etude.probes.mlp import MLPProbe, label_loss, time_average
from etude.training.seeds import generator_at

SETTINGS = namespace({"epochs": 30, "patience": 30, "batch": 64, "lr": 0.01, "weight_decay": 0.01})
CLASSES, CLIPS = 5, 600


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def probe(features, labels, seeds=(0,), shuffled=(), settings=SETTINGS, hidden=(32, 32)):
    """Accuracy on the last third of each member fitted to the first two thirds (one valid in the middle)."""
    generators = [generator_at(seed) for seed in seeds]
    shuffles = [generator_at("shuffle") if k in shuffled else None for k in range(len(seeds))]
    network = MLPProbe(features.shape[1], hidden, CLASSES, generators)
    train, valid = slice(0, CLIPS // 3), slice(CLIPS // 3, 2 * CLIPS // 3)
    cases = [paired(features[part], labels[part], shuffles) for part in (train, valid)]
    fit(network, network, label_loss, *cases, settings, generators)
    said = outputs(network, features[2 * CLIPS // 3 :], len(seeds), 50)
    return (said.argmax(-1) == labels[2 * CLIPS // 3 :]).float().mean(dim=1), said


@pytest.fixture
def labels():
    return torch.randint(CLASSES, (CLIPS,), generator=torch.Generator().manual_seed(0))


def test_separable_classes_are_told_apart(labels):
    features = torch.randn(CLASSES, 6)[labels] * 4 + 0.3 * torch.randn(CLIPS, 6)
    assert probe(features, labels)[0].item() > 0.99


def test_the_label_among_the_features_is_found(labels):
    features = torch.cat([torch.randn(CLIPS, 8), nn.functional.one_hot(labels, CLASSES)], dim=1)
    assert probe(features, labels)[0].item() == 1.0


def test_shuffled_labels_leave_chance(labels):
    features = nn.functional.one_hot(labels, CLASSES).float()
    own, others = probe(features, labels, seeds=(0, 0), shuffled=(1,))[0].tolist()
    assert own == 1.0 and others < 0.5  # one class in five, and the hit or miss of whole classes


def test_a_member_is_what_it_would_be_alone(labels):
    features = torch.randn(CLIPS, 6)
    _, together = probe(features, labels, seeds=(3, 4, 5))
    _, alone = probe(features, labels, seeds=(4,))
    torch.testing.assert_close(together[1], alone[0], atol=1e-4, rtol=1e-3)
    assert not torch.allclose(together[0], alone[0], atol=1e-2)


def test_members_end_where_they_were_best_on_valid(labels):
    """Noise is learned by heart: the loss on valid rises after its best epoch, and the best is what is kept."""
    features = torch.randn(CLIPS, 6)
    generators = [generator_at(seed) for seed in (0, 1)]
    network = MLPProbe(6, (64,), CLASSES, generators)
    train = paired(features[:200], labels[:200], [None, None])
    valid = paired(features[200:400], labels[200:400], [None, None])
    best, epochs = fit(network, network, label_loss, train, valid, SETTINGS, generators)
    torch.testing.assert_close(mean_loss(network, label_loss, valid, 64), best)
    assert epochs.max() < SETTINGS.epochs
    assert (mean_loss(network, label_loss, train, 64) > 1.0).all(), "trained on to where it knows the clips by heart"


def test_patience_ends_it():
    features, labels = torch.randn(40, 3), torch.randint(CLASSES, (40,))
    calls = []

    def forward(x):
        calls.append(torch.is_grad_enabled())
        return network(x)

    network = MLPProbe(3, (64,), CLASSES, [generator_at(0)])
    settings = namespace(vars(SETTINGS) | {"epochs": 500, "patience": 3, "batch": 40})
    cases = [paired(features[a:b], labels[a:b], [None]) for a, b in ((0, 20), (20, 40))]
    _, best = fit(network, forward, label_loss, *cases, settings, [generator_at(0)])
    assert sum(calls) == int(best) + 3


def test_the_loss_is_torchs_cross_entropy_and_skips_unknown_labels():
    logits, targets = torch.randn(2, 7, CLASSES), torch.randint(CLASSES, (2, 7))
    truth = torch.stack([nn.functional.cross_entropy(*pair) for pair in zip(logits, targets, strict=True)])
    torch.testing.assert_close(label_loss(logits, targets), truth)
    targets[1, 3:] = -1
    torch.testing.assert_close(
        label_loss(logits, targets)[1], nn.functional.cross_entropy(logits[1, :3], targets[1, :3])
    )


def test_one_class_alone_is_no_error(labels):
    accuracy, _ = probe(torch.randn(CLIPS, 4), torch.zeros_like(labels))
    assert accuracy.item() == 1.0


def test_time_average():
    levels = torch.arange(24.0).view(2, 3, 4)
    torch.testing.assert_close(time_average(levels), torch.tensor([[1.5, 5.5, 9.5], [13.5, 17.5, 21.5]]))
