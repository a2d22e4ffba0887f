"""Parts of clips: read whole, at fixed places, of all arrays alike."""

import numpy as np
import pytest
import torch

from etude.pipeline.files import write_csv
from etude.training.arrays import EncodedSplit
from etude.training.windows import Windows


@pytest.fixture
def split(tmp_path) -> EncodedSplit:
    """Two training clips of 20 frames; the values of ``clips`` are row * 1000 + frame, those of ``controls`` alike."""
    rows = [{"clip": f"c{k}", "row": k, "split": "valid" if k == 1 else "train"} for k in range(3)]
    write_csv(tmp_path / "index.csv", rows, ["clip", "row", "split"])
    values = 1000 * np.arange(3)[:, None, None] + np.arange(20)
    np.save(tmp_path / "clips.npy", np.broadcast_to(values[:, None], (3, 2, 4, 20)).astype(np.float32))
    np.save(tmp_path / "controls.npy", np.broadcast_to(values, (3, 5, 20)).astype(np.int16))
    return EncodedSplit(tmp_path, "train", ("clips", "controls"))


@pytest.mark.parametrize(("frames", "starts"), [(0, [0]), (20, [0]), (99, [0]), (10, [0, 5, 10]), (8, [0, 4, 8, 12])])
def test_parts_overlap_by_half_and_reach_from_end_to_end(split, frames, starts):
    windows = Windows(split, frames)
    assert windows.starts == starts and len(windows) == 2 * len(starts)
    length = min(frames or 20, 20)
    assert windows.shapes == {"clips": (2, 4, length), "controls": (5, length)}
    whole = windows.batch(slice(None))
    for k in range(len(windows)):
        begin = 1000 * (0, 2)[k // len(starts)] + starts[k % len(starts)]
        for array in whole.values():
            assert array.dtype == torch.float32
            assert (array[k] == torch.arange(begin, begin + length)).all()
    some = windows.batch(torch.tensor([len(windows) - 1, 0]), ("controls",))
    assert list(some) == ["controls"] and torch.equal(some["controls"], whole["controls"][[-1, 0]])


def test_odd_parts_still_end_where_the_clip_ends(split):
    windows = Windows(split, 7)
    assert windows.starts[0] == 0 and windows.starts[-1] == 13 and max(np.diff(windows.starts)) <= 4
    assert windows.batches == 0 and windows.batch(slice(0, 2)) and windows.batches == 1 and windows.seconds > 0


def test_mean_and_std_of_any_number_of_axes(split):
    mean, std = split.mean_and_std("clips")
    values = split.arrays["clips"][[0, 2]].astype(np.float64)
    np.testing.assert_allclose(mean, values.mean((0, 2, 3)))
    np.testing.assert_allclose(std, values.std((0, 2, 3)), rtol=1e-6)
