"""Loss curves as SVG, drawn by Vega-Lite in the colours of the page."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from etude.pipeline.files import read_csv

SERIES = 8  # colours of the page: --s1 .. --s8
SIZE = (420, 240)  # pixels of the plane, before the page scales it


def curves(found: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """``title``, ``says`` (for who cannot see it) and ``svg`` of one figure per data set, and per figure of the page's
    own where it names several.

    ``found``: what :meth:`stages.report.pages.plan.Plan.curves` gives: the path of each loss.csv and its words.
    """
    figures = []
    for named in dict.fromkeys(one.get("figure", "") for one in found):
        values = [point for one in found if one.get("figure", "") == named for point in points(one)]
        names = list(dict.fromkeys(point["series"] for point in values))
        for dataset in dict.fromkeys(point["dataset"] for point in values):
            mine = [point for point in values if point["dataset"] == dataset]
            title = ", ".join(filter(None, [dataset, named]))
            figures.append({"title": title, "says": in_words(mine, title), "svg": draw(mine, names)})
    return figures


def points(one: dict[str, str]) -> list[dict[str, Any]]:
    """Rows of a loss.csv with steps that count on through the stages of a training."""
    rows = read_csv(one["path"])
    starts, last = {}, 0
    for row, after in pairwise([*rows, {"stage": ""}]):
        starts.setdefault(row["stage"], last)
        if after["stage"] != row["stage"]:
            last = starts[row["stage"]] + int(row["step"])
    words = {key: text for key, text in one.items() if key not in ("path", "dataset", "seed", "codec", "figure")}
    series = " ".join(words.values()) or Path(one["path"]).parent.name
    return [
        {
            "dataset": one.get("dataset", ""),
            "series": series,
            "seed": one.get("seed", ""),
            "line": f"{series} {one.get('seed', '')} {row['stage']}",
            "step": starts[row["stage"]] + int(row["step"]),
            "loss": float(row["loss"]),
        }
        for row in rows
    ]


def in_words(values: Sequence[dict[str, Any]], dataset: str) -> str:
    """Where each curve begins and ends."""
    parts = []
    for series, seed in dict.fromkeys((point["series"], point["seed"]) for point in values):
        mine = [point["loss"] for point in values if (point["series"], point["seed"]) == (series, seed)]
        parts.append(f"{series}, seed {seed}: from {mine[0]:.3g} to {mine[-1]:.3g}")
    return f"Training loss on {dataset or 'all data'}. {'; '.join(parts)}."


def draw(values: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    """An SVG whose colours are the page's own (CSS variables), so that it follows light and dark."""
    from vl_convert import vegalite_to_svg

    colours = [f"var(--s{number % SERIES + 1})" for number in range(len(names))]
    spec = {
        "width": SIZE[0],
        "height": SIZE[1],
        "background": None,
        "data": {"values": list(values)},
        "mark": {"type": "line", "strokeWidth": 1.4, "interpolate": "monotone", "opacity": 0.85},
        "encoding": {
            "x": {"field": "step", "type": "quantitative", "title": "step", "axis": {"tickCount": 5}},
            "y": {"field": "loss", "type": "quantitative", "title": "loss", "scale": {"zero": False}},
            "color": {
                "field": "series",
                "scale": {"domain": list(names), "range": colours},
                "legend": {"orient": "top", "title": None, "columns": 4} if len(names) > 1 else None,
            },
            "detail": [{"field": "line"}],
        },
        "config": theme(),
    }
    return vegalite_to_svg(spec)


def theme() -> dict[str, Any]:
    """Axes and letters as quiet as the page's."""
    letters = {"labelFont": "inherit", "titleFont": "inherit", "labelFontSize": 12, "titleFontSize": 12}
    return {
        "view": {"stroke": None},
        "axis": {
            **letters,
            **{"labelColor": "var(--muted)", "titleColor": "var(--muted)", "titleFontWeight": "normal"},
            **{"gridColor": "var(--line)", "domain": False, "tickColor": "var(--line)", "labelPadding": 6},
        },
        "legend": {**letters, "labelColor": "var(--ink)", "symbolType": "stroke", "symbolStrokeWidth": 2},
    }
