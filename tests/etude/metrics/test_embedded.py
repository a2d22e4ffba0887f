"""Sets of windows: order, files, groups."""

import numpy as np
import pytest

from etude.errors import UserError
from etude.metrics.embedded import EmbeddedSet
from etude.metrics.frechet import frechet, root, root_of
from etude.metrics.perfile import frechet_per_file


def some_set(files: int = 23, dimension: int = 5, seed: int = 0, prefix: str = "clip") -> EmbeddedSet:
    generator = np.random.default_rng(seed)
    sizes = generator.integers(1, 6, files)
    return EmbeddedSet.of(
        [f"{prefix} {number} é" for number in range(files)],
        [generator.normal(size=(size, dimension)).astype(np.float32) for size in sizes],
        {"embedding_sha256": "abc"},
    )


def test_order_of_files_is_irrelevant():
    clips = some_set()
    shuffled = np.random.default_rng(1).permutation(len(clips))
    again = EmbeddedSet.of([clips.clips[p] for p in shuffled], [clips.of_clip(p) for p in shuffled])
    assert again.clips == clips.clips
    reference = root(some_set(40, seed=2).gaussian())
    assert frechet(reference, root(again.gaussian())) == pytest.approx(
        frechet(reference, root(clips.gaussian())), rel=1e-12
    )


def test_duplicated_files_weigh_twice():
    clips = some_set()
    twice = EmbeddedSet.of(
        clips.clips + [f"{clip} again" for clip in clips.clips], 2 * [clips.of_clip(p) for p in range(len(clips))]
    )
    one, two = clips.gaussian(), twice.gaussian()
    np.testing.assert_allclose(two.mean, one.mean, rtol=1e-12)
    np.testing.assert_allclose(two.scatter, 2 * one.scatter, rtol=1e-12, atol=1e-12)


def test_parts_make_the_whole():
    clips = some_set()
    parts = [clips.part(0, 7), clips.part(7, 8), clips.part(8, len(clips))]
    assert [clip for part in parts for clip in part.clips] == clips.clips
    np.testing.assert_array_equal(np.concatenate([part.vectors for part in parts]), clips.vectors)
    np.testing.assert_array_equal(parts[2].of_clip(3), clips.of_clip(11))


def test_positions_of_known_clips_only():
    clips = some_set()
    assert clips.positions([clips.clips[4], "unknown", clips.clips[0]]) == [4, 0]


def test_saved_and_loaded_is_the_same(tmp_path):
    clips = some_set()
    clips.save(tmp_path / "a.npz")
    clips.save(tmp_path / "b.npz")
    found = EmbeddedSet.load(tmp_path / "a.npz")
    assert (found.clips, found.protocol) == (clips.clips, clips.protocol)
    np.testing.assert_array_equal(found.vectors, clips.vectors)
    np.testing.assert_array_equal(found.starts, clips.starts)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_a_broken_file_is_refused(tmp_path, content):
    (tmp_path / "broken.npz").write_bytes(content)
    with pytest.raises(UserError, match="not a file of embeddings"):
        EmbeddedSet.load(tmp_path / "broken.npz")


def test_a_file_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(UserError, match="not a file of embeddings"):
        EmbeddedSet.load(tmp_path / "other.npz")
    with pytest.raises(UserError, match="no such embeddings"):
        EmbeddedSet.load(tmp_path / "missing.npz")


def test_each_file_has_its_own_distance():
    """The short cut through the centred windows gives what the covariances give."""
    reference = some_set(60, seed=3)
    clips = some_set(12, seed=4)
    found = frechet_per_file(root(reference.gaussian()), clips)
    assert list(found) == clips.clips
    for position, clip in enumerate(clips.clips):
        step = clips.of_clip(position).mean(axis=0) - reference.vectors.mean(axis=0)
        assert found[clip] >= step.astype(np.float64) @ step
        assert found[clip] == pytest.approx(
            frechet(root_of(reference.vectors), root(clips.gaussian([position]))), rel=1e-9
        )


def test_a_file_with_one_window_has_a_distance():
    reference = some_set(60, seed=3)
    one = EmbeddedSet.of(["one"], [np.zeros((1, 5), np.float32)])
    vectors = reference.vectors.astype(np.float64)
    expected = np.sum(vectors.mean(axis=0) ** 2) + np.trace(np.cov(vectors, rowvar=False))
    assert frechet_per_file(root(reference.gaussian()), one)["one"] == pytest.approx(expected, rel=1e-12)
