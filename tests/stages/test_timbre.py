"""The timbre judge: it learns, it says what it is worth, it survives odd data."""

import json
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest

from etude.audio.clips import clip_ids
from etude.audio.files import write_audio
from etude.errors import UserError
from etude.pipeline.files import read_csv, sha256_file, write_csv
from stages.judge.segments import Segments, Triplets, of_dataset, of_folder
from stages.judge.timbre import timbre

SETTINGS = {
    "steps": 80, "batch": 8, "lr": 0.001, "hard": 0.5, "clips": 60, "triplets": 200, "positive": "instrument",
    "mixing_secrets": None, "seed": 0,
}  # fmt: skip


def run(index, out, **changes):
    timbre(SimpleNamespace(**SETTINGS | changes), index, out / "timbre.json")
    return json.loads((out / "timbre.json").read_text())


def test_it_learns_and_compares_itself_with_what_costs_nothing(prepared_set, tmp_path):
    index = prepared_set()
    facts = run(index, tmp_path / "a")
    assert facts["weights_sha256"] == sha256_file(tmp_path / "a/weights.safetensors") != facts["untrained_sha256"]
    validation = facts["validation"]
    assert set(validation) == {"trained", "untrained", "mean_mfcc"}
    assert validation["trained"]["auc"] > 0.8
    assert validation["trained"]["hard_accuracy"] > validation["untrained"]["hard_accuracy"]
    assert validation["trained"]["other_instrument"] < validation["untrained"]["other_instrument"]
    assert set(validation["trained"]["negatives_share"]) <= {"pitch and family", "pitch", "family", "nothing"}
    assert facts["trained_on"] == {index.parent.name: len(clip_ids(index, "train"))}
    again = run(index, tmp_path / "b")
    assert again == facts


def segments(instrument, family, pitch, song=None) -> Segments:
    return Segments(np.zeros((len(pitch), 12, 1), np.float32), instrument, family, pitch, song or [""] * len(pitch))


def test_hard_negatives_share_pitch_and_family_where_there_are_some():
    found = Triplets(
        segments(["a", "a", "b", "b", "c", "c"], ["x", "x", "x", "x", "y", "y"], ["60", "61", "60", "62", "61", "63"])
    ).hardest(Random(0), 300)
    for (anchor, positive, negative), shared in found:
        assert "aabbcc"[anchor] == "aabbcc"[positive] != "aabbcc"[negative] and anchor != positive
        expected = {0: "pitch and family", 1: "pitch", 2: "pitch and family", 3: "family", 4: "pitch", 5: "nothing"}
        assert shared == expected[anchor]
        if shared == "pitch and family":
            assert {anchor, negative} == {0, 2}


def test_anchors_and_positives_can_be_held_out():
    held = Triplets(segments(["a", "a", "b", "b", "c", "c"], [""] * 6, ["60"] * 6), first=2).hardest(Random(0), 200)
    assert {i for (anchor, positive, _), _ in held for i in (anchor, positive)} == {2, 3, 4, 5}
    assert {negative for (*_, negative), _ in held} == set(range(6))


def test_negatives_are_of_another_song_where_songs_are_known():
    triplets = Triplets(segments(["1", "1", "2", "3", "3"], [""] * 5, [""] * 5, ["s", "s", "s", "t", "t"]))
    generator = Random(0)
    for _ in range(200):
        anchor, _, negative = triplets.draw(generator, 0.5)
        assert "ssstt"[anchor] != "ssstt"[negative]


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ({"instrument": ["a", "b"], "family": ["", ""], "pitch": ["", ""]}, "needs two instruments"),
        ({"instrument": ["a", "a"], "family": ["", ""], "pitch": ["", ""]}, "needs two instruments"),
        (
            {"instrument": ["a", "a", "b"], "family": [""] * 3, "pitch": [""] * 3, "song": ["s", "s", "s"]},
            "no clip of another instrument",
        ),
    ],
)
def test_too_little_to_compare_is_one_sentence(labels, says):
    with pytest.raises(UserError, match=says):
        Triplets(segments(**labels)).draw(Random(0), 0.0)


def test_what_makes_an_instrument_is_the_label_or_the_recording(prepared_set):
    index = prepared_set()
    assert set(of_dataset(index, ("valid",), 0, "instrument").instrument) == {"flute", "reed", "string"}
    rows = read_csv(index)
    for k, row in enumerate(rows):  # now every two clips are cut from one file
        row["source"] = f"file{k // 2}"
    write_csv(index, rows, list(rows[0]))
    assert set(of_dataset(index, ("train",), 0, "file").instrument) <= {row["source"] for row in rows}
    for k, row in enumerate(rows):
        row["source"] = f"file{k}"
    write_csv(index, rows, list(rows[0]))
    assert set(of_dataset(index, ("train",), 0, "file").instrument) <= {"flute", "reed", "string"}


def multitrack(folder, songs=2):
    rng = np.random.default_rng(0)
    for song in range(songs):
        (folder / f"song{song}").mkdir(parents=True)
        for name, level in {"bass": 0.1, "lead": 0.1, "drums_overhead": 0.1, "unused": 0.0}.items():
            write_audio(folder / f"song{song}" / f"{name}.wav", level * rng.normal(size=20 * 4000), 4000)
    return folder


def test_multitracks_give_segments_of_single_sounding_instruments(tmp_path, prepared_set):
    found = of_folder(multitrack(tmp_path / "multi"), 0)
    assert set(found.instrument) == {f"song{k}/{name}.wav" for k in (0, 1) for name in ("bass", "lead")}
    assert len(found) == 4 * 2  # two whole segments of 8 s in 20 s
    facts = run(prepared_set(), tmp_path / "out", mixing_secrets=str(tmp_path / "multi"), steps=3)
    assert facts["trained_on"]["mixing_secrets"] == 8


def test_a_folder_without_songs_is_one_sentence(tmp_path, prepared_set):
    index = prepared_set()
    with pytest.raises(UserError, match="1 songs with sounding files found"):
        run(index, tmp_path / "out", mixing_secrets=str(multitrack(tmp_path / "one", songs=1)))
    with pytest.raises(UserError, match="no such folder"):
        run(index, tmp_path / "out", mixing_secrets=str(tmp_path / "none"))
    assert not (tmp_path / "out/timbre.json").exists()
