"""Embedding and FAD of small sets: what should be near is near, and every row says how it was made."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.signal

from etude.audio.clips import read_clips, set_hash
from etude.embeddings import fingerprint
from etude.errors import UserError
from etude.metrics.embedded import EmbeddedSet
from etude.metrics.frechet import frechet, root
from etude.pipeline.files import read_csv
from stages.evaluate.embed import embed
from stages.evaluate.fad import fad
from stages.judge.judge import judge
from tests.conftest import RATE, make_generated, make_prepared

REPOSITORY = Path(__file__).resolve().parents[2]
ALL = SimpleNamespace(embedding="gm_cnn")
FAD = SimpleNamespace(groups=20, seed=0, labels=SimpleNamespace(dataset="sines", system="none", seed=3))


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A folder with a data set, a judge trained on it, and the embeddings of the whole data set."""
    folder = tmp_path_factory.mktemp("bench")
    index = make_prepared(folder / "sines")
    settings = SimpleNamespace(embedding="gm_cnn", seed=0, steps=120, batch=16, lr=0.004, width=8)
    judge(settings, index, folder / "judge" / "judge.json")
    embed(ALL, folder / "judge" / "judge.json", index, folder / "reference.npz")
    return SimpleNamespace(
        folder=folder, index=index, judge=folder / "judge" / "judge.json", reference=folder / "reference.npz"
    )


@pytest.fixture(scope="module")
def distance(bench, tmp_path_factory):
    """FAD of the clips of the data set after a change, from the clips before it."""
    reference = root(EmbeddedSet.load(bench.reference).gaussian())

    def measure(change) -> float:
        folder = tmp_path_factory.mktemp("changed")
        index = make_generated(folder / "set", {clip: change(samples) for clip, samples in read_clips(bench.index)})
        embed(ALL, bench.judge, index, folder / "e.npz")
        return frechet(reference, root(EmbeddedSet.load(folder / "e.npz").gaussian()))

    return measure


def with_noise(level: float):
    def change(samples):
        noise = np.random.default_rng(len(samples)).normal(size=samples.shape)
        return np.clip(samples + level * noise, -1, 1)

    return change


def low_passed(cutoff: float):
    sections = scipy.signal.butter(8, cutoff, fs=RATE, output="sos")
    return lambda samples: scipy.signal.sosfilt(sections, samples)


def silent(samples):
    return np.zeros_like(samples)


def test_distance_grows_with_noise(distance):
    found = [distance(change) for change in (with_noise(0), with_noise(0.003), with_noise(0.03), with_noise(0.3))]
    assert found == sorted(found)
    assert found[0] < 1e-3 * found[1]


def test_distance_grows_as_the_treble_goes(distance):
    found = [distance(low_passed(cutoff)) for cutoff in (7000, 2000, 1000, 500)]
    assert found == sorted(found)


def test_silence_is_far(distance):
    assert distance(silent) > 2 * max(distance(with_noise(0.003)), distance(low_passed(2000)))


def test_sines_of_the_first_published_fad(bench, tmp_path):
    """Google's test files: 10 clean sines of 6 s as background, twice 5 with noise of 1e-4 and 1e-5 of their peak.

    VGGish puts them at 12.4 and 4.8. Here such noise is below the front end's floor (1e-4 of power), so that five
    sines against ten is all there is to tell, the same for both within 1 %; noise above the floor is farther.
    """
    time = np.linspace(0, 6, 6 * RATE)
    generator = np.random.default_rng(0)

    def tones(count, level):
        clean = np.sin(2 * np.pi * np.linspace(100, 1000, count)[:, None] * time)
        folder = tmp_path / f"{count} {level}"
        noisy = {f"{n}": tone + generator.normal(0, level, len(time)) for n, tone in enumerate(clean)}
        embed(ALL, bench.judge, make_generated(folder, noisy), folder / "e.npz")
        return root(EmbeddedSet.load(folder / "e.npz").gaussian())

    background = tones(10, 0.0)
    test1, test2, noisy = (frechet(background, tones(5, level)) for level in (1e-4, 1e-5, 1e-1))
    assert test1 == pytest.approx(test2, rel=0.01)
    assert 0 < 2 * test1 < noisy


def test_a_row_holds_all_that_it_was_made_of(bench, tmp_path, generated_set):
    change = with_noise(0.01)
    index = generated_set({clip: change(samples) for clip, samples in read_clips(bench.index)})
    embed(ALL, bench.judge, index, tmp_path / "generated.npz")
    fad(FAD, bench.reference, tmp_path / "generated.npz", tmp_path / "out" / "fad.csv")
    (row,) = read_csv(tmp_path / "out" / "fad.csv")
    facts = json.loads(bench.judge.read_text())
    assert list(row)[:4] == ["dataset", "system", "seed", "fad"]
    assert (row["dataset"], row["seed"]) == ("sines", "3")
    assert float(row["ci_low"]) < float(row["fad_jack"]) < float(row["ci_high"])
    assert float(row["fad_jack"]) < float(row["fad"])
    assert (row["n_reference"], row["n_generated"], row["n_paired"]) == ("72", "72", "72")
    assert (row["windows_reference"], row["windows_generated"], row["dimension"]) == ("216", "216", "64")
    assert float(row["n_over_d"]) == pytest.approx(216 / 64)
    assert "216 windows < 4 x 64" in row["caution"]
    assert (row["sample_rate"], row["model_sample_rate"], row["resampler"]) == ("16000", "16000", "none")
    assert json.loads(row["loudness"]) == {"rule": "none"}
    assert row["embedding_sha256"] == fingerprint(facts) and row["weights_sha256"] == facts["weights_sha256"]
    assert row["reference_sha256"] == set_hash(bench.index) and row["generated_sha256"] == set_hash(index)
    assert float(row["seconds_generated"]) == pytest.approx(72 * 2.048)
    files = read_csv(tmp_path / "out" / "fad.files.csv")
    assert [file["clip"] for file in files] == sorted(clip for clip, _ in read_clips(bench.index))
    assert all(float(file["fad"]) > 0 for file in files)


def test_a_set_is_at_no_distance_from_itself(bench, tmp_path):
    fad(FAD, bench.reference, bench.reference, tmp_path / "fad.csv")
    (row,) = read_csv(tmp_path / "fad.csv")
    assert all(abs(float(row[name])) < 1e-9 for name in ("fad", "fad_jack", "se_jack", "ci_low", "ci_high"))
    assert float(row["floor"]) > 0


def test_the_same_command_gives_the_same_bytes(bench, tmp_path):
    for name in ("a", "b"):
        embed(ALL, bench.judge, bench.index, tmp_path / f"{name}.npz")
        fad(FAD, bench.reference, tmp_path / f"{name}.npz", tmp_path / f"{name}.csv")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes() == bench.reference.read_bytes()
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_one_clip_leaves_cells_empty(bench, tmp_path, generated_set, sines):
    index = generated_set({"only": sines["flute-60"]})
    embed(ALL, bench.judge, index, tmp_path / "one.npz")
    fad(FAD, bench.reference, tmp_path / "one.npz", tmp_path / "fad.csv")
    (row,) = read_csv(tmp_path / "fad.csv")
    assert float(row["fad"]) > 0
    assert [row[name] for name in ("fad_jack", "ci_low", "fad_inf")] == ["", "", ""]
    assert "3 windows < 1 x 64" in row["caution"]
    fad(FAD, tmp_path / "one.npz", bench.reference, tmp_path / "fad.csv")
    assert read_csv(tmp_path / "fad.csv")[0]["floor"] == ""


def test_split_and_number_of_clips_are_chosen(bench, tmp_path):
    embed(SimpleNamespace(embedding="gm_cnn", split="test", clips=5), bench.judge, bench.index, tmp_path / "e.npz")
    found = EmbeddedSet.load(tmp_path / "e.npz")
    assert len(found) == found.protocol["clips"] == 5
    assert found.protocol["set_sha256"] == set_hash(bench.index, "test", 5) != set_hash(bench.index, "test")
    embed(SimpleNamespace(embedding="gm_cnn", split="test", clips=0), bench.judge, bench.index, tmp_path / "e.npz")
    assert len(EmbeddedSet.load(tmp_path / "e.npz")) > 5


def test_batches_are_only_a_matter_of_speed(bench, tmp_path, generated_set, sines):
    """Clips of different lengths cannot share a batch; each must come out as if it were alone."""
    clips = {clip: samples[: 16000 + 8000 * (n % 3)] for n, (clip, samples) in enumerate(sorted(sines.items())[:9])}
    embed(ALL, bench.judge, generated_set(clips), tmp_path / "all.npz")
    found = EmbeddedSet.load(tmp_path / "all.npz")
    for clip in list(clips)[:3]:
        embed(ALL, bench.judge, generated_set({clip: clips[clip]}, clip), tmp_path / "one.npz")
        alone = EmbeddedSet.load(tmp_path / "one.npz").vectors
        (position,) = found.positions([clip])
        np.testing.assert_allclose(found.of_clip(position), alone, atol=1e-5)


def test_another_rate_is_resampled_and_said(bench, tmp_path, generated_set):
    index = generated_set({"a": np.zeros(96000), "b": np.zeros(96000)}, rate=48000)
    embed(ALL, bench.judge, index, tmp_path / "e.npz")
    found = EmbeddedSet.load(tmp_path / "e.npz")
    assert (found.protocol["sample_rate"], found.protocol["resampler"]) == (48000, "soxr VHQ")
    assert found.protocol["seconds"] == pytest.approx(4.0)
    assert found.windows == 2 * 3


def test_a_short_clip_is_refused_not_skipped(bench, tmp_path, generated_set, sines):
    index = generated_set({"long": sines["flute-60"], "short": sines["flute-61"][:15999]})
    with pytest.raises(UserError, match=r"clip short lasts 1\.000 s, the embedding needs 1\.000 s at least"):
        embed(ALL, bench.judge, index, tmp_path / "e.npz")
    assert not (tmp_path / "e.npz").exists()


def test_embeddings_of_two_judges_are_refused(bench, tmp_path):
    other = EmbeddedSet.load(bench.reference)
    other.protocol["embedding_sha256"] = "0" * 64
    other.save(tmp_path / "other.npz")
    with pytest.raises(UserError, match=f"not of one embedding .* and {'0' * 64}"):
        fad(FAD, bench.reference, tmp_path / "other.npz", tmp_path / "fad.csv")
    assert not (tmp_path / "fad.csv").exists()


def test_a_judge_of_something_else_is_refused(bench, tmp_path):
    with pytest.raises(UserError, match="describes embedding 'gm_cnn', 'clap' was asked for"):
        embed(SimpleNamespace(embedding="clap"), bench.judge, bench.index, tmp_path / "e.npz")
    with pytest.raises(UserError, match="run the judge step"):
        embed(ALL, tmp_path / "judge.json", bench.index, tmp_path / "e.npz")


def run(module: str, settings: dict, **options: Path) -> subprocess.CompletedProcess:
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", module, "--settings", json.dumps(settings), *words]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_the_commands(bench, tmp_path):
    done = run(
        "stages.evaluate.embed",
        {"embedding": "gm_cnn", "split": "test"},
        judge=bench.judge,
        clips=bench.index,
        out=tmp_path / "e.npz",
    )
    assert done.returncode == 0, done.stderr
    settings = {"groups": 6, "seed": 0, "labels": {"dataset": "sines"}}
    done = run(
        "stages.evaluate.fad",
        settings,
        reference=bench.reference,
        generated=tmp_path / "e.npz",
        out=tmp_path / "fad.csv",
    )
    assert done.returncode == 0, done.stderr
    assert len(read_csv(tmp_path / "fad.csv")) == 1
    done = run(
        "stages.evaluate.fad",
        settings,
        reference=tmp_path / "none.npz",
        generated=tmp_path / "e.npz",
        out=tmp_path / "x.csv",
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "none.npz: no such embeddings" in done.stderr
