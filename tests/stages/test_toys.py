"""The toys, tiny: trained, judged, drawn (M-31 to M-34)."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from etude.errors import UserError
from etude.pipeline.files import read_csv, sha256_file
from etude.pipeline.stage import namespace
from stages.report import toys as figures
from stages.report.toys_table import main as table
from stages.train.idx import read_idx
from stages.train.toy_data import TOYS
from stages.train.toys import main

ROOT = Path(__file__).parents[2]
MNIST = Path(os.environ.get("ETUDE_SHARED", ROOT.parent / "shared/data")) / "mnist"
SAMPLER = {"steps": 5, "variance": "posterior", "guidance": 0.0}
CHAIN = {"steps": 50, "schedule": "linear", "first_beta": 0.001, "last_beta": 0.3, "scaling": "none"}
UNET = {"base": 8, "factors": [1.5], "up_factors": None, "embedding": 8, "out_kernel": 1, "patch": 1}
TRAIN = {
    "steps": 6, "batch": 16, "lr": 0.002, "warmup": 1, "schedule": "cosine", "ema": 0.9, "log_every": 3,
    "checkpoint_every": 3,
}  # fmt: skip
ROLL = {"points": 200, "noise": 0.5}
RUNS = {
    "roll_mlp": {
        "figure": "3.1", "data": "swiss_roll", "system": "ddpm", "source": ROLL, "block": CHAIN, "sampler": SAMPLER,
        "network": {"layers": 3, "width": 8, "embedding": 8},
    },
    "roll_unet": {
        "figure": "3.6", "data": "swiss_roll", "system": "ddpm", "source": ROLL, "block": CHAIN, "sampler": SAMPLER,
        "network": UNET,
    },
    "grid_unet": {
        "figure": "3.3", "data": "swiss_roll_grid", "system": "discdpm", "source": ROLL | {"grid": 12},
        "block": {key: CHAIN[key] for key in ("steps", "schedule", "first_beta", "last_beta")},
        "sampler": {"steps": None, "guidance": 0.0}, "network": UNET,
    },
    "digits_edm": {
        "figure": "3.2", "data": "digits", "system": "edm", "source": {"points": 400, "mnist": None},
        "block": {"sigma_data": 0.5, "noise_mean": -1.2, "noise_std": 1.2, "scaling": "none"},
        "sampler": {"name": "stochastic_heun", "steps": 3, "guidance": 0.0}, "network": UNET,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of the toys."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("toys")
    for name in RUNS:
        run(folder / name, name)
    return folder


def run(out: Path, name: str) -> Path:
    settings = namespace({"toy": name, "seed": 0, "samples": 40, "train": TRAIN} | RUNS[name])
    main(settings, out / "scratch", out / "tensorboard", out)
    return out


@pytest.mark.parametrize("name", RUNS)
def test_a_toy_is_repeatable_and_judged(trained, tmp_path, name):
    again = run(tmp_path / name, name)
    for file in ("weights.safetensors", "numbers.csv", "generated.npy", "loss.csv"):
        assert sha256_file(again / file) == sha256_file(trained / name / file), file
    generated = np.load(trained / name / "generated.npy")
    assert len(generated) == 40 and np.isfinite(generated).all()
    for row in read_csv(trained / name / "numbers.csv"):
        assert row["figure"] == f"Figure {RUNS[name]['figure']}" and np.isfinite(float(row["value"]))
    if name == "grid_unet":
        assert generated.min() >= 0 and generated.max() < 12 and generated.dtype == np.int64
        assert np.load(trained / name / "times.npy")[[0, -1]].tolist() == [50, 0]
        assert (np.load(trained / name / "steps.npy").sum((1, 2)) == 40).all()


@pytest.mark.parametrize("name", ["swiss_roll", "swiss_roll_grid", "digits"])
def test_true_samples_are_judged_as_true_and_noise_as_noise(name):
    source = {"points": 1200, "noise": 0.5, "grid": 40, "mnist": None}
    toy = TOYS[name](namespace(source), 0)
    shown = {"generated": toy.held[-400:], "times": np.zeros(0, int), "steps": np.zeros((0, 40, 40))}
    for row in toy.numbers(shown):
        if not row["true"] or not row["chance"] or row["direction"] == "none":
            continue
        value, true, chance = (float(row[key]) for key in ("value", "true", "chance"))
        assert abs(value - true) <= 0.3 * abs(chance - true) + 1e-9, row


def test_the_swiss_roll_has_unit_variance_and_what_is_held_out_is_not_trained_on():
    toy = TOYS["swiss_roll"](namespace(ROLL), 0)
    points = np.concatenate([toy.train, toy.held])
    np.testing.assert_allclose([points.mean(0), points.std(0)], [[0, 0], [1, 1]], atol=1e-9)
    assert toy.clips.shape == (200, 1, 2) and not (toy.held[:, None] == toy.train[None]).all(-1).any()


def test_figures_and_table_are_drawn_and_are_the_same_every_time(trained, tmp_path):
    for name, toy in RUNS.items():
        settings = namespace({"figure": toy["figure"], "toys": [name], "scale": "smoke"})
        for again in ("a", "b"):
            figures.main(settings, trained, tmp_path / f"{name}{again}.svg", tmp_path / f"{name}{again}.png")
        for kind in ("svg", "png"):
            assert sha256_file(tmp_path / f"{name}a.{kind}") == sha256_file(tmp_path / f"{name}b.{kind}")
    table(namespace({"toys": list(RUNS), "scale": "smoke"}), trained, tmp_path / "toys.csv", tmp_path / "toys.md")
    page = (tmp_path / "toys.md").read_text()
    assert page.startswith("# Toys") and all(f"| {name}" in page for name in RUNS)
    rows = read_csv(tmp_path / "toys.csv")
    assert {row["toy"] for row in rows} == set(RUNS) and {row["scale"] for row in rows} == {"smoke"}


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def test_digits_in_mnists_files_are_read(tmp_path):
    images, labels = load_digits(return_X_y=True)
    images, labels = (images.reshape(-1, 8, 8) * 255 / 16).astype(np.uint8), labels.astype(np.uint8)
    for name, part in {"train": slice(0, 1400), "t10k": slice(1400, None)}.items():
        (tmp_path / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images[part])))
        (tmp_path / f"{name}-labels-idx1-ubyte").write_bytes(idx(labels[part]))
    toy = TOYS["digits"](namespace({"points": 1000, "mnist": str(tmp_path)}), 0)
    assert toy.clips.shape == (1000, 1, 8, 8) and toy.shape == (1, 8, 8) and len(toy.held) == len(images) - 1400
    assert toy.clips.min() == -1 and toy.clips.max() == 1 and toy.accuracy > 0.8


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no train-images-idx3-ubyte"),
        (b"", "not an idx file of bytes"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x01abcd", "not an idx file of bytes"),
        (idx(np.zeros((3, 2, 2), np.uint8))[:-1], "11 bytes where its header promises 12"),
        (b"gz", "a damaged gzip file"),
    ],
)
def test_files_that_are_not_mnists_are_refused(tmp_path, content, complaint):
    name = "train-images-idx3-ubyte"
    if content is not None:
        (tmp_path / (f"{name}.gz" if content == b"gz" else name)).write_bytes(content)
    with pytest.raises(UserError, match=complaint):
        read_idx(tmp_path, name)


@pytest.mark.skipif(not MNIST.is_dir(), reason=f"{MNIST} is not there; ETUDE_SHARED says where the shared data is")
def test_the_true_mnist_is_read():
    images, labels = (read_idx(MNIST, f"t10k-{name}-ubyte") for name in ("images-idx3", "labels-idx1"))
    assert images.shape == (10_000, 28, 28) and np.bincount(labels).tolist()[:2] == [980, 1135]
