"""Transfer, from the swaps to their scores: systems whose answer is known, and a real one."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from etude.audio.clips import read_clips
from etude.audio.files import read_audio
from etude.errors import UserError
from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import namespace
from stages.evaluate.bounds import bounds
from stages.evaluate.transfer import transfer
from stages.generate.swaps import Swap, swaps
from stages.generate.transfer import main as generate_transfer
from stages.judge.timbre import timbre
from stages.judge.transcribe import transcribe
from tests.conftest import make_generated, make_prepared
from tests.stages.test_chain import GENERATE, SYSTEMS, made  # noqa: F401

PLAN = SimpleNamespace(pairs=6, triples=4, pairing="uniform", seed=0)
TIMBRE = {
    "steps": 60, "batch": 8, "lr": 0.001, "hard": 0.5, "clips": 60, "triplets": 100, "positive": "instrument",
    "mixing_secrets": None, "seed": 0,
}  # fmt: skip
HEAR = {"onset_threshold": 0.5, "frame_threshold": 0.3, "minimum_frames": 11, "batch": 8}
SCORE = {
    "labels": {"dataset": "sines", "codec": "none", "system": "oracle", "seed": 0}, "split": "test", "clips": 0,
    "resamples": 200, "seed": 0,
}  # fmt: skip


def scores(path: Path) -> dict:
    """Values by protocol, frames, metric and statistic; None where the cell is empty."""
    return {
        (row["protocol"], row["frames"], row["metric"], row["statistic"]): float(row["value"]) if row["value"] else None
        for row in read_csv(path)
    }


class Bench:
    """A data set of sines, its judges, and what it takes to score a system of which only the sounds are given."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.index = make_prepared(folder / "prepared")
        self.timbre = folder / "timbre" / "timbre.json"
        timbre(SimpleNamespace(**TIMBRE), self.index, self.timbre)
        self.originals = folder / "originals" / "notes.csv"
        transcribe(SimpleNamespace(**HEAR, split="test", clips=0), self.index, self.originals)
        self.sounds = dict(read_clips(self.index, "test"))
        rows = [row for row in read_csv(self.index) if row["clip"] in self.sounds]
        self.planned = swaps(rows, [4, 8, 16], PLAN)
        self.rec = self.set("rec", self.sounds)

    def set(self, name: str, sounds: dict[str, np.ndarray]) -> tuple[Path, Path]:
        index, notes = make_generated(self.folder / name, sounds), self.folder / f"{name}-notes" / "notes.csv"
        transcribe(SimpleNamespace(**HEAR), index, notes)
        return index, notes

    def score(self, name: str, system, index: Path | None = None) -> dict:
        """Scores of ``system``, a function from a swap to a sound."""
        swapped, notes = self.set(name, {swap.clip: system(swap) for swap in self.planned})
        origin = {swap.clip: swap._asdict() for swap in self.planned}
        rows = [row | origin[row["clip"]] for row in read_csv(swapped)]
        write_csv(swapped, rows, list(rows[0]))
        out = self.folder / f"{name}.csv"
        transfer(namespace(SCORE), index or self.index, self.timbre, self.originals, *self.rec, swapped, notes, out)
        return scores(out)

    def bounds(self, index: Path | None = None) -> dict:
        out = self.folder / "bounds.csv"
        settings = namespace(SCORE | {"pairs": 6, "pairing": "uniform"})
        bounds(settings, index or self.index, self.timbre, self.originals, *self.rec, out)
        return scores(out)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def known(bench):
    """The 4-frame level carries everything, the 8-frame level nothing; with the 16-frame level all falls silent."""

    def system(swap: Swap) -> np.ndarray:
        silence = np.zeros_like(next(iter(bench.sounds.values())))
        if swap.protocol == "B":
            return bench.sounds[swap.coarse]
        choice = {"4": swap.target, "8": swap.source, "all": swap.target}
        return bench.sounds[choice[swap.frames]] if swap.frames in choice else silence

    return bench.score("known", system)


def of(found: dict, protocol: str, frames: str) -> dict:
    return {key[2:]: value for key, value in found.items() if key[:2] == (protocol, frames)}


def agree(a: dict, b: dict) -> None:
    assert a.keys() == b.keys() and len(a) > 20
    for key in a:
        assert a[key] == pytest.approx(b[key], abs=1e-3), key


def test_what_carries_everything_reaches_the_ceiling(bench, known):
    transferred = of(known, "A", "4")
    assert transferred["pitch_accuracy", "mean"] > 0.9
    for metric in ("note_f1", "note_offset_f1", "timbre_similarity", "contour_correlation"):
        assert transferred[metric, "mean"] == pytest.approx(1, abs=1e-3)
    assert transferred["attack_difference", "mean"] == pytest.approx(0, abs=1e-3)
    agree(of(known, "A", "all"), transferred)
    ceiling = of(bench.bounds(), "ceiling", "transcriber")
    assert known["rec", "rec", "pitch_accuracy", "mean"] == ceiling["pitch_accuracy", "mean"]


def test_what_carries_nothing_is_at_the_floor(bench, known):
    ignored = of(known, "A", "8")
    agree(ignored, of(known, "A", "none"))
    agree(ignored, of(bench.bounds(), "floor", "unchanged"))
    assert ignored["pitch_accuracy", "mean"] < 0.5
    assert of(known, "A_source", "8")["note_f1", "mean"] == 1


def test_silence_is_wrong_and_counted(known):
    silent = of(known, "A", "16")
    assert silent["without_notes", "mean"] == 1
    for metric in ("pitch_accuracy", "pitch_accuracy_folded", "note_f1", "onset_f1", "chroma_f1"):
        assert silent[metric, "mean"] == 0
    assert silent["note_f1", "micro"] == 0
    assert silent["attack_difference", "mean"] is None and silent["contour_correlation", "mean"] is None


def test_with_three_sources_each_level_is_held_against_its_own_giver(known):
    assert known["B", "4", "note_f1", "mean"] == 1
    assert known["B", "8", "note_f1", "mean"] < 1 and known["B", "16", "pitch_accuracy", "mean"] < 0.5


def test_bounds_are_in_order(bench):
    found = bench.bounds()
    random, trip = of(found, "floor", "random"), of(found, "ceiling", "codec")
    for metric in ("pitch_accuracy", "timbre_similarity", "note_f1"):
        assert random[metric, "mean"] < trip[metric, "mean"]
    assert trip["timbre_similarity_untrained", "mean"] == pytest.approx(1, abs=1e-3)


def test_rows_name_their_set_and_hold_intervals(bench, known):
    rows = read_csv(bench.folder / "known.csv")
    assert list(rows[0])[:4] == ["dataset", "codec", "system", "seed"]
    assert {row["protocol"] for row in rows} == {"rec", "A", "A_source", "B"}
    for row in rows:
        if int(row["n"]):
            assert float(row["ci_low"]) - 1e-9 <= float(row["value"]) <= float(row["ci_high"]) + 1e-9


def without_labels(bench, name: str) -> Path:
    folder = bench.folder / name
    shutil.copytree(bench.index.parent, folder)
    rows = [row | {"pitch": "", "instrument": ""} for row in read_csv(folder / "index.csv")]
    write_csv(folder / "index.csv", rows, list(rows[0]))
    (folder / "notes.csv").write_text("clip,pitch,onset,offset,velocity\n")
    return folder / "index.csv"


def test_without_labels_there_is_no_value_and_no_crash(bench):
    found = bench.score("unlabelled", lambda swap: bench.sounds[swap.coarse], without_labels(bench, "bare"))
    for metric in ("pitch_accuracy", "pitch_accuracy_folded", "note_f1_midi"):
        assert found["A", "4", metric, "mean"] is None
    assert found["A", "4", "note_f1", "mean"] == 1 and found["A", "4", "pitch_accuracy_transcribed", "mean"] == 1
    row = next(row for row in read_csv(bench.folder / "unlabelled.csv") if row["metric"] == "pitch_accuracy")
    assert (row["n"], row["ci_low"]) == ("0", "")


def test_a_transcription_of_another_set_is_refused(bench, tmp_path):
    index, _ = bench.rec
    settings = namespace(SCORE | {"pairs": 6, "pairing": "uniform"})
    few = make_generated(tmp_path / "few", dict(list(bench.sounds.items())[:3]))
    notes = tmp_path / "notes" / "notes.csv"
    transcribe(SimpleNamespace(**HEAR), few, notes)
    with pytest.raises(UserError, match="transcription of 3 clips"):
        bounds(settings, bench.index, bench.timbre, bench.originals, index, notes, tmp_path / "b.csv")


def test_another_timbre_network_is_refused(bench, tmp_path):
    shutil.copytree(bench.timbre.parent, tmp_path / "timbre")
    shutil.copy(tmp_path / "timbre/untrained.safetensors", tmp_path / "timbre/weights.safetensors")
    settings = namespace(SCORE | {"pairs": 6, "pairing": "uniform"})
    with pytest.raises(UserError, match=r"not the weights that timbre\.json describes"):
        bounds(settings, bench.index, tmp_path / "timbre/timbre.json", bench.originals, *bench.rec, tmp_path / "b.csv")


def test_a_real_system_exchanges_levels(made, tmp_path):  # noqa: F811
    """Every swap is a file, and the same command gives the same files; when all levels are the target's, there is
    nothing left of the source that one rule would refine and the other not."""
    weights = load_file(made.weights.msdae)  # hardly trained: its levels are made to matter
    loud = {name: value * (3 if name.startswith("encoders") else 1) for name, value in weights.items()}
    save_file(loud, tmp_path / "loud.safetensors")
    settings = GENERATE | vars(PLAN) | {"source": "trained", "name": "msdae", "system": SYSTEMS["msdae"]}
    settings |= {"recombination": "joint", "batch": 5}

    def run(name, **changes):
        arguments = (made.encoded / "index.csv", made.codec, tmp_path / "loud.safetensors", tmp_path / name)
        generate_transfer(namespace(settings | changes), *arguments)
        return read_csv(tmp_path / name / "index.csv")

    rows = run("a")
    assert len(rows) == 6 * 4 + 4 and {row["frames"] for row in rows} == {"4", "8", "16", "all", ""}
    assert {path.name for path in (tmp_path / "a").glob("*.flac")} == {row["file"] for row in rows}
    assert run("b") == rows
    tilde = {row["clip"]: row["sha256"] for row in run("c", recombination="tilde")}
    assert {row["frames"] for row in rows if tilde[row["clip"]] != row["sha256"]} == {"4", "8", "16", ""}


def test_nothing_exchanged_is_the_reconstruction(made, tmp_path, monkeypatch):  # noqa: F811
    from stages.generate import transfer as stage
    from stages.generate.generate import main as generate

    settings = GENERATE | {"source": "trained", "name": "msdae", "system": SYSTEMS["msdae"], "batch": 8}
    arguments = (made.encoded / "index.csv", made.codec, made.weights.msdae)
    generate(namespace(settings), *arguments, tmp_path / "rec")
    expected = {row["clip"]: row["file"] for row in read_csv(tmp_path / "rec/index.csv")}
    same = [Swap(f"s{k}", "A", "4", clip, clip, clip, clip, clip, clip) for k, clip in enumerate(expected)]
    monkeypatch.setattr(stage, "swaps", lambda *_: same)
    stage.main(namespace(settings | {"recombination": "joint"}), *arguments, tmp_path / "swaps")
    for swap in same:
        a = read_audio(tmp_path / "swaps" / f"{swap.clip}.flac")[0]
        b = read_audio(tmp_path / "rec" / expected[swap.source])[0]
        np.testing.assert_allclose(a, b, atol=1e-3)
