"""Figures 3.1, 3.2, 3.3 and 3.6 of Manté 2024: samples of the toys beside true ones, numbers above (M-32 to M-34)."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from etude.pipeline.files import read_csv
from etude.pipeline.stage import run_stage
from stages.report.drawing import COLOURS, STYLE, save

PANEL = 2.6  # inches
SHADES = "cividis"
IMAGES = 8  # in a row and in a column
POINTS = 2000
HEADINGS = {
    "3.1": "Swiss roll: DDPM with a perceptron",
    "3.2": "Digits",
    "3.3": "Swiss roll on a grid: multinomial diffusion with a U-Net, from uniform noise to the data",
    "3.6": "Swiss roll: DDPM with the 1-D U-Net of the tables",
}
HEADLINES = {
    "3.1": ["energy distance"],
    "3.2": ["mean confidence", "Fréchet distance of features"],
    "3.3": ["total variation"],
    "3.6": ["energy distance"],
}
SHORT = {"Fréchet distance of features": "Fréchet distance"}

Panels = dict[str, np.ndarray]


def main(settings, toys: Path, svg: Path, png: Path) -> None:
    folders = {name: toys / name for name in settings.toys}
    with matplotlib.rc_context(STYLE):
        save(draw(settings.figure, folders, settings.scale), svg, png)


def draw(number: str, folders: dict[str, Path], scale: str) -> Figure:
    """Figure ``number`` from the folders that stages/train/toys.py wrote, by toy."""
    panels: Panels = {}
    lines = [f"Figure {number}. {HEADINGS[number]} ({scale} scale)"]
    for toy, folder in folders.items():
        rows = read_csv(folder / "numbers.csv")
        if number == "3.3":
            steps, times = np.load(folder / "steps.npy"), np.load(folder / "times.npy")
            panels |= {f"t = {time}": counts for time, counts in zip(times, steps, strict=True)}
        else:
            panels[rows[0]["system"].upper()] = np.load(folder / "generated.npy")
        lines += [f"{toy}: {_said(row)}" for row in rows if row["metric"] in HEADLINES[number]]
    true = np.load(next(iter(folders.values())) / "true.npy")
    panels |= {"true": _counts(true, panels) if number == "3.3" else true}
    side = PANEL if number != "3.3" else 0.65 * PANEL
    figure = Figure(figsize=(max(2, len(panels)) * side, side + 0.2 + 0.17 * len(lines)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle("\n".join(lines), fontsize=9, x=0.01, ha="left")
    paint = {"3.2": _images, "3.3": _histogram}.get(number, _points)
    for axes, (name, shown) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        paint(axes, shown, name == "true")
        axes.set_title(name)
        axes.set_xticks([])
        axes.set_yticks([])
    return figure


def _said(row: dict[str, str]) -> str:
    """A number and what stands beside it."""
    beside = [
        f"{word} {float(row[key]):.3g}" for key, word in {"true": "true samples", "chance": "noise"}.items() if row[key]
    ]
    return f"{SHORT.get(row['metric'], row['metric'])} {float(row['value']):.3g}" + (
        f" ({', '.join(beside)})" if beside else ""
    )


def _counts(points: np.ndarray, panels: Panels) -> np.ndarray:
    cells = len(next(iter(panels.values())))
    return np.histogram2d(*points.T, bins=cells, range=[[0, cells]] * 2)[0]


def _points(axes, points: np.ndarray, true: bool) -> None:
    axes.scatter(*points[:POINTS].T, s=2, linewidths=0, color=COLOURS[0 if true else 5])
    axes.set_xlim(-2.6, 2.6)
    axes.set_ylim(-2.6, 2.6)
    axes.set_aspect("equal")


def _histogram(axes, counts: np.ndarray, true: bool) -> None:
    axes.imshow(counts.T, origin="lower", cmap=SHADES, interpolation="nearest")


def _images(axes, images: np.ndarray, true: bool) -> None:
    """The first images as one, a blank line between two."""
    height, width = images.shape[1:]
    side = min(IMAGES, int(len(images) ** 0.5))
    sheet = np.full((side * (height + 1) - 1, side * (width + 1) - 1), np.nan)
    for place, image in enumerate(images[: side * side]):
        row, column = place // side * (height + 1), place % side * (width + 1)
        sheet[row : row + height, column : column + width] = image
    axes.imshow(sheet, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")


if __name__ == "__main__":
    run_stage(
        main,
        toys="path of the folder of the toys",
        svg="path of the figure to write",
        png="path of the same as pixels",
    )
