"""One cell of the memoir's tables, trained on tiny arrays in the layout of data/formats/."""

import json

import numpy as np
import pytest
import torch

from etude.errors import UserError
from etude.pipeline.files import read_csv, sha256_file, write_csv, write_json
from etude.pipeline.stage import namespace
from etude.systems.cell import load_cell
from etude.systems.controlled import ControlledSystem
from stages.train.controlled import main

NETWORK = {"base": 8, "factors": [1.5], "up_factors": [1], "embedding": 16, "out_kernel": 1, "patch": 1}
CHAIN = {"steps": 10, "schedule": "cosine", "first_beta": 0.01, "last_beta": 0.5}
CELLS = {
    "edm_cqt": {
        "system": "edm",
        "block": {"sigma_data": 0.5, "noise_mean": -1.2, "noise_std": 1.2, "scaling": "channel"},
    },
    "ddpm_latents": {"system": "ddpm", "block": CHAIN | {"scaling": "global"}},
    "discdpm_codes": {"system": "discdpm", "block": CHAIN},
}
CONTROL = {"how": "concatenation", "channels": 4, "side": "encoder", "decimate": 1, "lift": 0, "dropout": 0.3}
TRAIN = {
    "steps": 4, "batch": 3, "lr": 0.01, "warmup": 1, "schedule": "cosine", "ema": 0.5, "log_every": 2,
    "checkpoint_every": 2, "crop_seconds": 1.0,
}  # fmt: skip
FRAMES, RATE = 24, 8.0


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def formats(tmp_path_factory):
    """data/formats/toy with a CQT, latents and codes of the same six clips."""
    root, rng = tmp_path_factory.mktemp("formats") / "toy", np.random.default_rng(0)
    arrays = {
        "cqt": rng.normal(3, 2, (6, 2, 7, FRAMES)).astype(np.float32),
        "latents": rng.normal(0, 5, (6, 5, FRAMES)).astype(np.float32),
        "codes": rng.integers(0, 11, (6, 3, FRAMES)).astype(np.int16),
    }
    for name, clips in arrays.items():
        folder = root / name
        folder.mkdir(parents=True)
        rows = [{"clip": f"c{k}", "row": k, "split": "train" if k < 4 else "valid"} for k in range(6)]
        write_csv(folder / "index.csv", rows, ["clip", "row", "split"])
        np.save(folder / "clips.npy", clips)
        np.save(folder / "controls.npy", rng.random((6, 5, FRAMES)).astype(np.float32))
        facts = {"frames_per_second": RATE, "frames": FRAMES, "controls": ["velocity", "chroma", "a", "b", "c"]}
        write_json(folder / "format.json", facts | ({"classes": 11} if name == "codes" else {}))
    return root


def settings(cell: str, **changes) -> dict:
    train = TRAIN | {key: changes.pop(key) for key in list(changes) if key in TRAIN}
    return {"cell": cell, "network": NETWORK, "control": CONTROL, "seed": 0, "train": train} | CELLS[cell] | changes


def run(formats, out, cell, form=None, scratch=None, **changes):
    index = formats / (form or cell.partition("_")[2]) / "index.csv"
    main(namespace(settings(cell, **changes)), index, scratch or out / "scratch", out / "tensorboard", out)
    return out / "weights.safetensors"


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_is_trained_and_says_what_it_cost_and_generates(formats, tmp_path, cell):
    weights = run(formats, tmp_path / "a", cell)
    assert sha256_file(run(formats, tmp_path / "b", cell)) == sha256_file(weights), "not repeatable"
    assert [row["step"] for row in read_csv(tmp_path / "a/loss.csv")] == ["2", "4"]
    cost = json.loads((tmp_path / "a/training.json").read_text())
    assert cost["steps"] == cost["timed_steps"] == 4 and cost["batch"] == 3 and cost["frames"] == 8
    assert cost["seconds"] == pytest.approx(4 * cost["seconds_per_step"], rel=0.02)
    assert 0 < cost["reading_share"] < 0.5, "the loader starves the step"
    assert not list((tmp_path / "a/scratch").rglob("*.pt"))

    folder = formats / cell.partition("_")[2]
    shapes = {name: np.load(folder / f"{name}.npy").shape[1:] for name in ("clips", "controls")}
    system = load_cell(namespace(settings(cell)), folder, shapes, weights)
    assert isinstance(system, ControlledSystem) and not system.training and system.learnable == cost["parameters"]
    if cell == "edm_cqt":
        scaled = system.normalise(torch.from_numpy(np.load(folder / "clips.npy")[:4]))
        assert scaled.std().item() == pytest.approx(0.5, rel=1e-3)


def test_killed_and_resumed_gives_the_same_bytes(formats, tmp_path, monkeypatch):
    whole = run(formats, tmp_path / "whole", "edm_cqt")
    plain, count = ControlledSystem.loss, iter(range(100))

    def loss(self, *arguments):
        if next(count) == 3:
            raise KeyboardInterrupt
        return plain(self, *arguments)

    monkeypatch.setattr(ControlledSystem, "loss", loss)
    with pytest.raises(KeyboardInterrupt):
        run(formats, tmp_path / "out", "edm_cqt", scratch=tmp_path / "scratch")
    assert list((tmp_path / "scratch").rglob("checkpoint.pt"))
    monkeypatch.setattr(ControlledSystem, "loss", plain)
    resumed = run(formats, tmp_path / "out", "edm_cqt", scratch=tmp_path / "scratch")
    assert sha256_file(resumed) == sha256_file(whole)
    assert (tmp_path / "out/loss.csv").read_bytes() == (tmp_path / "whole/loss.csv").read_bytes()
    assert json.loads((tmp_path / "out/training.json").read_text())["timed_steps"] == 2


def test_a_checkpoint_of_another_cell_is_not_taken(formats, tmp_path, monkeypatch):
    from etude.training.checkpoint import Checkpoint

    folders = []
    monkeypatch.setattr(Checkpoint, "load", lambda self: folders.append(self.path.parent.name))
    run(formats, tmp_path, "edm_cqt")
    run(formats, tmp_path, "edm_cqt", form="latents")
    run(formats, tmp_path, "ddpm_latents")
    run(formats, tmp_path, "edm_cqt", control=CONTROL | {"how": "film"})
    run(formats, tmp_path, "edm_cqt", crop_seconds=0.0)
    run(formats, tmp_path, "edm_cqt", seed=1)
    assert len(set(folders)) == 6


def test_a_paradigm_that_cannot_have_the_data_is_refused(formats, tmp_path):
    with pytest.raises(UserError, match=r"cell edm_cqt on format codes: edm needs continuous data.*discdpm"):
        run(formats, tmp_path, "edm_cqt", form="codes")
    with pytest.raises(UserError, match=r"cell discdpm_codes on format latents: discdpm diffuses classes"):
        run(formats, tmp_path, "discdpm_codes", form="latents")
    assert not list(tmp_path.rglob("*.safetensors"))


def test_codes_out_of_range_and_weights_of_another_network_are_refused(formats, tmp_path):
    folder = tmp_path / "toy" / "codes"
    folder.mkdir(parents=True)
    for file in (formats / "codes").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    codes = np.load(folder / "clips.npy")
    codes[2, 1, 3] = 11
    np.save(folder / "clips.npy", codes)
    with pytest.raises(UserError, match=r"clips.npy: row 2 has codes from 0 to 11.*0 to 10"):
        run(tmp_path / "toy", tmp_path / "out", "discdpm_codes")
    weights = run(formats, tmp_path / "cqt", "edm_cqt")
    with pytest.raises(UserError, match="weights of another network than cell ddpm_latents describes"):
        load_cell(
            namespace(settings("ddpm_latents")),
            formats / "latents",
            {"clips": (5, FRAMES), "controls": (5, FRAMES)},
            weights,
        )
