"""From a trained cell and controls to clips on disk, how long that takes, and what is heard in them."""

import json

import numpy as np
import pytest

from etude.audio.files import read_audio
from etude.errors import UserError
from etude.pipeline.files import read_csv, sha256_file, write_csv
from etude.pipeline.stage import namespace
from stages.evaluate import fidelity
from stages.generate import controlled, speed
from stages.judge.judge import judge as judge_stage
from tests.stages.melodies import CELL, DDPM, NAMES, RATE, SAMPLER, SPECTRAL, make

GENERATE = {
    "split": "valid", "seconds": 1.536, "clips": 0, "codec": "spectral", "block": SPECTRAL, "array": "latents",
    "batch": 3, "noise_seed": 0, "free": [], "cell": CELL, "sampler": SAMPLER, "format": "latents",
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("melodies"))


@pytest.fixture(scope="module")
def judge(made):
    out = made.root / "models/judges/gm_melodies/gm_cnn/judge.json"
    judge_stage(
        namespace({"embedding": "gm_cnn", "steps": 20, "batch": 8, "lr": 0.003, "width": 4, "seed": 0}),
        made.prepared,
        out,
    )
    return out


def generate(made, out, source="trained", controls="none", **changes):
    settings = namespace(GENERATE | {"source": source} | changes)
    weights = made.weights[settings.cell.cell]
    paths = made.index, made.codec, weights, made.root / controls if controls == "none" else controls, made.prepared
    controlled.main(settings, *paths, out)
    return read_csv(out / "index.csv")


@pytest.mark.parametrize("cell", [CELL, DDPM])
def test_clips_are_the_same_every_time_and_in_any_batch(made, tmp_path, cell):
    sampler = SAMPLER | {"churn": 20.0} if cell is CELL else {"steps": 5, "variance": "beta", "guidance": 0.0}
    own = {"cell": cell, "sampler": sampler}
    rows = generate(made, tmp_path / "a", **own)
    assert sorted(row["clip"] for row in rows) == [f"valid_{k:02d}" for k in range(4)]
    assert generate(made, tmp_path / "b", **own) == rows
    for row in rows:
        audio, rate = read_audio(tmp_path / "a" / row["file"])
        assert (len(audio), rate) == (24576, RATE) and sha256_file(tmp_path / "a" / row["file"]) == row["sha256"]
    alone = generate(made, tmp_path / "c", batch=1, **own)
    for row, single in zip(rows, alone, strict=True):
        assert row["clip"] == single["clip"]
        both = [read_audio(tmp_path / folder / row["file"])[0] for folder in "ac"]
        # Levels are those of the clip alone; the spectral codec's phases, seeded per batch, are not.
        assert np.sqrt((both[0] ** 2).mean()) == pytest.approx(np.sqrt((both[1] ** 2).mean()), rel=0.05)
    assert generate(made, tmp_path / "d", noise_seed=1, **own) != rows


def test_freeing_a_control_changes_the_clips_and_fewer_are_the_first_by_hash(made, tmp_path):
    rows = {row["clip"]: row["sha256"] for row in generate(made, tmp_path / "a")}
    for feature in ("velocity", "pitch", "instrument"):
        free = {row["clip"]: row["sha256"] for row in generate(made, tmp_path / feature, free=[feature])}
        assert free.keys() == rows.keys() and not set(free.values()) & set(rows.values())
    two = [row["clip"] for row in generate(made, tmp_path / "two", clips=2)]
    assert len(two) == 2 and set(two) < set(rows)


def test_the_reference_and_the_originals_are_the_clips_themselves(made, tmp_path):
    rows = generate(made, tmp_path / "reference", "clips", split="test")
    assert len(rows) == 8
    prepared = {row["clip"]: int(row["row"]) for row in read_csv(made.prepared)}
    array = np.load(made.prepared.with_name("audio.npy"))
    for row in rows:
        audio, _ = read_audio(tmp_path / "reference" / row["file"])
        np.testing.assert_array_equal(audio[:, 0], array[prepared[row["clip"]]][: round(1.536 * RATE)] / 32768.0)
    assert json.loads((tmp_path / "reference/protocol.json").read_text())["loudness"] == {"rule": "none"}
    with pytest.raises(UserError, match=r"lasts 2\.048 s, mante2024\.generate asks for 3 s"):
        generate(made, tmp_path / "long", "clips", seconds=3.0)


def test_a_round_trip_needs_no_system_and_an_untrained_one_no_weights(made, tmp_path):
    trip = generate(made, tmp_path / "trip", "codec")
    untrained = generate(made, tmp_path / "untrained", "untrained")
    assert [row["clip"] for row in trip] == [row["clip"] for row in untrained]


def test_control_files_are_played_and_named(made, tmp_path):
    folder = tmp_path / "controls"
    folder.mkdir()
    for name, chroma in (("up", 0.9), ("free", -1)):
        row = {"time": 0, "velocity": 0.5, "chroma": chroma, "flute": 1, "reed": 0}
        write_csv(folder / f"{name}.csv", [row, row | {"time": 1.0}], list(row))
    assert [row["clip"] for row in generate(made, tmp_path / "out", controls=folder)] == ["free", "up"]
    (folder / "up.csv").write_text("time,velocity,piano\n0,1,1\n1,1,1\n")
    with pytest.raises(UserError, match=r"up\.csv: 'piano' is not a control"):
        generate(made, tmp_path / "bad", controls=folder)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match=r"holds no \.csv with controls"):
        generate(made, tmp_path / "bad", controls=empty)


def test_weights_of_another_cell_and_a_missing_format_are_one_sentence(made, tmp_path):
    other = CELL | {"network": CELL["network"] | {"base": 12}}
    with pytest.raises(UserError, match=r"weights of another network than cell edm_latents describes") as caught:
        generate(made, tmp_path, cell=other)
    assert "\n" not in str(caught.value)


def test_time_is_calls_times_a_call_and_decoding_and_every_call_is_counted(made, tmp_path):
    """NFE of M-14: 2 x steps - 1; of a chain, its steps. Stopping early must not change the count."""
    ddpm = {"cell": DDPM, "sampler": {"steps": 5, "variance": "beta", "guidance": 0.0}}
    cells = {
        "edm_latents": GENERATE,
        "ddpm_latents": GENERATE | ddpm,
        "guided": GENERATE | {"sampler": SAMPLER | {"guidance": 1.0}},
    }
    whole = {"ddpm": {"steps": None}}
    settings = {"repeats": 2, "calls": 2, "threads": 1, "dataset": "toy", "cells": cells, "whole": whole}
    speed.main(
        namespace(settings),
        made.root / "data/formats/gm_melodies",
        made.root / "models/codecs/gm_melodies",
        tmp_path / "speed.csv",
    )
    rows = read_csv(tmp_path / "speed.csv")
    assert {(row["cell"], row["calls"], row["calls_made"]) for row in rows} == {
        ("edm_latents", "5", "5"), ("ddpm_latents", "20", "5"), ("guided", "10", "10"),
    }  # fmt: skip
    assert [row["cell"] for row in rows] == list(cells) * 2, "cells take turns"
    for row in rows:
        total = int(row["calls"]) * float(row["call_seconds"]) + float(row["decode_seconds"])
        assert float(row["inference_seconds"]) == pytest.approx(total, rel=1e-4) and total > 0
    assert [path.name for path in tmp_path.iterdir()] == ["speed.csv"], "something was left behind"


def listen(made, judge, clips, out, controls="none"):
    settings = namespace({"resamples": 50, "seed": 0, "labels": {"dataset": "toy", "cell": "x", "seed": "0"}})
    folder = made.root / "none" if controls == "none" else controls
    fidelity.main(settings, clips / "index.csv", made.index.with_name("format.json"), folder, made.prepared, judge, out)
    return {(row["against"], row["metric"]): row for row in read_csv(out)}


def test_the_originals_follow_their_controls_and_not_those_of_others(made, judge, tmp_path):
    generate(made, tmp_path / "originals", "clips", split="test")
    found = listen(made, judge, tmp_path / "originals", tmp_path / "fidelity.csv")
    for metric in ("chroma_accuracy", "voicing_accuracy", "velocity_correlation"):
        own = found["own", metric]
        assert float(own["value"]) > 0.95, metric
        assert float(own["ci_low"]) <= float(own["value"]) <= float(own["ci_high"])
    assert float(found["shuffled", "chroma_accuracy"]["value"]) < 0.5
    clips = read_csv(tmp_path / "fidelity.clips.csv")
    assert len(clips) == 16 and {row["against"] for row in clips} == {"own", "shuffled"}


def test_clips_of_control_files_are_held_against_these(made, judge, tmp_path):
    folder = tmp_path / "controls"
    folder.mkdir()
    row = {"time": 0, "velocity": 0.5, "chroma": 0.9, "flute": 1, "reed": 0}
    write_csv(folder / "up.csv", [row, row | {"time": 1.536}], list(row))
    generate(made, tmp_path / "out", controls=folder)
    found = listen(made, judge, tmp_path / "out", tmp_path / "fidelity.csv", folder)
    assert {against for against, _ in found} == {"own"} and found["own", "chroma_accuracy"]["value"] != ""


def test_a_family_of_two_instruments_cannot_judge(made, judge, tmp_path):
    rows = read_csv(made.prepared)
    rows[0]["instrument"] = "piccolo"
    write_csv(tmp_path / "index.csv", rows, list(rows[0]))
    from etude.embeddings._families import FamilyJudge

    with pytest.raises(UserError, match="family 'flute' has the instruments flute, piccolo, one is expected"):
        FamilyJudge.load(judge, tmp_path / "index.csv")
    with pytest.raises(UserError, match="not found; `etude run"):
        FamilyJudge.load(tmp_path / "judge.json", made.prepared)


def test_names_of_rows_are_those_of_the_control_files():
    assert NAMES == ["velocity", "chroma", "flute", "reed"]
