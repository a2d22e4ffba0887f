"""A finished report of small sets of sines, made by the stages themselves: all that a page shows is there."""

from pathlib import Path

import numpy as np

from etude.audio.clips import clip_ids
from etude.audio.files import to_float
from etude.pipeline.files import read_csv, write_csv, write_json
from etude.pipeline.stage import namespace
from etude.versions.provenance import as_script
from stages.report import claims, fad, fad_page, overview, page, page_assets, sounds
from stages.report.pages.plan import OVERVIEW, SPEC, Plan, specifications
from stages.report.paper import Paper
from stages.report.paper_table import Column, Line, Panel, Value, write
from tests.conftest import make_generated, make_prepared
from tests.stages.report import mante_site

ROOT = Path(__file__).parents[3]
PAPER = ROOT / "papers/pichard2024.yaml"
PRINTED = ROOT / "papers/pichard2024_tables.csv"
PAGES = ROOT / "stages/report/pages"
GRID = {
    "datasets": ["gm_notes", "gm_band"],
    "codecs": ["spectral"],
    "systems": ["hdae", "msdae"],
    "seeds": [0, 1],
    "embeddings": ["gm_cnn"],
}
SCORES = {"hdae/0": 430.0, "hdae/1": 446.0, "msdae/0": 550.0, "msdae/1": 571.0, "round_trip/0": 34.0}
SCORES |= {"untrained_hdae/0": 1180.0, "untrained_msdae/0": 1190.0}
FRAMES = ("4", "8", "16")


def build(folder: Path) -> Path:
    """Make data, tables and pages below ``folder``; returns its reports/."""
    plans = {
        name: Plan(one, params(), f"{folder}/") for name, one in specifications(ROOT / "papers", ROOT / SPEC).items()
    }
    reports = folder / "reports"
    for dataset in GRID["datasets"]:
        sets(folder, dataset, plans["pichard2024"])
    for one in plans["pichard2024"].curves():
        curve(Path(one["path"]))
    results = tables(folder, reports)
    style = reports / "assets/page.css"
    style.parent.mkdir()
    page_assets.main(None, PAGES / "page.css", PAGES / "page.js", style)
    mante_site.build(folder, reports, plans["mante2024"], style, curve)
    for name in (OVERVIEW, "pichard2024"):
        for dataset in plans[name].datasets:
            lists = {"groups": plans[name].listen(dataset), "points": [p["path"] for p in plans[name].points(dataset)]}
            index = sounds_of(name, reports) / dataset / "index.csv"
            settings = namespace({"clips": 3, "sounding": 8} | lists)
            sounds.main(settings, folder / f"data/prepared/{dataset}/index.csv", index)
    common = {"scale": "laptop", "variant": "corrected", "seeds": [0, 1]}
    for name, more, write_page in [
        (
            "pichard2024",
            {"results": results, "results_root": str(reports), "fad": str(reports / "fad.csv")},
            paper_page,
        ),
        (OVERVIEW, {"papers": ["pichard2024", "mante2024"], "grid": GRID}, overview_page),
    ]:
        plan = plans[name]
        shown = {
            "curves": plan.curves(),
            "points": plan.points(),
            "sounds": [{"dataset": d, "groups": plan.listen(d)} for d in plan.datasets],
        }
        write_page(namespace(common | more | shown), reports, style)
    for path in (
        "index.html",
        "pichard2024/index.html",
        "mante2024/index.html",
        "fad.csv",
        *(f"pichard2024/table{k}.csv" for k in "124"),
    ):
        chain(reports / path)
    return reports


def params() -> dict:
    return {"grid": GRID, "priors": {"seeds": [0]}} | mante_site.PARAMS


def sounds_of(name: str, reports: Path) -> Path:
    return reports / ("assets" if name == OVERVIEW else "paper_assets") / name


def paper_page(settings, reports: Path, style: Path) -> None:
    page.main(settings, PAPER, style, sounds_of("pichard2024", reports), reports / "pichard2024/index.html")


def overview_page(settings, reports: Path, style: Path) -> None:
    overview.main(settings, reports / "fad.csv", PRINTED, style, sounds_of(OVERVIEW, reports), reports / "index.html")


def sets(folder: Path, dataset: str, plan: Plan) -> None:
    """The prepared data set, and every set of clips that the page wants of it."""
    index = make_prepared(folder / "data/prepared" / dataset)
    names = clip_ids(index, "test")
    audio = np.load(index.parent / "audio.npy")
    place = {row["clip"]: int(row["row"]) for row in read_csv(index)}
    rng = np.random.default_rng(0)
    for group in plan.listen(dataset):
        for number, one in enumerate(group["sets"]):
            made = {
                clip: to_float(audio[place[clip]]) * 0.8 + 0.01 * (number + 1) * rng.standard_normal(audio.shape[1])
                for clip in names
            }
            swapped = make_generated(Path(one["folder"]), made)
            if group["where"]:
                columns = set(group["originals"].values())
                rows = [
                    row
                    | group["where"]
                    | {column: names[(k + shift) % len(names)] for shift, column in enumerate(sorted(columns))}
                    for k, row in enumerate(read_csv(swapped))
                ]
                write_csv(swapped, rows, list(rows[0]))
    for one in plan.points(dataset):
        rows = [
            {"frames": frames, "clip": clip, "x": f"{rng.normal():.4f}", "y": f"{rng.normal():.4f}", "pitch": clip[-2:],
             "instrument": clip.split("-")[0], "note": ""}
            for frames in FRAMES
            for clip in names
        ]  # fmt: skip
        path = Path(one["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        write_csv(path, rows, list(rows[0]))


def curve(path: Path) -> None:
    """A loss that falls, in two stages."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"stage": stage, "step": step, "loss": 0.4 + 0.5 * 0.98**step / stage}
        for stage in (1, 2)
        for step in range(10, 200, 10)
    ]
    write_csv(path, rows, ["stage", "step", "loss"])


def tables(folder: Path, reports: Path) -> list[str]:
    """fad.csv, the paper's tables (the thesis's own numbers, shifted a little) and its claims; paths of all."""
    for dataset in GRID["datasets"]:
        for name, jack in SCORES.items():
            path = folder / "evaluate" / dataset / "spectral" / name / "gm_cnn.csv"
            path.parent.mkdir(parents=True)
            row = dict.fromkeys(fad.PROTOCOL, "abcdef0123456789")
            row |= {"n_reference": 200, "n_generated": 200, "caution": ""}
            row |= {"fad": jack + 1, "fad_jack": jack, "ci_low": jack - 9, "ci_high": jack + 9}
            row |= {"floor": 3.0, "floor_jack": 0.25, "floor_se_jack": 0.125}
            write_csv(path, [row], list(row))
    reports.mkdir(exist_ok=True)
    common = {"scale": "laptop", "variant": "corrected", "grid": GRID, "metric_code": "0123456789abcdef"}
    settings = namespace(common | {"samples": [], "sample_seeds": [0]})
    fad.main(settings, folder / "evaluate", PRINTED, "none", reports / "fad.csv", reports / "fad.md")
    here = reports / "pichard2024"
    fad_page.main(namespace(common), reports / "fad.csv", PRINTED, here / "table1.csv", here / "table1.md")
    paper = Paper.load(PRINTED)
    for number, dataset in {"2": "gm_notes", "3": "gm_band", "4": "gm_notes", "5": "gm_band"}.items():
        probe_like(paper, number, dataset, here)
    evidence = ",".join(str(here / f"table{number}.csv") for number in "12345")
    listed = ROOT / "papers/pichard2024_claims.yaml"
    claims.main(namespace(common), listed, PRINTED, evidence, here / "claims.csv", here / "claims.md")
    further(here)
    names = [*(f"table{number}" for number in "12345"), "figures", "claims"]
    return [str(here / f"{name}.{kind}") for name in names for kind in ("md", "csv")]


def further(here: Path) -> None:
    """A table of a layout of its own, with a picture, as figures.md has them."""
    columns = [f"column {number}" for number in range(14)]
    write_csv(here / "figures.csv", [dict.fromkeys(columns, "0.123")], columns)
    table = [f"| {' | '.join(columns)} |", "| --- " * 14 + "|", "| 0.123 (0.1 .. 0.2) " * 14 + "|"]
    text = ["# Figures", "", "## Figure 18", "", "![Figure 18](figure18.png)", "", *table, "", "- a note", ""]
    (here / "figures.md").write_text("\n".join(text), encoding="utf-8")


def probe_like(paper: Paper, number: str, dataset: str, here: Path) -> None:
    """A table of levels: what the thesis prints, a tenth lower, with intervals, a floor and a ceiling."""
    lines = [Line("hdae"), Line("msdae"), Line("shuffled", "floor", "floor: labels of other clips")]
    lines += [
        Line("untrained_hdae", "floor", "floor: hdae untrained"),
        Line("codec", "ceiling", "ceiling: codec round trip"),
    ]
    metrics = list(dict.fromkeys(line["metric"] for line in paper.table(number)))
    columns = [Column(metric, dataset, place) for metric in metrics for place in FRAMES]
    readings = dict(zip(("h1", "h2", "h3"), FRAMES, strict=True))
    cells = {}
    for line in paper.table(number):
        system = {"HDAE": "hdae", "Ours": "msdae"}.get(line["row"])
        if system and line["level"] in readings:
            value = 0.9 * float(line["value"])
            column = Column(line["metric"], dataset, readings[line["level"]])
            cells[system, column] = Value(value, value * 0.95, value * 1.05, 6)
            cells["shuffled", column] = Value(value * 0.2)
            cells["untrained_hdae", column] = Value(value)
            cells["codec", column] = Value(value * 1.3)
    cells["msdae", columns[0]] = Value(note="no labels")
    context = {"seeds": "0 1", "scale": "laptop", "variant": "corrected", "code": "fedcba9876543210"}
    panel = Panel("random", f"{dataset}, spectral: random split", "spectral", lines, columns, cells)
    write(paper, number, [panel], ["How it is read."], context, here / f"table{number}.csv", here / f"table{number}.md")


def chain(path: Path) -> None:
    """What `write_beside_reports` writes beside a report, for a chain of two jobs."""
    ran = {"host": "here", "processor": "a processor", "cores": 2, "python": "3.11", "packages": {}, "gpus": []}
    job = {"rule": "fad_table", "settings": {"seeds": [0]}, "seed": 0, "code": "0123456789abcdef", "rule_text": ""}
    job |= {"params": [], "weights": {}, "log": "logs/x.log", "ran": ran}
    job |= {"began": "2024-01-01T00:00:00+00:00", "ended": "2024-01-01T00:02:00+00:00"}
    name = f"reports/{path.name}"
    found = {
        "file": name,
        "sha256": "ab" * 32,
        "jobs": {
            name: job | {"inputs": {"data/x.csv": None}},
            "data/x.csv": job | {"rule": "fetch", "log": "y", "inputs": {"papers/x.csv": None}},
        },
        "sources": {"papers/x.csv": None},
    }
    write_json(path.with_suffix(".provenance.json"), found)
    path.with_suffix(".provenance.js").write_text(as_script(found), encoding="utf-8")
