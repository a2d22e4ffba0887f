"""Figures 18-21 from tables: the same bytes every time, numbers above, sentences where nothing is to see."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml

from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import namespace
from stages.evaluate.projection import COLUMNS
from stages.report import figures, figures_table

ROOT = Path(__file__).parents[2]
PAPER = ROOT / "papers/pichard2024.yaml"
FAMILIES = [f"family{k:02d}" for k in range(11)]
SETTINGS = {"number": "19", "system": "msdae", "dataset": "gm_notes", "seed": 0, "split": "test", "scale": "laptop"}


def points(note: str = "", pitch: bool = True) -> list[dict]:
    rng = np.random.default_rng(0)
    return [
        {"frames": frames, "clip": f"c{k}", "x": "" if note else rng.normal(), "y": "" if note else rng.normal(),
         "pitch": 40 + k if pitch else "", "instrument": FAMILIES[k % 11], "note": note}
        for frames in (4, 8, 16)
        for k in range(33)
    ]  # fmt: skip


def numbers(value: float | str = 0.5, note: str = "") -> list[dict]:
    place = {"dataset": "gm_notes", "codec": "spectral", "system": "msdae", "seed": 0}
    rows = []
    for frames in (4, 8, 16):
        keys = [(lab, s, m) for lab in ("pitch", "instrument") for s in ("latent", "plane")
                for m in ("knn_purity", "knn_purity_across", "silhouette")]  # fmt: skip
        for label, space, metric in [*keys, ("", "plane", "trustworthiness")]:
            found = {"label": label, "space": space, "metric": metric, "value": value, "floor": value and 0.1}
            rows.append({**place, "frames": frames, **found, "n": 33, "note": note})
    return rows


def draw(folder: Path, places: list[dict], found: list[dict]) -> tuple[bytes, bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "places.csv", places, list(places[0]))
    write_csv(folder / "numbers.csv", found, COLUMNS)
    svg, png = folder / "figure.svg", folder / "figure.png"
    figures.main(namespace(SETTINGS), folder / "places.csv", folder / "numbers.csv", PAPER, svg, png)
    return svg.read_bytes(), png.read_bytes()


def test_the_same_tables_give_the_same_bytes_and_no_date(tmp_path):
    svg, png = draw(tmp_path / "a", points(), numbers())
    assert (svg, png) == draw(tmp_path / "b", points(), numbers())
    assert png.startswith(b"\x89PNG") and b"<svg" in svg and b"<dc:date>" not in svg
    assert hashlib.sha256(svg).digest() != hashlib.sha256(draw(tmp_path / "c", points(), numbers(0.6))[0]).digest()


def test_no_two_instruments_look_alike_and_colours_differ_in_the_grey_of_a_copy():
    styles = [tuple(figures._style(k).values()) for k in range(40)]
    assert len(set(styles)) == 40
    assert len({marker for _, marker in styles[:11]}) == 11, "eleven families, eleven shapes: no colour is needed"
    assert len({colour for colour, _ in styles[:12]}) == 12


def texts(places: list[dict], found: list[dict]) -> list[str]:
    as_read = [[{key: str(value) for key, value in row.items()} for row in table] for table in (places, found)]
    figure = figures.draw(*as_read, "heading")
    return [text.get_text() for axes in figure.axes for text in [axes.title, axes._left_title, *axes.texts]]


def test_numbers_stand_above_their_panels():
    said = texts(points(), numbers())
    assert sum("10-NN agreement 0.50 / 0.50, chance 0.10" in text for text in said) == 6
    assert sum("silhouette 0.50 / 0.50" in text for text in said) == 6
    assert sum("trustworthiness 0.50" in text for text in said) == 3
    assert [text.split("\n")[0] for text in said if "frames" in text][3] == "4 frames (h₁, coarse)"


@pytest.mark.parametrize(
    ("places", "found", "sentence", "panels"),
    [
        (points(note="this level is the same for all clips: it carries nothing"), numbers("", "x"), "it carries", 6),
        (points(pitch=False), numbers(), "no pitch labels", 3),
    ],
    ids=["flat", "no labels"],
)
def test_where_nothing_is_to_see_a_sentence_stands_in_the_panel(places, found, sentence, panels):
    said = " ".join(texts(places, found)).replace("\n", " ")
    assert said.count(sentence) == panels


def test_every_figure_of_the_paper_is_named_once():
    paper = yaml.safe_load(PAPER.read_text(encoding="utf-8"))
    shown = {number: (cell["row"], cell["dataset"]) for number, cell in paper["figures"].items()}
    assert shown == {
        "18": ("HDAE", "Slakh"), "19": ("Ours", "NSynth"), "20": ("Ours", "Slakh"), "21": ("HDAE", "NSynth"),
    }  # fmt: skip


def table(tmp_path: Path, values: dict[int, float | str], note: str = ""):
    for seed, value in values.items():
        path = tmp_path / "evaluate/gm_notes/spectral/msdae" / f"{seed}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_csv(path, numbers(value, note), COLUMNS)
    cell = {"dataset": "gm_notes", "codec": "spectral", "system": "msdae", "seed": 0}
    settings = {
        "figures": {"19": cell}, "seeds": sorted(values), "scale": "laptop", "variant": "corrected", "split": "test",
        "metric_code": "abc", "neighbours": 15, "min_dist": 0.1, "agreement": 10,
    }  # fmt: skip
    figures_table.main(namespace(settings), tmp_path / "evaluate", PAPER, tmp_path / "f.csv", tmp_path / "f.md")
    return read_csv(tmp_path / "f.csv"), (tmp_path / "f.md").read_text(encoding="utf-8")


def test_the_table_averages_seeds_and_gives_their_interval(tmp_path):
    rows, read = table(tmp_path, {0: 0.4, 1: 0.6})
    first = rows[0]
    assert (float(first["value"]), first["floor"], first["paper_row"]) == (pytest.approx(0.5), "0.1", "Ours")
    assert float(first["seed_low"]) == pytest.approx(0.5 - 12.706 * 0.1, abs=1e-3)
    assert "![Figure 19](figure19.png)" in read and "0.50 (-0.77 .. 1.77)" in read


def test_a_level_that_carries_nothing_is_a_dash_and_a_sentence(tmp_path):
    rows, read = table(tmp_path, {0: ""}, "it carries nothing")
    assert rows[0]["value"] == "" and "| –" in read
    assert "- pitch: it carries nothing (4, 8, 16 frames)" in read
