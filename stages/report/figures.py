"""Draw one figure of a paper: the levels of a system in a plane, by instrument and by pitch (Figures 18-21, P-30).

One column per level, coarse to fine; above each panel, what the picture shows as numbers: the share of the 10 nearest
neighbours that have the point's label, in the latent space and in the plane, and what that would be by chance; the same
among clips of other recordings, where a recording was cut into several; the silhouette.
Instruments differ in colour (Okabe and Ito's set for colour-blind readers, and of Tol's what goes with it) and in the
shape of the marker; pitch is a colour of the map cividis. The same points give the same bytes.
"""

import textwrap
from itertools import product
from pathlib import Path

import matplotlib
import yaml
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from etude.audio.clips import id_hash
from etude.pipeline.files import read_csv
from etude.pipeline.stage import run_stage
from stages.report.drawing import COLOURS, STYLE, save

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "*", ">", "h")
PITCHES = "cividis"
NAMES = ("h\N{SUBSCRIPT ONE}", "h\N{SUBSCRIPT TWO}", "h\N{SUBSCRIPT THREE}")
WIDTH, PANEL = 10.2, 3.35  # inches
TURNS = 8

Found = dict[tuple[str, str], dict[str, str]]
"""Rows of the table of numbers, for one level and label, by space and metric."""


def main(settings, coordinates: Path, numbers: Path, paper: Path, svg: Path, png: Path) -> None:
    words = yaml.safe_load(paper.read_text(encoding="utf-8"))
    with matplotlib.rc_context(STYLE):
        save(draw(read_csv(coordinates), read_csv(numbers), title(settings, words)), svg, png)


def title(settings, paper) -> str:
    """The line above the figure: what it is, and what stands for what."""
    row, data = paper["rows"].get(settings.system, ""), paper["datasets"].get(settings.dataset, "")
    system = settings.system + (f' ("{row}" in the paper)' if row else "")
    dataset = settings.dataset + (f" (stands for {data})" if data and data.lower() != settings.dataset else "")
    return (
        f"Figure {settings.number}. UMAP of the levels of {system} on {dataset}: {settings.split} split, "
        f"seed {settings.seed}, {settings.scale} scale"
    )


def draw(points: list[dict[str, str]], numbers: list[dict[str, str]], heading: str) -> Figure:
    """The figure for the tables that stages/evaluate/projection.py wrote."""
    levels = sorted({int(row["frames"]) for row in points})
    figure = Figure(figsize=(WIDTH, 2 * PANEL + 0.7), layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(wspace=0.04, hspace=0.04)
    figure.suptitle(f"{heading}\nnumbers: latent space / plane", fontsize=9.5)
    grid = figure.add_gridspec(2, len(levels) + 1, width_ratios=[1] * len(levels) + [0.42])
    families = sorted({row["instrument"] for row in points} - {""})
    for line, (label, paint) in enumerate({"instrument": _by_instrument, "pitch": _by_pitch}.items()):
        for column, frames in enumerate(levels):
            axes = figure.add_subplot(grid[line, column])
            here = [row for row in points if int(row["frames"]) == frames]
            found = {
                (row["space"], row["metric"]): row
                for row in numbers
                if int(row["frames"]) == frames and row["label"] in (label, "")
            }
            axes.set_title("\n".join(caption(frames, column, len(levels), label, found)), loc="left", linespacing=1.35)
            axes.set_xticks([])
            axes.set_yticks([])
            if column == 0:
                axes.set_ylabel(f"coloured by {label}", fontsize=9)
            reason = here[0]["note"] or ("" if any(row[label] for row in here) else f"no {label} labels")
            if reason:
                axes.text(0.5, 0.5, textwrap.fill(reason, 32), ha="center", va="center", transform=axes.transAxes)
            else:
                paint(axes, here, families)
        legend = figure.add_subplot(grid[line, len(levels)])
        legend.axis("off")
        (_instrument_legend if label == "instrument" else _pitch_legend)(figure, legend, points, families)
    return figure


def caption(
    frames: int, place: int, levels: int, label: str, found: dict[tuple[str, str], dict[str, str]]
) -> list[str]:
    """The lines above one panel."""
    name = f"{frames} frames" + (f" ({NAMES[place]}, {('coarse', 'middle', 'fine')[place]})" if levels == 3 else "")
    if label == "instrument" and (true := found[("plane", "trustworthiness")])["value"]:
        name += f"; trustworthiness {float(true['value']):.2f}"
    lines = [name]
    for metric, words in {"knn_purity": "10-NN agreement", "knn_purity_across": "in other recordings"}.items():
        latent, plane = found[("latent", metric)], found[("plane", metric)]
        same = metric == "knn_purity_across" and latent["value"] == found[("latent", "knn_purity")]["value"]
        if latent["value"] and not same:
            chance = f", chance {_two(latent['floor'])}" if metric == "knn_purity" else ""
            lines.append(f"{words} {_two(latent['value'])} / {_two(plane['value'])}{chance}")
    latent, plane = found[("latent", "silhouette")], found[("plane", "silhouette")]
    if latent["value"]:
        lines.append(f"silhouette {_two(latent['value'])} / {_two(plane['value'])}")
    return lines


def _two(text: str) -> str:
    return f"{round(float(text), 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")  # + 0.0: no minus before nothing


def _style(place: int) -> dict[str, str]:
    """Colour and shape of class ``place``: no two of the first 132 share both."""
    return {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}


def _by_instrument(axes, rows: list[dict[str, str]], families: list[str]) -> None:
    # Dealt out in turns, by chance, or the last family would cover all others where clips crowd.
    rows = sorted(rows, key=lambda row: id_hash(row["clip"]))
    for turn, (place, family) in product(range(TURNS), enumerate(families)):
        style = _style(place)
        chosen = [row for row in rows if row["instrument"] == family][turn::TURNS]
        axes.scatter(*_places(chosen), s=17, c=style["color"], marker=style["marker"], linewidths=0.3,
                     edgecolors="white", alpha=0.9)  # fmt: skip


def _by_pitch(axes, rows: list[dict[str, str]], families: list[str]) -> None:
    rows = [row for row in rows if row["pitch"]]
    pitches = [int(row["pitch"]) for row in rows]
    axes.scatter(*_places(rows), s=15, c=pitches, cmap=PITCHES, linewidths=0.2, edgecolors="white",
                 norm=Normalize(min(pitches), max(pitches)))  # fmt: skip


def _places(rows: list[dict[str, str]]) -> tuple[list[float], list[float]]:
    return [float(row["x"]) for row in rows], [float(row["y"]) for row in rows]


def _instrument_legend(figure: Figure, axes, points: list[dict[str, str]], families: list[str]) -> None:
    handles = [
        Line2D([], [], linestyle="", markersize=5, markeredgewidth=0.3, markeredgecolor="white", label=family,
               **_style(place))
        for place, family in enumerate(families)
    ]  # fmt: skip
    if handles:
        axes.legend(handles=handles, loc="center left", frameon=False, handletextpad=0.4, borderaxespad=0)


def _pitch_legend(figure: Figure, axes, points: list[dict[str, str]], families: list[str]) -> None:
    pitches = [int(row["pitch"]) for row in points if row["pitch"]]
    if pitches:
        bar = figure.colorbar(
            ScalarMappable(Normalize(min(pitches), max(pitches)), PITCHES),
            cax=axes.inset_axes((0.05, 0.1, 0.12, 0.8)),
            label="MIDI pitch",
        )
        bar.outline.set_linewidth(0.6)


if __name__ == "__main__":
    run_stage(
        main,
        coordinates="path of the table of coordinates",
        numbers="path of the table of numbers",
        paper="path of the paper's YAML",
        svg="path of the figure to write",
        png="path of the same as pixels",
    )
