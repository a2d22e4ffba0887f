"""The probes of levels that are known to hold one thing and nothing else, and the tables made of them."""

from pathlib import Path

import numpy as np
import pytest

from etude.pipeline.files import read_csv, write_csv, write_json
from etude.pipeline.stage import namespace
from stages.evaluate.probe_splits import grouped, random
from stages.evaluate.probes import COLUMNS, main
from stages.report.probe_table import main as table_main

PRINTED = Path(__file__).parents[2] / "papers/pichard2024_tables.csv"
FIT = {"epochs": 25, "patience": 25, "batch": 32, "lr": 0.01, "weight_decay": 0.0}
SETTINGS = {
    "seeds": [0, 1],
    "mlp": FIT | {"hidden": [32]},
    "bilstm": FIT | {"hidden": 8, "label_frames": 8, "clips": 0, "epochs": 40, "patience": 40, "lr": 0.03},
    "samples": 16000,
    "arrays": ["level", "refined"],
}
FAMILIES, INSTRUMENTS, PITCHES = ("bass", "flute", "reed"), 4, 30
LABELS = {"dataset": "gm_notes", "codec": "spectral", "system": "msdae", "seed": "0"}


def folder_of(path, rows, arrays, notes):
    path.mkdir(parents=True)
    write_csv(path / "index.csv", rows, list(rows[0]))
    write_csv(path / "notes.csv", notes, ["clip", "pitch", "onset", "offset", "velocity"])
    write_json(path / "protocol.json", {"sample_rate": 16000})
    for name, array in arrays.items():
        np.save(path / f"{name}.npy", array.astype(np.float32))
    return path


def note_rows(**changes):
    """Twelve instruments of three families, each at thirty pitches; the last instrument of a family is the test."""
    rows = [
        {"clip": f"{family}{k}-{pitch}", "split": "train" if k < 2 else "valid" if k == 2 else "test", "family": family}
        | {"instrument": f"{family}{k}", "pitch": str(40 + pitch), "track": ""}
        for family in FAMILIES
        for k in range(INSTRUMENTS)
        for pitch in range(PITCHES)
    ]
    return [row | changes for row in rows]


def one_hot(names, frames, rng):
    """[clips, classes, frames]: which class it is, with noise."""
    classes = sorted(set(names))
    hot = np.array([[name == one for one in classes] for name in names], dtype=float)
    return np.repeat(hot[:, :, None], frames, axis=2) + 0.05 * rng.standard_normal((len(names), len(classes), frames))


def notes_folder(path, rows):
    """4 frames hold the family, 16 the pitch; 8 hold noise, and refined8 the family."""
    rng = np.random.default_rng(0)
    family = one_hot([row["family"] or "none" for row in rows], 4, rng)
    arrays = {
        "level4": family,
        "level8": rng.standard_normal((len(rows), 5, 8)),
        "level16": one_hot([row["pitch"] or "none" for row in rows], 16, rng),
        "refined8": np.repeat(family, 2, axis=2),
    }
    return folder_of(path, rows, arrays, [])


def band_rows(tracks=30, chunks=5):
    splits = {0: "valid", 1: "test"}
    return [
        {"clip": f"t{track}-{chunk}", "split": splits.get(track % 5, "train"), "family": FAMILIES[track % 3]}
        | {"instrument": "x", "pitch": "", "track": f"t{track}"}
        for track in range(tracks)
        for chunk in range(chunks)
    ]


def band_folder(path, rows):
    """One note at a time, an eighth of a second each: level8 says which, level4 says nothing."""
    rng = np.random.default_rng(1)
    pitches = rng.integers(0, 4, (len(rows), 8))
    notes = [
        {"clip": row["clip"], "pitch": 60 + pitch, "onset": k / 8, "offset": (k + 1) / 8, "velocity": 100}
        for row, clip in zip(rows, pitches, strict=True)
        for k, pitch in enumerate(clip)
    ]
    hot = (pitches[:, None, :] == np.arange(4)[None, :, None]).astype(float)
    arrays = {"level4": rng.standard_normal((len(rows), 3, 4)), "level8": hot, "level16": np.repeat(hot, 2, axis=2)}
    return folder_of(path, rows, arrays, notes)


def probes(folder, out, labels=LABELS, **changes):
    main(namespace(SETTINGS | {"labels": labels} | changes), folder / "index.csv", folder / "notes.csv", out)
    return read_csv(out)


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    root = tmp_path_factory.mktemp("notes")
    return root, probes(notes_folder(root / "levels", note_rows()), root / "probes/msdae/0.csv")


@pytest.fixture(scope="module")
def band(tmp_path_factory):
    root = tmp_path_factory.mktemp("band")
    labels = LABELS | {"dataset": "gm_band"}
    return root, probes(band_folder(root / "levels", band_rows()), root / "probes/msdae/0.csv", labels)


def score(rows, **where):
    values = [float(row["value"]) for row in rows if all(row[key] == value for key, value in where.items())]
    assert values, where
    return float(np.mean(values))


@pytest.mark.parametrize("split", ["random", "grouped"])
def test_what_a_level_holds_is_found_in_it_and_nowhere_else(notes, split):
    _, rows = notes
    assert list(rows[0]) == COLUMNS
    found = {
        (attribute, frames): score(rows, attribute=attribute, frames=frames, split=split, kind="probe", input="h")
        for attribute in ("pitch", "instrument")
        for frames in ("4", "8", "16")
    }
    assert found["instrument", "4"] == 1.0 and found["pitch", "16"] > 0.9
    assert found["pitch", "4"] < 0.15 and found["pitch", "8"] < 0.15
    assert found["instrument", "8"] < 0.55 and found["instrument", "16"] < 0.55


def test_floors_and_controls_stand_beside_them(notes):
    _, rows = notes
    grouped_rows = [row for row in rows if row["split"] == "grouped"]
    assert score(grouped_rows, attribute="instrument", kind="majority") == pytest.approx(1 / 3)
    assert score(grouped_rows, attribute="pitch", kind="majority") == pytest.approx(1 / PITCHES)
    assert score(rows, attribute="pitch", kind="shuffled", frames="16") < 0.3
    assert score(rows, attribute="instrument", kind="probe", input="refined") == 1.0
    sizes = {
        (row["n_train"], row["n_valid"], row["n_test"], row["classes"])
        for row in grouped_rows
        if row["attribute"] == "pitch"
    }
    assert sizes == {("180", "90", "90", "30")}


def test_every_probe_seed_is_a_row_and_a_repetition_the_same_bytes(notes, tmp_path):
    root, rows = notes
    seeds = [row["probe_seed"] for row in rows if (row["kind"], row["frames"], row["input"]) == ("probe", "4", "h")]
    assert seeds == ["0", "1"] * 4  # two attributes, two splits
    probes(root / "levels", tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (root / "probes/msdae/0.csv").read_bytes()


@pytest.mark.parametrize("split", ["random", "grouped"])
def test_melody_is_read_from_the_level_that_has_it(band, split):
    _, rows = band

    def of(**where):
        return score(rows, attribute="melody", split=split, **where)

    assert of(metric="bce", frames="8", kind="probe") < 0.1 * of(metric="bce", kind="prior")
    assert of(metric="bce", frames="16", kind="probe") < 0.1 * of(metric="bce", kind="prior")
    assert of(metric="bce", frames="4", kind="probe") == pytest.approx(of(metric="bce", kind="prior"), rel=0.05)
    assert of(metric="bce", frames="8", kind="shuffled") == pytest.approx(of(metric="bce", kind="prior"), rel=0.05)
    # One of four pitches sounds: the marginals of those, and nothing for the 124 others.
    truth = 4 / 128 * (0.25 * np.log(4) + 0.75 * np.log(4 / 3))
    assert of(metric="bce", kind="prior") == pytest.approx(truth, rel=0.05)
    assert of(metric="bce", kind="entropy") == pytest.approx(1 / 128 * np.log(128) + 127 / 128 * np.log(128 / 127))
    assert of(metric="frame_f1", frames="8", kind="probe") > 0.99 > of(metric="frame_f1", frames="4", kind="probe")
    assert of(metric="average_precision", frames="8", kind="probe") > 0.99


def test_stems_are_asked_for_melody_and_notes_for_pitch(notes, band):
    assert {row["attribute"] for row in notes[1]} == {"pitch", "instrument"}
    assert {row["attribute"] for row in band[1]} == {"melody", "instrument"}


def test_a_data_set_without_labels_says_so(tmp_path):
    rows = probes(notes_folder(tmp_path / "levels", note_rows(family="", pitch="")), tmp_path / "p.csv")
    assert {(row["attribute"], row["note"], row["value"]) for row in rows} == {
        ("melody", "no labels", ""),
        ("instrument", "no labels", ""),
    }


def test_a_split_without_clips_says_so(tmp_path):
    """One instrument alone is on one side, whichever."""
    rows = [row | {"instrument": "only"} for row in note_rows() if row["split"] == "train"]
    found = probes(notes_folder(tmp_path / "levels", rows), tmp_path / "p.csv", seeds=[0])
    notes = {split: {row["note"] for row in found if row["split"] == split} for split in ("random", "grouped")}
    assert notes["random"] == {""}
    assert len(notes["grouped"]) == 1 and notes["grouped"].pop().count("no clips in") == 2


def test_a_class_with_one_clip_and_a_single_class_are_no_errors(tmp_path):
    rows = note_rows()
    rows[0] = rows[0] | {"family": "alone"}
    found = probes(notes_folder(tmp_path / "a", rows), tmp_path / "a.csv", seeds=[0])
    assert score(found, attribute="instrument", frames="4", split="grouped", kind="probe") > 0.98
    one = probes(notes_folder(tmp_path / "b", note_rows(family="reed")), tmp_path / "b.csv", seeds=[0])
    assert (
        score(one, attribute="instrument", kind="probe") == 1.0 == score(one, attribute="instrument", kind="majority")
    )


def test_the_random_split_is_of_clips_and_the_grouped_one_of_instruments():
    rows = note_rows()
    parts = random(rows)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(rows)))
    assert 0.7 < len(parts["train"]) / len(rows) < 0.9
    instruments = {name: {rows[k]["instrument"] for k in clips} for name, clips in parts.items()}
    assert instruments["test"] <= instruments["train"]
    assert {rows[k]["split"] for k in grouped(rows)["test"]} == {"test"}


def test_a_leaking_split_of_the_data_set_is_not_taken_for_the_grouped_one():
    rows = [row | {"split": ("train", "valid", "test")[k % 3]} for k, row in enumerate(note_rows())]
    groups = {name: {rows[k]["instrument"] for k in clips} for name, clips in grouped(rows).items()}
    assert not groups["train"] & (groups["valid"] | groups["test"])
    by_track = [row | {"track": row["instrument"], "instrument": "same"} for row in note_rows()]
    assert {by_track[k]["split"] for k in grouped(by_track)["test"]} == {"test"}


# --- the tables


def tables(root, rows, dataset, table, more=()):
    folder = root / "evaluated"
    for k, found in enumerate([rows, *more]):
        write_csv(folder / f"{k}.csv", found, COLUMNS)
    grid = {"datasets": [dataset], "codecs": ["spectral"], "systems": ["msdae"], "seeds": [0, 1]}
    settings = {"grid": grid, "datasets": [dataset], "table": table, "scale": "laptop", "variant": "corrected"}
    settings |= {"probe_seeds": [0, 1], "metric_code": "abc"}
    main_out = root / f"table{table}"
    table_main(namespace(settings), folder, PRINTED, main_out.with_suffix(".csv"), main_out.with_suffix(".md"))
    return read_csv(main_out.with_suffix(".csv")), main_out.with_suffix(".md").read_text()


def test_table_2_has_both_splits_floors_and_ceiling(notes, tmp_path):
    _, rows = notes
    again = [
        row | {"seed": "1", "value": row["value"] and float(row["value"]) / 2} for row in rows if row["kind"] == "probe"
    ]
    untrained = [row | {"system": "untrained_msdae"} for row in rows if row["kind"] == "probe" and row["input"] == "h"]
    codec = [row | {"system": "codec", "input": "codec", "frames": "32"} for row in rows if row["frames"] == "16"]
    found, page = tables(tmp_path, rows, "gm_notes", "2", (again, untrained, codec))
    cells = {(row["panel"], row["row"], row["metric"], row["place"]): row for row in found}
    assert {panel for panel, *_ in cells} == {"random", "grouped"}
    coarse = cells["grouped", "msdae", "instrument_probe_accuracy", "4"]
    assert float(coarse["value"]) == pytest.approx(75) and coarse["n"] == "4"
    # Student: four runs of 100, 100, 50, 50
    half = 3.182446 * np.std([100, 100, 50, 50], ddof=1) / 2
    assert float(coarse["ci_high"]) - 75 == pytest.approx(half, rel=1e-4)
    assert (coarse["printed_coarse"], coarse["printed_fine"]) == ("97", "94")
    kinds = {row["row"]: row["kind"] for row in found}
    assert kinds == {
        "msdae": "system",
        "msdae, refined": "system",
        "untrained_msdae": "floor",
        "shuffled": "floor",
        "majority": "floor",
    }
    refined = cells["grouped", "msdae, refined", "instrument_probe_accuracy", "4"]
    assert refined["value"] == coarse["value"], "the coarsest level is its own sum"
    assert cells["random", "msdae", "pitch_probe_accuracy", "codec"]["printed_coarse"] == "97"
    assert "msdae, h̃" in page and "Scale laptop, variant corrected, probe code abc." in page


def test_table_3_has_the_thesiss_measure_and_two_more(band, tmp_path):
    _, rows = band
    found, page = tables(tmp_path, rows, "gm_band", "3")
    panels = {row["panel"]: {r["metric"] for r in found if r["panel"] == row["panel"]} for row in found}
    assert panels["random"] == {"melody_probe_bce", "instrument_probe_accuracy"}
    assert panels["random, further"] == {"melody_probe_frame_f1", "melody_probe_average_precision"}
    bce = next(r for r in found if (r["panel"], r["row"], r["place"]) == ("random", "msdae", "8"))
    assert bce["unit"] == "nats" and bce["direction"] == "lower" and bce["printed_coarse"] == "0.006"
    assert "floor: each pitch as often as in training" in page and "entropy" in {row["row"] for row in found}


def test_a_table_without_labels_says_so(tmp_path):
    rows = probes(notes_folder(tmp_path / "levels", note_rows(family="", pitch="")), tmp_path / "p.csv")
    found, page = tables(tmp_path, rows, "gm_notes", "2")
    assert {row["note"] for row in found} == {"no labels"} and "no labels" in page
