import copy
from pathlib import Path

import pytest
import torch
import yaml

from etude.config import resolve
from etude.cost import _operations, _work, count_jobs, estimate
from etude.errors import UserError

ROOT = Path(__file__).parents[2]
RAW = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


def params(scale="paper", **train):
    raw = copy.deepcopy(RAW) | {"scale": scale}
    raw["scales"]["paper"]["train"] |= train
    return resolve(raw, ROOT)


def test_operations_of_a_product_are_two_for_each_multiplication():
    a, b = torch.empty(3, 5, device="meta"), torch.empty(5, 7, device="meta")
    assert _operations(lambda: a @ b) == 2 * 3 * 5 * 7


def test_training_grows_with_steps_and_needs_no_memory_for_it():
    shapes = {"latents": (64, 32), "mel1": (32, 128), "mel2": (64, 256), "mel3": (128, 512)}
    once, sampled, parameters = _work("hdae", params(steps=3000, log_every=100, checkpoint_every=100), shapes)
    twice, _, _ = _work("hdae", params(steps=6000, log_every=100, checkpoint_every=100), shapes)
    assert twice == pytest.approx(2 * once)
    assert parameters == pytest.approx(15.35e6 + 1.058e6, rel=0.02)
    # A step of 16 clips, forward and backward, costs about 48 single passes; a sample about 60 of them.
    assert once / 3000 / sampled == pytest.approx(48 / 60, rel=0.25)


def test_the_disk_of_prepared_clips_is_two_bytes_a_sample():
    needs = {need.rule: need for need in estimate(params(), 10.0)}
    clips = 305979 + 470 * 3600 / (132608 / 44100)
    assert needs["prepare_dataset"].disk == pytest.approx(clips * 132608 * 2 / 1e9)
    halved = {need.rule: need for need in estimate(params(), 20.0)}
    assert halved["train_system"].gpu_hours == pytest.approx(needs["train_system"].gpu_hours / 2)


def test_a_data_set_of_unknown_size_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "data/sources").mkdir(parents=True)
    for name in ("nsynth", "slakh"):
        (tmp_path / f"data/sources/{name}.yaml").write_text("title: x\naccess: open\n")
    found = params()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"data/sources/nsynth\.yaml: no size in it"):
        estimate(found, 10.0)


def test_the_whole_dag_of_the_paper_builds_without_its_data():
    """Two data sets, one codec, two systems, three seeds, one embedding."""
    jobs = count_jobs("paper")
    assert jobs["fetch_dataset"] == 2 and jobs["train_system"] == 12 and jobs["fad_table"] == 1
    assert jobs["embed_clips"] == jobs["fad_of_set"] == 2 * (2 * 3 + 2 + 1)


def test_scale_large_is_the_papers_networks_on_the_laptops_data():
    large, paper, laptop = (params(scale) for scale in ("large", "paper", "laptop"))
    for block in ("systems", "train", "generate", "probes", "transfer", "priors", "ablation", "projection"):
        assert large[block] == paper[block], block
    for block in ("fetch", "prepare", "codec", "encode", "judge"):
        assert large[block] == laptop[block], block
    assert large["grid"]["datasets"] == laptop["grid"]["datasets"]
    jobs = count_jobs("large")
    assert jobs["fetch_dataset"] == 2 and jobs["train_system"] == 12 and jobs["fad_table"] == 1
