"""What the pages are made of: plans, tables, claims, curves, sounds."""

import io
import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import soundfile
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from etude.errors import UserError
from etude.pipeline.files import read_csv, sha256_file, write_csv
from etude.pipeline.stage import namespace
from etude.pipeline.workflow import files_of
from stages.report import sounds, spectrogram, verdicts
from stages.report.pages import claims as claims_view
from stages.report.pages import render
from stages.report.pages.curves import curves, points
from stages.report.pages.plan import Plan, specifications
from stages.report.pages.tables import clear_of, panels, show
from stages.report.paper import Paper
from stages.report.paper_table import Column, Line, Panel, Value, tidy
from tests.stages.report.site import PRINTED

PARAMS = {"grid": {"datasets": ["a", "b"], "systems": ["x", "y"], "seeds": [3, 4]}}
OVER = {"dataset": "grid.datasets", "system": "grid.systems", "seed": "grid.seeds"}


# --- plans


def test_words_are_filled_in_from_the_grid():
    page = {"over": OVER, "curves": ["m/{dataset}/{system}/{seed}/loss.csv"]}
    found = Plan(page, PARAMS, "runs/").curves()
    assert len(found) == 8 and found[0]["path"] == "runs/m/a/x/3/loss.csv"
    assert found[-1] == {"dataset": "b", "system": "y", "seed": "4", "path": "runs/m/b/y/4/loss.csv"}


def test_sounds_are_those_of_the_first_seed_and_one_data_set():
    listen = [{"title": "T", "sets": {"codec": "d/{dataset}/0", "{system}": "d/{dataset}/{system}/{seed}"}}]
    (group,) = Plan({"over": OVER, "listen": listen}, PARAMS).listen("b")
    assert group["sets"] == [
        {"label": "codec", "folder": "d/b/0"},
        {"label": "x", "folder": "d/b/x/3"},
        {"label": "y", "folder": "d/b/y/3"},
    ]


def test_labels_that_do_not_tell_sets_apart_get_what_does():
    listen = [{"title": "T", "sets": {"round trip": "d/{dataset}/{system}"}}]
    (group,) = Plan({"over": OVER, "listen": listen}, PARAMS).listen("a")
    assert [one["label"] for one in group["sets"]] == ["round trip (x)", "round trip (y)"]


def test_a_mapping_of_params_gives_its_keys():
    plan = Plan({"over": {"cell": "m.cells"}, "curves": ["{cell}.csv"]}, {"m": {"cells": {"p": {}, "q": {}}}})
    assert [one["path"] for one in plan.curves()] == ["p.csv", "q.csv"]


CELLS = {
    "a": {"format": "x", "seconds": None},
    "b": {"format": "x", "seconds": 8.0},
    "c": {"format": "y", "seconds": None},
}


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"of": "m.cells"}, ["a", "b", "c"]),
        ({"of": "m.cells", "where": {"format": "x", "seconds": None}}, ["a"]),
        ({"of": "m.cells", "unless": {"seconds": None}}, ["b"]),
        ({"of": "m.cells", "unless": {"seconds": None}, "take": "seconds"}, ["8"]),
        ({"of": "m.cells", "take": "format"}, ["x", "y"]),
        ({"of": "m.cells", "among": "m.some", "where": {"format": "y"}}, ["c"]),
        ("m.one", ["4"]),
        ("m.half", ["0p5"]),
        ("m.many", ["10", "0p5"]),
    ],
)
def test_words_can_be_chosen_among_the_entries_of_a_mapping(where, words):
    mine = {"m": {"cells": CELLS, "some": ["b", "c"], "one": 4.0, "half": 0.5, "many": [10.0, 0.5]}}
    assert Plan({"over": {"word": where}}, mine).words["word"] == words


def test_a_group_without_sets_is_left_out_and_controls_are_the_first_words():
    over = {"none": {"of": "m.cells", "where": {"format": "z"}}, "format": {"of": "m.cells", "take": "format"}}
    listen = [
        {"title": "N", "sets": {"{none}": "d/{none}"}},
        {"title": "T", "sets": {"t": "d/t"}, "controls": {"format": "f/{format}", "files": "papers/c"}},
    ]
    (group,) = Plan({"over": over, "listen": listen}, {"m": {"cells": CELLS}}, "runs/").listen("a")
    assert group["controls"] == {"format": "runs/f/x", "files": "papers/c"}


def test_curves_in_figures_of_their_own():
    page = {"over": OVER, "curves": {"one": "m/{dataset}/{seed}/loss.csv", "two": "t/{system}/loss.csv"}}
    found = Plan(page, PARAMS).curves()
    assert [one["figure"] for one in found] == ["one"] * 4 + ["two"] * 2


@pytest.mark.parametrize(
    ("page", "word"),
    [
        ({"curve": []}, "'curve'"),
        ({"over": {"a": {"of": "x", "were": {}}}}, "'were'"),
        ({"over": OVER, "curves": {"t": "{systm}.csv"}}, "'systm'"),
        ({"listen": [{"title": "T", "sets": {}, "controls": {"formats": "x"}}]}, "'formats'"),
        ({"over": OVER, "curves": ["{systm}.csv"]}, "'systm'"),
        ({"listen": [{"title": "T", "set": {}, "sets": {}}]}, "'set'"),
    ],
)
def test_a_misspelt_specification_is_one_sentence(tmp_path, page, word):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"page": page}))
    (tmp_path / "overview.yaml").write_text("{}")
    with pytest.raises(UserError, match=word):
        specifications(tmp_path, tmp_path / "overview.yaml")


def test_what_params_lack_is_one_sentence():
    with pytest.raises(UserError, match=r"params.yaml has no grid.cells"):
        Plan({"over": {"cell": "grid.cells"}}, PARAMS)


def test_files_behind_a_collector():
    assert files_of(["a", lambda w: ["b", lambda w: "c"], ("d",)]) == ["a", "b", "c", "d"]


# --- tables


def table(cells, lines, columns, number="2"):
    paper = Paper.load(PRINTED)
    rows = tidy(paper, number, [Panel("random", "gm_notes", "spectral", lines, columns, cells)])
    return [{key: str(text) for key, text in row.items()} for row in rows]


PLACES = [Column("pitch_probe_accuracy", "gm_notes", place) for place in ("4", "8", "16")]
LINES = [Line("hdae"), Line("msdae"), Line("shuffled", "floor", "floor: labels of other clips")]
LINES += [Line("untrained_msdae", "floor", "floor: msdae untrained"), Line("codec", "ceiling", "ceiling: round trip")]


def one_panel():
    cells = {("hdae", PLACES[0]): Value(50, 48, 52, 6), ("msdae", PLACES[0]): Value(50, 48, 52, 6)}
    cells |= {("shuffled", PLACES[0]): Value(2.0), ("untrained_msdae", PLACES[0]): Value(70.0)}
    cells |= {("codec", PLACES[0]): Value(98.0), ("msdae", PLACES[1]): Value(note="no labels")}
    (panel,) = panels(table(cells, LINES, PLACES))
    return panel


def test_a_cell_stands_beside_what_is_printed_and_its_bounds():
    cell = one_panel().lines[0].cells[0]
    assert (cell.text, cell.interval, cell.printed) == ("50", "48 – 52", ["96 h1", "8 h3"])
    assert cell.floors == [("labels of other clips", "2")] and cell.ceilings == [("round trip", "98")]
    assert cell.scale["floor"] == [4] and cell.scale["ceiling"] == [96] and 4 < cell.scale["at"] < 96
    assert cell.sentence.startswith("50; 95 % from 48 to 52; printed 96 h1, or 8 h3; better than every floor")


def test_a_system_is_not_held_against_another_ones_floor():
    """hdae: 50 against 2 of chance; msdae: also against its own untrained network, 70."""
    hdae, msdae = (one_panel().lines[k].cells[0] for k in (0, 1))
    assert (hdae.verdict, msdae.verdict) == (verdicts.HOLDS, verdicts.FAILS)


def test_a_further_row_of_a_system_is_held_against_that_systems_floor():
    lines = [Line("msdae"), Line("msdae, refined", system="msdae"), Line("untrained_msdae", "floor", "untrained")]
    cells = {(line.key, PLACES[0]): Value(50, 48, 52) for line in lines[:2]} | {(lines[2].key, PLACES[0]): Value(70.0)}
    (panel,) = panels(table(cells, lines, PLACES))
    assert [line.cells[0].verdict for line in panel.lines] == [verdicts.FAILS, verdicts.FAILS, ""]


def test_a_cell_without_a_number_says_why_and_an_empty_one_is_none():
    panel = one_panel()
    assert panel.lines[1].cells[1].text == "no labels" and panel.lines[1].cells[1].verdict == ""
    assert panel.lines[0].cells[1] is None


def test_headings_are_grouped_by_metric():
    columns = [*PLACES[:2], Column("instrument_probe_accuracy", "gm_notes", "4")]
    cells = {("hdae", column): Value(1.0) for column in columns}
    (panel,) = panels(table(cells, LINES, columns))
    assert panel.groups == [("pitch, %", 2), ("instrument, %", 1)] and panel.firsts == {0, 2}
    assert panel.places == ["4 frames", "8 frames", "4 frames"]


def test_the_noise_of_the_measure_is_no_floor_to_clear():
    columns = [Column("FAD_CLAP", "gm_notes")]
    lines = [
        Line("hdae"),
        Line("halves", "floor", "floor: halves"),
        Line("untrained_hdae", "floor", "floor: untrained"),
    ]
    cells = {("hdae", columns[0]): Value(30, 25, 35), ("halves", columns[0]): Value(0.2)}
    cells["untrained_hdae", columns[0]] = Value(500.0)
    (panel,) = panels(table(cells, lines, columns, "1"))
    assert panel.lines[0].cells[0].verdict == verdicts.HOLDS


def test_one_seed_decides_nothing():
    assert clear_of(Value(5.0), [Value(1.0)], lower=False) == verdicts.OPEN
    assert clear_of(Value(5.0), [], lower=False) == ""


@given(st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-3))
def test_numbers_are_shown_to_three_digits_without_exponents(value):
    text = show(value)
    assert "e" not in text
    assert float(text.replace("−", "-")) == pytest.approx(value, rel=6e-3)


# --- claims


def claim(name, verdict, **more):
    row = dict.fromkeys(("panel", "reading", "ci_low", "ci_high", "ours", "printed", "printed_supports"), "")
    row |= {"claim": name, "says": f"claim {name}", "table": "2", "dataset": "d", "verdict": verdict}
    row |= {"statistic": "lead", "value": "1"}
    return row | more


def test_a_claim_holds_if_all_its_lines_do():
    found = claims_view.claims(
        [
            claim("1", "holds"),
            claim("1", "holds"),
            claim("2", "holds", reading="coarse"),
            claim("2", "fails", reading="fine"),
            claim("3", "not measured"),
            claim("4", "not measured"),
            claim("4", "fails"),
        ]
    )
    assert [one.verdict for one in found] == ["holds", "depends", "not measured", "fails"]
    assert found[1].counts == [("holds", 1), ("fails", 1)]
    kinds = {verdict: len(mine) for verdict, mine in claims_view.summary(found)}
    assert kinds == {"holds": 1, "fails": 1, "cannot tell": 0, "depends": 1, "not measured": 1}


# --- curves


def test_steps_count_on_through_the_stages(tmp_path):
    rows = [{"stage": s, "step": k, "loss": 1 / s} for s in (1, 2, 3) for k in (50, 100)]
    write_csv(tmp_path / "loss.csv", rows, ["stage", "step", "loss"])
    one = {"dataset": "d", "system": "x", "seed": "0", "path": str(tmp_path / "loss.csv")}
    assert [point["step"] for point in points(one)] == [50, 100, 150, 200, 250, 300]
    (figure,) = curves([one])
    assert "x, seed 0: from 1 to 0.333" in figure["says"]
    assert ElementTree.fromstring(figure["svg"]).tag.endswith("svg") and "var(--s1)" in figure["svg"]


# --- sounds


def test_a_sine_of_full_scale_is_the_darkest_there_is():
    """0 dB whatever the band, silence is white, and a tone an octave higher lies higher."""
    time = np.arange(32000) / 16000
    tops = []
    for frequency in (500.0, 1000.0, 4000.0):
        levels = spectrogram.levels(np.sin(2 * np.pi * frequency * time), 16000, 100)
        middle = levels[:, 50]
        assert middle.max() == pytest.approx(1.0, abs=0.05)
        tops.append(int(middle.argmax()))
    assert tops == sorted(set(tops))
    assert spectrogram.levels(np.zeros(32000), 16000).max() == 0.0


def test_a_picture_is_as_wide_as_the_clip_is_long():
    sizes = [Image.open(io.BytesIO(spectrogram.picture(np.zeros(n * 16000), 16000))).size for n in (1, 3, 60)]
    assert sizes == [(160, 96), (240, 96), (420, 96)]


@pytest.mark.parametrize("rate", [16000, 44100, 51200])
def test_points_sound_as_mp3(rate):
    sound = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate * 2) / rate)
    decoded, found = soundfile.read(io.BytesIO(sounds.mp3(sound, rate)))
    assert found == (rate if rate <= 48000 else 48000)
    assert len(decoded) / found == pytest.approx(2.0, abs=0.15)
    spectrum = np.abs(np.fft.rfft(decoded * np.hanning(len(decoded))))
    assert np.argmax(spectrum) * found / len(decoded) == pytest.approx(440, abs=1)


@pytest.mark.parametrize(("pitch", "name"), [("60", "C4"), ("69", "A4"), ("36", "C2"), ("", ""), ("n", "")])
def test_names_of_notes(pitch, name):
    assert sounds.pitch_name(pitch) == name


def test_the_same_clips_of_every_set_byte_for_byte(prepared_set, generated_set, sines, tmp_path):
    index = prepared_set()
    names = list(sines)[:20]
    folders = []
    for k in range(2):
        made = {clip: sines[clip] * 0.5 for clip in names[k : k + 15]}
        folders.append(generated_set(made, f"data/set{k}").parent)
    group = {"title": "T", "originals": {"original": "clip"}, "where": {},
             "sets": [{"label": f"set{k}", "folder": str(folder)} for k, folder in enumerate(folders)]}  # fmt: skip
    settings = namespace({"clips": 4, "sounding": 5, "groups": [group], "points": []})
    out = tmp_path / "assets/index.csv"
    sounds.main(settings, index, out)
    rows = read_csv(out)
    assert len(rows) == 4 * 3 and len({row["clip"] for row in rows}) == 4
    assert {row["clip"] for row in rows} <= set(names[1:15])
    for row in rows:
        assert (out.parent / row["picture"]).exists()
        if row["label"] == "set0":
            assert sha256_file(out.parent / row["file"]) == sha256_file(folders[0] / f"{row['clip']}.flac")
    first = {path.name: sha256_file(path) for path in out.parent.rglob("*") if path.is_file()}
    sounds.main(settings, index, out)
    assert first == {path.name: sha256_file(path) for path in out.parent.rglob("*") if path.is_file()}


def test_a_changed_file_is_refused(prepared_set, generated_set, sines, tmp_path):
    index = generated_set({"flute-50": sines["flute-50"]}, "data/one")
    (index.parent / "flute-50.flac").write_bytes(b"other")
    sets = [{"label": "one", "folder": str(index.parent)}]
    groups = [{"title": "T", "originals": {}, "where": {}, "sets": sets}]
    settings = namespace({"clips": 1, "sounding": 1, "points": [], "groups": groups})
    with pytest.raises(UserError, match="changed after its index was written"):
        sounds.main(settings, prepared_set(), tmp_path / "out/index.csv")
    assert not (tmp_path / "out").exists()


# --- HTML


def test_data_cannot_leave_its_script():
    text = str(render.data({"a": "</script><!-- b"}))
    assert "</script" not in text and "<!--" not in text
    assert json.loads(text) == {"a": "</script><!-- b"}


def test_markdown_of_a_table_is_text():
    html = str(render.markdown("# T\n\n| a | b |\n| --- | --- |\n| <b>1</b> | 2 |\n"))
    assert "<b>" not in html and 'scope="col"' in html and "<h1>" not in html
