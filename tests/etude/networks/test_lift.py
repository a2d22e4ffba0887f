"""A chroma told class by class."""

import torch

from etude.controls.tracks import FREE
from etude.networks.lift import Lift


def test_each_pitch_class_has_a_row_of_its_own():
    chroma = torch.arange(12.0) / 11
    controls = torch.stack([torch.full((12,), 0.3), chroma])[None]
    lifted = Lift([1], 12)(controls)
    assert torch.equal(lifted[:, :2], controls)
    torch.testing.assert_close(lifted[0, 2:], torch.eye(12), atol=1e-5, rtol=0)


def test_between_two_classes_both_are_near():
    lifted = Lift([0], 12)(torch.tensor([[[2.25 / 11]]]))[0, 1:, 0]
    expected = torch.zeros(12)
    expected[2], expected[3] = 0.75, 0.25
    torch.testing.assert_close(lifted, expected, atol=1e-5, rtol=0)


def test_a_free_value_is_near_none_and_nothing_to_lift_changes_nothing():
    controls = torch.full((1, 3, 5), FREE)
    assert not Lift([1], 12)(controls)[:, 3:].any()
    for lift in (Lift([], 0), Lift([], 12)):
        assert lift.added == 0 and torch.equal(lift(controls), controls)
