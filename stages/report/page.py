"""The page of a paper: what holds, its tables with our numbers in them, its figures, and the sounds behind both.

The page lies beside the files that it shows and needs nothing but them and reports/assets: it opens from the file
system.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from etude.pipeline.files import read_csv
from etude.pipeline.stage import run_stage
from stages.report.pages import render
from stages.report.pages.claims import claims, summary
from stages.report.pages.curves import curves
from stages.report.pages.sounding import groups, maps
from stages.report.pages.tables import panels

CLAIMS = "claims"


def main(settings, paper: Path, assets: Path, sounds: Path, out: Path) -> None:
    """``settings``: results (files that the paper's collector lists), fad (a table like fad.csv, or ""), curves,
    points, sounds (of each data set, the groups), seeds, scale, variant."""
    facts = yaml.safe_load(paper.read_text(encoding="utf-8"))
    here = Path(settings.results_root) / facts["paper"]
    results = [Path(path) for path in settings.results]
    found = claims(read_csv(here / f"{CLAIMS}.csv")) if here / f"{CLAIMS}.csv" in results else []
    protocols = protocols_of(read_csv(settings.fad)) if settings.fad else {}
    tables = [table(path, facts, protocols) for path in in_order(results, facts)]
    listen, index, folder = sounding(settings.sounds, sounds, out)
    render.write(
        "paper.html.j2",
        out,
        **common(settings, assets, out),
        paper=facts,
        claims=found,
        summary=summary(found),
        tables=tables,
        cells=render.cells({one["name"]: one["panels"] for one in tables}),
        figures=[figure(path, facts, out.parent) for path in drawn(results, facts)],
        curves=curves(settings.curves),
        listen=listen,
        maps=maps(settings.points, index, folder),
    )


def sounding(sounds: list[dict[str, Any]], place: Path, out: Path):
    """The groups of ``sounds`` of page ``out``, which lie in ``place``, and of each data set the index of its sounds
    and the way to their folder."""
    names = [one["dataset"] for one in sounds]
    folder = {dataset: f"{os.path.relpath(place, out.parent)}/{dataset}" for dataset in names}
    index = {dataset: place / dataset / "index.csv" for dataset in names}
    listen = [
        group
        for one in sounds
        for group in groups(one["dataset"], index[one["dataset"]], one["groups"], folder[one["dataset"]])
    ]
    return listen, index, folder


def common(settings, assets: Path, out: Path) -> dict[str, Any]:
    """What every page shows: which run it is of, where its style lies."""
    prefix = os.path.relpath(assets.parent, out.parent)
    return {
        "assets": prefix,
        "folder": str(out.parent),
        "scale": settings.scale,
        "variant": settings.variant,
        "seeds": settings.seeds,
    }


def in_order(results: list[Path], facts: dict[str, Any]) -> list[Path]:
    """The tables among ``results`` that one can read, as the document numbers them, then the others as the collector
    lists them."""
    tables = [
        path for path in results if path.suffix == ".csv" and path.with_suffix(".md") in results and path.stem != CLAIMS
    ]
    return _sorted(tables, "table", facts.get("tables", {}))


def drawn(results: list[Path], facts: dict[str, Any]) -> list[Path]:
    """The pictures among ``results``, in the same order."""
    return _sorted([path for path in results if path.suffix == ".svg"], "figure", facts.get("figures", {}))


def _sorted(paths: list[Path], kind: str, known: dict[str, Any]) -> list[Path]:
    names = list(known)
    place = {path: number_of(path, kind, known) for path in paths}
    return sorted(paths, key=lambda path: names.index(place[path]) if place[path] in known else len(names))


def number_of(path: Path, kind: str, known: Iterable[str]) -> str:
    """The document's number of table or figure ``path``: table4_1.csv has 4.1 where ``known`` has such a number."""
    name = path.stem.removeprefix(kind)
    return next((number for number in known if number.replace(".", "_") == name), name)


def table(path: Path, facts: dict[str, Any], protocols: dict[tuple[str, ...], dict[str, str]]) -> dict[str, Any]:
    """A table to be shown: panels of cells where it is laid out as the document's, else as its readable file has it."""
    rows, text = read_csv(path), path.with_suffix(".md").read_text(encoding="utf-8")
    number = number_of(path, "table", facts.get("tables", {}))
    laid_out = bool(rows) and "panel_title" in rows[0]
    title = render.title_of(text).removesuffix(f" ({facts['author']} {facts['year']})")
    about = facts.get("tables", {}).get(number, {})
    return {
        "name": path.stem,
        "number": number if about else "",
        "label": about.get("name", f"Table {number}") if about else "",
        "title": about.get("title") or title,
        "panels": panels(rows, protocols) if laid_out else [],
        "text": "" if laid_out else render.markdown(text),
        "notes": render.notes(text) if laid_out else "",
    }


def protocols_of(fad: list[dict[str, str]]) -> dict[tuple[str, ...], dict[str, str]]:
    """What fad.csv says of the making of each of its numbers, by (data set, codec or nothing, row, panel): where a
    system has but one codec, tables do not name it."""
    return {
        (row["dataset"], codec, row["system"], row["embedding"]): row for row in fad for codec in ("", row["codec"])
    }


def figure(path: Path, facts: dict[str, Any], here: Path) -> dict[str, str]:
    """A picture that another job drew."""
    number = number_of(path, "figure", facts.get("figures", {}))
    shown = facts.get("figures", {}).get(number, {})
    about = shown.get("title") or ", ".join(filter(None, (shown.get("row"), shown.get("dataset"))))
    return {
        "name": path.stem,
        "file": os.path.relpath(path, here),
        "title": f"Figure {number}" if number != path.stem else path.stem.replace("_", " ").capitalize(),
        "about": about,
    }


if __name__ == "__main__":
    run_stage(
        main,
        paper="path of the paper's YAML",
        assets="path of the pages' style sheet",
        sounds="path of the folder of this page's sounds",
        out="path of the page to write",
    )
