"""What all figures have in common: colours, type, and files whose bytes depend on what they show alone."""

from pathlib import Path

from matplotlib.figure import Figure

from etude.pipeline.files import atomic

# Okabe and Ito's set for colour-blind readers, and of Tol's what goes with it.
COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#999933", "#882255", "#8C8C8C",
    "#332288", "#44AA99",
)  # fmt: skip
STYLE = {
    "svg.hashsalt": "etude",  # else the ids in the file are drawn at random
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.linewidth": 0.6,
}


def save(figure: Figure, svg: Path, png: Path) -> None:
    """Write ``figure`` as both; the same figure gives the same bytes. Call it within ``rc_context(STYLE)``."""
    with atomic(svg) as part:
        figure.savefig(part, format="svg", metadata={"Date": None, "Creator": None})
    with atomic(png) as part:
        figure.savefig(part, format="png", dpi=150, metadata={"Software": None})
