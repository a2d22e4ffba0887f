"""A level taken away: what is replaced, what stays, and what the table makes of the distances (P-26 vi)."""

import json

import numpy as np
import pytest
import torch

from etude.errors import UserError
from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import namespace
from stages.generate.ablation import PLACES, train_means, without
from stages.generate.ablation import main as ablation_stage
from stages.generate.levels import main as levels_stage
from stages.report import ablation as table
from tests.stages.test_chain import GENERATE, SYSTEMS, generate, made  # noqa: F401
from tests.stages.test_report import PRINTED, PROTOCOL


@pytest.fixture(scope="module", params=sorted(SYSTEMS))
def ablated(made, tmp_path_factory, request):  # noqa: F811
    """All sets of one system, beside its own reconstructions."""
    name, root = request.param, tmp_path_factory.mktemp("ablated")
    weights, out = getattr(made.weights, name), root / "generated" / name / "0"
    block = {"name": name, "system": SYSTEMS[name], "source": "trained"}
    levels = root / "levels"
    levels_stage(namespace(block | {"batch": 7}), made.encoded / "index.csv", weights, levels)
    generate(made, out, name=name)
    settings = GENERATE | block | {"clips": 5, "generated": 0, "how": ["zero", "mean"]}
    ablation_stage(namespace(settings), made.encoded / "index.csv", made.codec, weights, levels / "index.csv", out)
    return namespace({"name": name, "root": root, "levels": levels, "out": out})


def clips_of(ablated, place: str, how: str) -> list[dict[str, str]]:
    return read_csv(ablated.root / f"generated/{ablated.name}_without_{place}_{how}/0/index.csv")


def test_every_set_lists_the_same_clips_of_those_that_were_reconstructed(ablated):
    whole = [row["clip"] for row in read_csv(ablated.out / "index.csv")]
    chosen = [row["clip"] for row in clips_of(ablated, "coarse", "zero")]
    assert len(chosen) == 5 and [clip for clip in whole if clip in chosen] == chosen
    for place in PLACES:
        for how in ("zero", "mean"):
            assert [row["clip"] for row in clips_of(ablated, place, how)] == chosen


def test_each_place_and_way_is_another_sound(ablated):
    sums = {row["sha256"] for row in read_csv(ablated.out / "index.csv") if row["clip"]}
    first = [clips_of(ablated, place, how)[0]["sha256"] for place in PLACES for how in ("zero", "mean")]
    assert len(set(first)) == len(first) == 8 and not set(first) & sums


def test_only_the_named_levels_are_replaced():
    levels = [torch.randn(3, 2, n) for n in (4, 8, 16)]
    means = [torch.full((2, n), float(n)) for n in (4, 8, 16)]
    for place, indices in PLACES.items():
        kept = without(levels, means, PLACES[place])
        for k in range(3):
            expected = means[k].expand(3, -1, -1) if k in indices else levels[k]
            assert torch.equal(kept[k], expected)
    assert without(levels, means, [])[1] is levels[1]


def test_means_are_those_of_the_train_split_per_channel_and_frame(ablated):
    rows = read_csv(ablated.levels / "index.csv")
    train = [int(row["row"]) for row in rows if row["split"] == "train"]
    assert 0 < len(train) < len(rows)
    for mean, frames in zip(train_means(ablated.levels / "index.csv"), (4, 8, 16), strict=True):
        level = np.load(ablated.levels / f"level{frames}.npy")
        np.testing.assert_allclose(mean.numpy(), level[train].mean(axis=0), atol=1e-6)
        assert np.abs(mean.numpy() - level.mean(axis=0)).max() > 1e-6, "the test split was looked at"


def test_without_a_train_split_is_a_sentence(tmp_path):
    write_csv(tmp_path / "index.csv", [{"clip": "a", "row": 0, "split": "test"}], ["clip", "row", "split"])
    with pytest.raises(UserError, match="no clips in split 'train'"):
        train_means(tmp_path / "index.csv")


DISTANCES = {
    "msdae": 10.0, "untrained_msdae": 200.0, "round_trip": 2.0, "msdae_without_coarse_mean": 12.0,
    "msdae_without_middle_mean": 10.0, "msdae_without_fine_mean": 60.0, "msdae_without_all_mean": 110.0,
}  # fmt: skip


def report(tmp_path, **changes):
    for name, jack in (DISTANCES | changes).items():
        for seed in (0, 1):
            kind = "ablation" if "_without_" in name else "fad"
            path = tmp_path / "evaluate" / kind / "gm_notes/spectral" / name / str(seed) / "gm_cnn.csv"
            path.parent.mkdir(parents=True)
            row = {"fad": jack + 1, "fad_jack": jack + 2 * seed, "ci_low": jack - 5, "ci_high": jack + 5, "floor": 3.0}
            row |= {"floor_jack": 0.25, "floor_se_jack": 0.125} | PROTOCOL
            write_csv(path, [row], list(row))
    levels = tmp_path / "levels/gm_notes/spectral/msdae/0"
    levels.mkdir(parents=True)
    arrays = {"level16": [], "level4": [], "level8": [], "refined8": []}
    (levels / "protocol.json").write_text(json.dumps({"arrays": arrays}))
    grid = {"datasets": ["gm_notes"], "codecs": ["spectral"], "systems": ["msdae"], "embeddings": ["gm_cnn"]}
    settings = {"grid": grid, "seeds": [0, 1], "how": ["mean"], "scale": "laptop", "variant": "corrected"}
    table.main(
        namespace(settings | {"metric_code": "abc"}), tmp_path / "evaluate", tmp_path / "levels",
        PRINTED.with_name("pichard2024.yaml"), tmp_path / "t.csv", tmp_path / "t.md",
    )  # fmt: skip
    return read_csv(tmp_path / "t.csv"), (tmp_path / "t.md").read_text(encoding="utf-8")


def test_shares_are_parts_of_the_rise_when_all_is_taken_away(tmp_path):
    rows, read = report(tmp_path)
    assert [row["frames"] for row in rows] == ["4", "8", "16", "all"]
    assert [float(row["rise"]) for row in rows] == [2, 0, 50, 100]
    assert [float(row["share"]) for row in rows] == [0.02, 0, 0.5, 1]
    assert {row["whole_jack"] for row in rows} == {"11"} and rows[0]["ceiling_jack"] == "2"
    assert "4 frames (coarse)" in read and "+50" in read and "all levels" in read


def test_where_nothing_rises_there_is_no_share(tmp_path):
    rows, read = report(tmp_path, msdae_without_all_mean=9.0)
    assert {row["share"] for row in rows} == {""} and "–" in read
