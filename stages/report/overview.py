"""The first page, reports/index.html: what this run found in one minute, and the way to everything else."""

from pathlib import Path
from typing import Any

import yaml

from etude.pipeline.files import read_csv
from etude.pipeline.stage import plain, run_stage
from stages.report import fad_page, verdicts
from stages.report.page import CLAIMS, common, protocols_of, sounding
from stages.report.pages import render
from stages.report.pages.claims import Claim, claims, summary
from stages.report.pages.curves import curves
from stages.report.pages.tables import as_value, panels
from stages.report.paper import Paper
from stages.report.paper_table import tidy


def main(settings, fad: Path, printed: Path, assets: Path, sounds: Path, out: Path) -> None:
    """``settings``: papers (their pages), grid, curves, sounds (of each data set, the groups), scale, variant."""
    scores, paper = read_csv(fad), Paper.load(printed)
    pairs = dict.fromkeys((row["embedding"], row["codec"]) for row in scores)
    laid_out = [fad_page.panel(scores, *pair, settings.grid) for pair in pairs]
    rows = [{key: str(cell) for key, cell in row.items()} for row in tidy(paper, "1", laid_out)]
    rows = [row | {"scale": settings.scale, "variant": settings.variant} for row in rows]
    views = panels(rows, protocols_of(scores))
    listen, _, _ = sounding(settings.sounds, sounds, out)
    readable = fad.with_suffix(".md").read_text(encoding="utf-8")
    render.write(
        "overview.html.j2",
        out,
        **common(settings, assets, out),
        grid=plain(settings.grid),
        clips={row["dataset"]: (row["n_generated"], row["n_reference"]) for row in scores},
        found=summary(statements(rows)),
        papers=[about(name, out.parent, printed.parent) for name in settings.papers],
        fad={"name": "fad", "panels": views, "notes": render.notes(readable)},
        cells=render.cells({"fad": views}),
        cautions=sorted({(row["dataset"], row["embedding"], row["caution"]) for row in scores if row["caution"]}),
        curves=curves(settings.curves),
        listen=listen,
    )


def about(name: str, here: Path, papers: Path) -> dict[str, Any]:
    """A paper that is part of this run: what it is, and what became of its claims."""
    facts = yaml.safe_load((papers / f"{name}.yaml").read_text(encoding="utf-8"))
    path = here / name / f"{CLAIMS}.csv"
    return {"name": name, "facts": facts, "summary": summary(claims(read_csv(path)) if path.exists() else [])}


def statements(rows: list[dict[str, str]]) -> list[Claim]:
    """What Table 1 decides by itself: is each system better for its training, and which of two systems is ahead?

    The order of two systems is claimed as the document prints it, and where it prints none, as it is found.
    """
    by_place = {(row["dataset"], row["panel"], row["codec"], row["row"]): row for row in rows}
    lines = []
    for (dataset, panel, codec, system), row in by_place.items():
        if row["kind"] != "system" or not row["value"]:
            continue
        untrained = by_place.get((dataset, panel, codec, f"untrained_{system}"))
        if untrained and untrained["value"]:
            chain = [as_value(row), verdicts.exact(as_value(untrained))]
            lines.append(_line("trained", "Training brings every system nearer to the reference", system, chain, row))
    for (dataset, panel, codec, system), row in by_place.items():
        for other, against in by_place.items():
            same = other[:3] == (dataset, panel, codec) and against["kind"] == row["kind"] == "system"
            if same and row["value"] and against["value"] and _ahead(row, against):
                says = f"On {dataset}, {system} is nearer to the reference than {other[3]}"
                says += " (the order that the document prints)" if row["printed_coarse"] else ""
                chain = [as_value(row), as_value(against)]
                lines.append(_line(f"{dataset} {system} {other[3]}", says, "", chain, row, against))
    return claims(lines)


def _ahead(row: dict[str, str], other: dict[str, str]) -> bool:
    one, two = row["printed_coarse"], other["printed_coarse"]
    pairs = [(float(one), float(two))] if one and two and one != two else []
    pairs.append((float(row["value"]), float(other["value"])))
    return pairs[0][0] < pairs[0][1]


def _line(name: str, says: str, system: str, chain: list, *rows: dict[str, str]) -> dict[str, str]:
    found = verdicts.ordered([chain], [True])
    row = rows[0]
    numbers = {"value": found.value, "ci_low": found.low, "ci_high": found.high}
    return {
        "claim": name,
        "says": says,
        "reading": "",
        "table": "1",
        "dataset": ", ".join(filter(None, [system, row["dataset"]])),
        "panel": row["panel"],
        "verdict": found.verdict,
        "statistic": "lead in FAD",
        **{key: "" if number is None else f"{number:.6g}" for key, number in numbers.items()},
        "ours": " against ".join(f"{value.value:.3g}" for value in chain),
        "printed": " against ".join(one["printed_coarse"] for one in rows if one["printed_coarse"]),
        "printed_supports": "",
    }


if __name__ == "__main__":
    run_stage(
        main,
        fad="path of fad.csv",
        printed="path of the paper's printed numbers",
        assets="path of the pages' style sheet",
        sounds="path of the folder of this page's sounds",
        out="path of the page to write",
    )
