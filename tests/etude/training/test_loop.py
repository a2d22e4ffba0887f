"""A training that is killed and resumed must end exactly as one that was not."""

import numpy as np
import pytest
import torch
from torch import nn

from etude.errors import UserError
from etude.pipeline.stage import namespace
from etude.training.average import Average
from etude.training.checkpoint import Checkpoint
from etude.training.loop import Trainable, _clips_of_step, train
from etude.training.seeds import generator_at

SETTINGS = {
    "steps": 60,
    "batch": 5,
    "lr": 0.01,
    "warmup": 3,
    "schedule": "cosine",
    "ema": 0.9,
    "log_every": 5,
    "checkpoint_every": 10,
}


class Killed(Exception):
    """Stands for kill -9: raised where no handler of the loop may catch it."""


class TwoStages(Trainable):
    """An encoder that stage 0 trains and stage 1 freezes, and a head that both train; noise in the loss."""

    stages = 2

    def __init__(self, kill_at: int | None = None):
        super().__init__()
        torch.manual_seed(0)
        self.encoder, self.head = nn.Linear(4, 3), nn.Linear(3, 4)
        self.steps_taken, self.kill_at = 0, kill_at

    def trained_in(self, stage):
        return [self.head, self.encoder] if stage == 0 else [self.head]

    def arrays_in(self, stage):
        return ("x",)

    def arrays_frozen_in(self, stage):
        return ("x",) if stage == 1 else ()

    def frozen_levels(self, batch, stage):
        return {"h": self.encoder(batch["x"]).detach()}

    def loss(self, batch, stage, generator):
        self.steps_taken += 1
        if self.steps_taken == self.kill_at:
            raise Killed
        h = batch["h"] if stage == 1 else self.encoder(batch["x"])
        noise = torch.randn(batch["x"].shape, generator=generator)
        return (self.head(h) - batch["x"] - 0.1 * noise).square().mean()


class Data:
    def __init__(self, clips: int = 23):
        self.x = torch.randn(clips, 4, generator=torch.Generator().manual_seed(5))

    def __len__(self):
        return len(self.x)

    def batch(self, clips, names):
        return {"x": self.x[clips]}


def run(folder, kill_at=None):
    system = TwoStages(kill_at)
    curve = train(system, Data(), namespace(SETTINGS), 7, Checkpoint(folder), "toy")
    return system, curve


@pytest.mark.parametrize("kill_at", [1, 9, 10, 11, 30, 31, 45, 60])
def test_resumed_is_uninterrupted_bit_for_bit(tmp_path, kill_at):
    whole, whole_curve = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "killed", kill_at)
    resumed, curve = run(tmp_path / "killed")
    if kill_at > 10:
        assert resumed.steps_taken < whole.steps_taken, "nothing was resumed"
    assert curve == whole_curve
    for (name, a), (_, b) in zip(whole.state_dict().items(), resumed.state_dict().items(), strict=True):
        assert torch.equal(a, b), name


def test_a_stage_leaves_what_it_freezes_alone(tmp_path):
    class Watching(TwoStages):
        def frozen_levels(self, batch, stage):
            self.before = self.encoder.weight.detach().clone()
            return super().frozen_levels(batch, stage)

    system = Watching()
    train(system, Data(), namespace(SETTINGS), 7, Checkpoint(tmp_path), "toy")
    assert torch.equal(system.before, system.encoder.weight)


def test_a_damaged_checkpoint_is_put_aside_and_training_starts_again(tmp_path, capsys):
    whole, _ = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "killed", 35)
    path = tmp_path / "killed" / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:100])
    again, _ = run(tmp_path / "killed")
    assert torch.equal(whole.head.weight, again.head.weight)
    assert "put aside" in capsys.readouterr().out and path.with_suffix(".damaged").exists()


def test_a_loss_that_is_not_finite_is_one_sentence(tmp_path):
    class Exploding(TwoStages):
        def loss(self, batch, stage, generator):
            return super().loss(batch, stage, generator) * float("inf")

    with pytest.raises(UserError, match=r"loss is (inf|nan) at step 5 of stage 1; lower train.lr"):
        train(Exploding(), Data(), namespace(SETTINGS), 7, Checkpoint(tmp_path), "toy")


def test_every_epoch_shows_every_clip_once():
    seen = torch.cat([_clips_of_step(23, 5, 1, 0, step) for step in range(23)])
    assert len(seen) == 115
    for epoch in range(5):
        assert sorted(seen[23 * epoch : 23 * (epoch + 1)].tolist()) == list(range(23))
    assert not torch.equal(seen[:23], seen[23:46])


def test_a_batch_larger_than_the_data_set_goes_through_several_epochs():
    assert len(_clips_of_step(3, 8, 1, 0, 0)) == 8


def test_random_numbers_depend_on_the_place_alone():
    a, b = generator_at(1, "noise", 0, 5), generator_at(1, "noise", 0, 5)
    assert torch.equal(torch.randn(3, generator=a), torch.randn(3, generator=b))
    assert not torch.equal(
        torch.randn(3, generator=generator_at(1, "noise", 0, 6)),
        torch.randn(3, generator=generator_at(1, "noise", 0, 5)),
    )


def test_average_is_the_weighted_mean_of_the_past():
    layer = nn.Linear(1, 1, bias=False)
    average = Average([layer], decay=0.5)
    history = [layer.weight.item()]
    for value in (1.0, 2.0, 4.0):
        with torch.no_grad():
            layer.weight.fill_(value)
        average.update()
        history.append(value)
    expected = history[0]
    for n, value in enumerate(history[1:], start=1):
        decay = min(0.5, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * value
    average.copy_to_parameters()
    assert layer.weight.item() == pytest.approx(expected, rel=1e-6)
    assert np.isclose(average.state()["updates"], 3)
