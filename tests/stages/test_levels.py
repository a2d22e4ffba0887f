"""The latents of every clip as files: the right numbers, in the right order, of the right network."""

import csv

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from etude.errors import UserError
from etude.pipeline.files import read_csv
from etude.pipeline.stage import namespace
from etude.systems import plugin
from stages.generate.levels import main
from tests.stages.test_chain import COMMON as CHAIN

COMMON = CHAIN | {"unet": {"channels": [8, 8, 8, 8], "embedding": 8}}
SYSTEMS = {
    "hdae": COMMON | {"encoder": {"channels": [8, 8, 8], "bottlenecks": [3, 4, 8], "full_rate_bottleneck": 0}},
    "msdae": COMMON
    | {"encoder": {"channels": [4, 8], "bottleneck": 4, "bands": "kept"}, "residual": "cumulative", "stride": "mel"},
}
SHAPES = {"latents": (6, 32), "mel1": (4, 16), "mel2": (8, 32), "mel3": (16, 64)}
CLIPS = 19


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoded") / "noise" / "spectral"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, shape in SHAPES.items():
        np.save(folder / f"{name}.npy", rng.standard_normal((CLIPS, *shape)).astype(np.float32))
    with open(folder / "index.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ["clip", "row", "split", "family"], lineterminator="\n")
        writer.writeheader()
        for k in range(CLIPS):
            split = "train" if k < 12 else "valid" if k < 15 else "test"
            writer.writerow({"clip": f"c{k}", "row": k, "split": split, "family": "reed"})
    return folder


def save(system, path):
    save_file({name: value.contiguous() for name, value in system.state_dict().items()}, path)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of one network of each kind, as a training would leave them."""
    folder = tmp_path_factory.mktemp("weights")
    for name, block in SYSTEMS.items():
        torch.manual_seed(5)
        system = plugin(name).build(namespace(block), SHAPES)
        system.fit_scale(torch.randn(6), torch.rand(6) + 0.5)
        save(system, folder / f"{name}.safetensors")
    return folder


def levels(encoded, weights, out, name="msdae", source="trained", batch=5, block=None):
    settings = {"name": name, "system": block or SYSTEMS[name], "source": source, "batch": batch, "seed": 0}
    path = weights if weights.is_file() else weights / f"{name}.safetensors"
    main(namespace(settings), encoded / "index.csv", path, out)
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(out.glob("*.npy"))}


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_the_arrays_are_what_the_network_says_of_each_clip(encoded, weights, tmp_path, name):
    arrays = levels(encoded, weights, tmp_path, name)
    system = plugin(name).build(namespace(SYSTEMS[name]), SHAPES)
    system.load_state_dict(load_file(weights / f"{name}.safetensors"))
    clips = {key: torch.from_numpy(np.load(encoded / f"{key}.npy")) for key in SHAPES}
    with torch.no_grad():
        truth = {f"level{h.shape[-1]}": h for h in system.eval().levels(clips)}
    assert set(truth) == {"level4", "level8", "level16"}
    for key, h in truth.items():
        assert arrays[key].dtype == np.float32
        np.testing.assert_allclose(arrays[key], h.numpy(), atol=1e-6)


def test_the_index_is_the_encoded_one_with_a_hash_of_each_clip(encoded, weights, tmp_path):
    levels(encoded, weights, tmp_path)
    rows = read_csv(tmp_path / "index.csv")
    hashes = [row.pop("levels_sha256") for row in rows]
    assert rows == read_csv(encoded / "index.csv")
    assert len(set(hashes)) == CLIPS


@pytest.mark.parametrize("residual", ["cumulative", "plain"])
def test_refined_levels_contain_the_coarser_ones(encoded, weights, tmp_path, residual):
    """P-10: with h̃_8 = h_8 + up(h_4), and h̃_16 = h_16 + up(h̃_8), or + up(h_8) in the text's form."""
    arrays = levels(encoded, weights, tmp_path, block=SYSTEMS["msdae"] | {"residual": residual})
    h = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}

    def up(x):
        return functional.interpolate(x, scale_factor=2, mode="linear")

    torch.testing.assert_close(h["refined8"] - up(h["level4"]), h["level8"])
    base = h["refined8"] if residual == "cumulative" else h["level8"]
    torch.testing.assert_close(h["refined16"] - up(base), h["level16"])


def test_a_system_that_keeps_its_levels_apart_has_no_refined_ones(encoded, weights, tmp_path):
    assert set(levels(encoded, weights, tmp_path, "hdae")) == {"level4", "level8", "level16"}


def test_other_places_of_the_conditions_are_other_names(encoded, weights, tmp_path):
    block = SYSTEMS["msdae"] | {"conditioning": "levels_1_3_5", "unet": COMMON["unet"] | {"channels": [8] * 5}}
    torch.manual_seed(5)
    save(plugin("msdae").build(namespace(block), SHAPES), tmp_path / "w.safetensors")
    arrays = levels(encoded, tmp_path / "w.safetensors", tmp_path / "out", block=block)
    assert {name for name in arrays if name.startswith("level")} == {"level2", "level8", "level32"}


def test_neither_the_batch_nor_a_repetition_matters(encoded, weights, tmp_path):
    a = levels(encoded, weights, tmp_path / "a", batch=5)
    b = levels(encoded, weights, tmp_path / "b", batch=19)
    levels(encoded, weights, tmp_path / "c", batch=5)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=1e-6)
    assert (tmp_path / "a/index.csv").read_bytes() == (tmp_path / "c/index.csv").read_bytes()


def test_an_untrained_network_is_another_and_always_the_same(encoded, weights, tmp_path):
    trained = levels(encoded, weights, tmp_path / "a", "hdae")
    untrained = levels(encoded, weights, tmp_path / "b", "hdae", source="untrained")
    again = levels(encoded, weights, tmp_path / "c", "hdae", source="untrained")
    assert not np.allclose(trained["level8"], untrained["level8"], atol=0.01)
    np.testing.assert_array_equal(untrained["level8"], again["level8"])


def test_levels_that_are_not_finite_are_one_sentence_and_no_files(encoded, weights, tmp_path):
    broken = load_file(weights / "hdae.safetensors")
    broken["encoder.taps.1.squeeze.bias"] += float("nan")
    save_file(broken, tmp_path / "broken.safetensors")
    with pytest.raises(UserError, match=r"broken\.safetensors: level8 is not finite; train it again"):
        levels(encoded, tmp_path / "broken.safetensors", tmp_path / "out", "hdae")
    assert not list((tmp_path / "out").glob("*.npy")) and not (tmp_path / "out/index.csv").exists()


def test_weights_of_another_network_are_one_sentence(encoded, weights, tmp_path):
    with pytest.raises(UserError, match=r"weights of another network than systems\.hdae describes"):
        levels(encoded, weights / "msdae.safetensors", tmp_path, "hdae")
