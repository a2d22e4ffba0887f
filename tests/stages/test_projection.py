"""Levels in a plane: blobs stay apart, labels dealt out at random are chance, what is missing is a sentence (P-30)."""

import csv
from pathlib import Path

import numpy as np
import pytest

from etude.errors import UserError
from etude.pipeline.files import read_csv
from etude.pipeline.stage import namespace
from stages.evaluate.projection import COLUMNS, main

SETTINGS = {
    "split": "test", "clips": 0, "neighbours": 15, "min_dist": 0.1, "agreement": 10, "permutations": 5, "seed": 0,
    "labels": {"dataset": "blobs", "codec": "spectral", "system": "msdae", "seed": "0"},
}  # fmt: skip
EACH = 40


def write(path: Path, rows: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


class Blobs:
    """Three instruments of 40 test clips: far apart at 4 frames, one cloud at 8, all the same at 16."""

    def __init__(self, folder: Path, each: int = EACH):
        rng = np.random.default_rng(0)
        self.folder, n = folder, 3 * each
        self.families = np.repeat(["reed", "organ", "bass"], each)
        centres = np.repeat(12 * np.eye(6)[:3], each, axis=0)[:, :, None]
        self.levels = {
            4: centres + rng.normal(size=(n, 6, 4)), 8: rng.normal(size=(n, 6, 8)), 16: np.full((n, 6, 16), 0.25),
        }  # fmt: skip
        self.rows = [
            {"clip": f"c{k:03d}", "row": k, "split": "test", "source": f"{k // 4}.wav", "family": self.families[k],
             "pitch": 60 + k % 5}
            for k in range(n)
        ]  # fmt: skip
        self.notes = [{"clip": "c000", "pitch": 60, "onset": 0.0, "offset": 1.0, "velocity": 90}]

    def project(self, **changes) -> tuple[dict, list[dict[str, str]]]:
        """(Rows of the numbers by frames, label, space, metric; coordinates) after writing the files."""
        for frames, level in self.levels.items():
            self.folder.mkdir(exist_ok=True, parents=True)
            np.save(self.folder / f"level{frames}.npy", level.astype(np.float32))
        index = write(self.folder / "index.csv", self.rows)
        notes = write(self.folder / "notes.csv", self.notes)
        main(namespace(SETTINGS | changes), index, notes, self.folder / "numbers.csv", self.folder / "places.csv")
        rows = read_csv(self.folder / "numbers.csv")
        assert list(rows[0]) == COLUMNS
        found = {(row["frames"], row["label"], row["space"], row["metric"]): row for row in rows}
        assert len(found) == len(rows)
        return found, read_csv(self.folder / "places.csv")


@pytest.fixture(scope="module")
def projected(tmp_path_factory):
    return Blobs(tmp_path_factory.mktemp("blobs") / "a").project()


def value(row: dict[str, str]) -> float:
    return float(row["value"])


@pytest.mark.parametrize("space", ["latent", "plane"])
def test_three_blobs_stay_three_and_a_cloud_is_chance(projected, space):
    found, _ = projected
    near, cloud = (found[(frames, "instrument", space, "knn_purity")] for frames in "48")
    assert value(near) > 0.99 and value(found[("4", "instrument", space, "silhouette")]) > 0.6
    assert float(near["floor"]) == pytest.approx(39 / 119, abs=1e-5)
    assert value(cloud) == pytest.approx(float(cloud["floor"]), abs=0.08)
    pitch = found[("4", "pitch", space, "knn_purity")]  # pitch has nothing to do with where the blobs are
    assert value(pitch) == pytest.approx(float(pitch["floor"]), abs=0.06)
    assert near["n"] == "120" and near["dataset"] == "blobs" and near["seed"] == "0"


def test_the_plane_is_trusted_more_than_a_shuffled_one(projected):
    true = projected[0][("4", "", "plane", "trustworthiness")]
    assert value(true) > 0.75 and float(true["floor"]) == pytest.approx(0.5, abs=0.05)


def test_a_level_without_variance_is_a_sentence(projected):
    found, places = projected
    for row in (row for key, row in found.items() if key[0] == "16"):
        assert row["value"] == row["floor"] == "" and "carries nothing" in row["note"]
    flat = [row for row in places if row["frames"] == "16"]
    assert len(flat) == 120 and {(row["x"], row["y"]) for row in flat} == {("", "")}


def test_the_same_seed_gives_the_same_bytes(projected, tmp_path):
    found, places = Blobs(tmp_path / "again").project()
    assert places == projected[1] and found == projected[0]


def test_neighbours_of_the_same_recording_can_be_passed_over(tmp_path):
    """Each recording is a blob of its own: within recordings all agree, across them nothing does."""
    blobs = Blobs(tmp_path / "a")
    rng = np.random.default_rng(1)
    places = np.repeat(rng.normal(size=(30, 6, 1)), 4, axis=0)
    blobs.levels = {4: places + 0.01 * rng.normal(size=(120, 6, 4))}
    families = rng.integers(2, size=30)
    blobs.rows = [row | {"family": f"family{families[k // 4]}"} for k, row in enumerate(blobs.rows)]
    found, _ = blobs.project(agreement=3)
    assert value(found[("4", "instrument", "latent", "knn_purity")]) == 1
    across = found[("4", "instrument", "latent", "knn_purity_across")]
    assert value(across) < 0.75


def test_without_labels_there_is_a_sentence_and_the_rest_goes_on(tmp_path):
    blobs = Blobs(tmp_path / "a", 12)
    del blobs.levels[8], blobs.levels[16]
    blobs.rows = [row | {"pitch": "", "family": ""} for row in blobs.rows]
    blobs.notes = [{"clip": "other", "pitch": 60, "onset": 0.0, "offset": 1.0, "velocity": 90}]
    found, places = blobs.project()
    assert found[("4", "pitch", "plane", "silhouette")]["note"] == "no pitch labels"
    assert found[("4", "instrument", "latent", "knn_purity")]["note"] == "no instrument labels"
    assert value(found[("4", "", "plane", "trustworthiness")]) > 0.5 and places[0]["x"]


def test_a_class_of_one_clip_is_counted_and_said(tmp_path):
    blobs = Blobs(tmp_path / "a", 12)
    del blobs.levels[8], blobs.levels[16]
    blobs.rows[0]["family"] = "kazoo"
    row = blobs.project()[0][("4", "instrument", "latent", "silhouette")]
    assert value(row) > 0.5 and row["note"] == "classes of one clip: 1 of 4"
    blobs.rows = [row | {"family": "kazoo"} for row in blobs.rows]
    row = blobs.project()[0][("4", "instrument", "latent", "knn_purity")]
    assert row["value"] == "" and row["note"] == "a single instrument: kazoo"


def test_a_stem_has_the_pitch_that_sounds_longest(tmp_path):
    blobs = Blobs(tmp_path / "a", 4)
    del blobs.levels[8], blobs.levels[16]
    blobs.rows = [row | {"pitch": ""} for row in blobs.rows]
    times = [("c000", 50, 0, 1), ("c000", 62, 0, 0.6), ("c000", 62, 1, 1.6), ("c001", 70, 0, 1), ("c001", 60, 1, 2)]
    blobs.notes = [{"clip": c, "pitch": p, "onset": a, "offset": b, "velocity": 90} for c, p, a, b in times]
    _, places = blobs.project()
    assert [row["pitch"] for row in places[:3]] == ["62", "60", ""]


def test_a_handful_of_clips_is_a_sentence(tmp_path):
    blobs = Blobs(tmp_path / "a", 3)
    found, _ = blobs.project()
    assert found[("4", "instrument", "plane", "knn_purity")]["note"] == "9 clips, 10 needed"


def test_a_split_without_clips_or_values_that_are_not_finite_are_refused(tmp_path):
    blobs = Blobs(tmp_path / "a", 12)
    with pytest.raises(UserError, match="no clips in split 'valid'"):
        blobs.project(split="valid")
    blobs.levels[4][3] = np.nan
    with pytest.raises(UserError, match="not finite"):
        blobs.project()
