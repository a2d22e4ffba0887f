"""The FADs of Manté 2024 with their whole protocol, in the columns of reports/fad.csv: they may become rows of it."""

from pathlib import Path

from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import run_stage
from stages.report.fad import COLUMNS, described
from stages.report.paper import Paper

METRIC = "FAD"


def main(settings, printed: Path, evaluated: Path, csv: Path) -> None:
    paper = Paper.load(printed)
    rows = []
    for dataset in settings.datasets:
        for embedding in settings.embeddings:
            for name in settings.order:
                cell = getattr(settings.cells, name)

                def scores(of: str, seed: int = 0, place=(dataset, embedding)) -> dict[str, str]:
                    return read_csv(evaluated / place[0] / of / str(seed) / f"{place[1]}.csv")[0]

                table = next((table for table in ("4.1", "4.2") if printed_in(paper, table, name)), "4.1")
                place = {"paper": paper.facts["paper"], "table": table, "dataset": dataset, "codec": cell.format}
                rows.append(
                    described(
                        settings,
                        place | {"system": name, "embedding": embedding},
                        settings.seeds,
                        [scores(name, seed) for seed in settings.seeds],
                        scores(cell.untrained) if cell.untrained else None,
                        scores(cell.round_trip),
                        printed_columns(paper, table, dataset, name),
                    )
                )
    write_csv(csv, rows, COLUMNS)


def printed_in(paper: Paper, table: str, cell: str) -> bool:
    """Whether ``table`` has ``cell``."""
    return bool(paper.row(cell)) and any(number["row"] == paper.row(cell) for number in paper.table(table))


def printed_columns(paper: Paper, table: str, dataset: str, cell: str) -> dict[str, str]:
    """What the document prints in this cell; empty where it has none."""
    metric, level = paper.printed_metric(table, METRIC), paper.level(cell)
    found = paper.printed(table, paper.row(cell), metric, paper.dataset(dataset), {"": level}).get("")
    if found is None:
        return dict.fromkeys(("paper_value", "paper_metric", "paper_dataset"), "")
    return {"paper_value": found.value, "paper_metric": metric, "paper_dataset": paper.dataset(dataset)}


if __name__ == "__main__":
    run_stage(
        main,
        printed="path of the paper's printed numbers",
        evaluated="path of the folder with one FAD per evaluated set",
        csv="path of the tidy table to write",
    )
