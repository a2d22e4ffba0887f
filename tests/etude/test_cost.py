import contextlib
import copy
from pathlib import Path

import pytest
import torch
import yaml

from etude.config import resolve
from etude.cost import Need, _work, cell_costs, count_jobs, estimate, estimate_cells, together
from etude.cost_cells import cell_cost, format_cost
from etude.errors import UserError
from etude.networks.operations import operations

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
    assert operations(lambda: a @ b) == 2 * 3 * 5 * 7


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


# --- controlled cells


@pytest.fixture(scope="module")
def cells():
    """The memoir's cells at its own scale."""
    with contextlib.chdir(ROOT):
        return cell_costs(params())


def test_cells_have_the_memoirs_parameters_and_calls(cells):
    """Table 4.1 and 4.2; 35 calls of 18 Heun steps, 1000 of DDPM and DiscDPM (M-11, M-14, M-16)."""
    printed = {"ddpm_cqt": 56.9, "edm_latents": 225.8, "discdpm_codes": 87.9, "edm_best": 231.6}
    assert {name: cells[name].parameters / 1e6 for name in printed} == pytest.approx(printed, rel=0.02)
    assert {cells[name].calls for name in ("edm_cqt", "edm_latents", "edm_best")} == {35}
    assert {cells[name].calls for name in ("ddpm_cqt", "ddpm_latents", "discdpm_codes")} == {1000}
    assert cells["edm_cqt"].call == cells["ddpm_cqt"].call and cells["edm_cqt"].step == cells["ddpm_cqt"].step


def test_a_step_is_a_call_and_its_derivative_for_every_clip_of_the_batch(cells):
    """Of whole clips of 8 s; a call is counted for the seconds that are generated."""
    best = cells["edm_best"]
    assert best.step / best.call == pytest.approx(3 * 128, rel=0.02)
    short = cells["edm_latents"]
    assert short.step / short.call == pytest.approx(3 * 64 * 2, rel=0.02)


def test_the_disk_of_formats_is_that_of_their_arrays(cells):
    """Of 8 s: [2, 216, 1921], [128, 600], [16, 600], and five controls at each rate (M-04 to M-09)."""
    found = params()
    shapes = {name: format_cost(found, name, 8.0) for name in ("cqt", "latents", "codes")}
    assert [one.shape for one in shapes.values()] == [(2, 216, 1921), (128, 600), (16, 600)]
    assert [one.classes for one in shapes.values()] == [0, 0, 1024]
    sizes = [4 * (2 * 216 * 1921 + 5 * 1921), 4 * (128 * 600 + 5 * 600), 2 * 16 * 600 + 4 * 5 * 600]
    assert [one.bytes for one in shapes.values()] == sizes
    needs = {need.rule: need for need in estimate_cells(found, cells, 10.0)}
    assert needs["export_format"].disk == pytest.approx(170_000 * sum(sizes) / 1e9)
    half = {need.rule: need for need in estimate_cells(found, cells, 20.0)}
    assert half["train_controlled"].gpu_hours == pytest.approx(needs["train_controlled"].gpu_hours / 2)


def test_needs_of_one_rule_are_added():
    both = together([Need("a", 1.0, None, "x"), Need("b", None, 2.0), Need("a", 2.0, 3.0, "y")])
    assert both == [Need("a", 3.0, 3.0, "x; y"), Need("b", None, 2.0)]


@pytest.mark.parametrize("scale", ["smoke", "laptop", "large", "paper"])
def test_every_format_of_every_scale_is_known(scale):
    found = params(scale)
    frames = {name: format_cost(found, name, 8.0) for name in found["formats"]}
    assert all(one.shape[-1] == pytest.approx(8 * one.frames_per_second, abs=1) for one in frames.values())


def test_rows_of_lifted_controls_are_among_the_parameters():
    found = params("laptop")
    told = cell_cost(found, "edm_best", 8.0).parameters
    width = found["mante2024"]["cells"]["edm_best"]["control"].pop("channels")
    found["mante2024"]["cells"]["edm_best"]["control"] |= {"channels": width, "lift": 0}
    assert told - cell_cost(found, "edm_best", 8.0).parameters == 2 * 12 * 3 * width  # rows, kernel 3


def test_arrays_of_an_unknown_codec_are_one_sentence():
    found = params()
    found["formats"]["cqt"]["codec"] = "mine"
    with pytest.raises(UserError, match=r"formats\.cqt is of codec 'mine', whose arrays nobody knows"):
        format_cost(found, "cqt", 8.0)
