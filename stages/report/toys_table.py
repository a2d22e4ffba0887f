"""All numbers of the toys as one table: what samples get, what true ones would get, what noise would get."""

from pathlib import Path

from tabulate import tabulate

from etude.pipeline.files import atomic, read_csv, write_csv
from etude.pipeline.stage import run_stage
from stages.train.toys import COLUMNS

NOTE = (
    "value: of the samples. true: what as many true samples get in their place. chance: what noise gets. Energy "
    "distance: 0 where two sets of points are of one distribution. Total variation: of histograms, from 0 to 1. nats: "
    "entropy."
)


def main(settings, toys: Path, csv: Path, md: Path) -> None:
    rows = [row | {"scale": settings.scale} for toy in settings.toys for row in read_csv(toys / toy / "numbers.csv")]
    write_csv(csv, rows, [*COLUMNS, "scale"])
    shown = [
        {"figure": row["figure"].removeprefix("Figure "), "toy": row["toy"], "system": row["system"]}
        | {"number": row["metric"]}
        | {key: f"{float(row[key]):.3g}" if row[key] else "" for key in ("value", "true", "chance")}
        | {"better": row["direction"].replace("none", ""), "parameters": row["parameters"]}
        for row in rows
    ]
    table = tabulate(shown, headers="keys", tablefmt="pipe", disable_numparse=True)
    with atomic(md) as part:
        text = f"# Toys: every paradigm on data that one can see\n\n{table}\n\n{NOTE}\n\nScale {settings.scale}.\n"
        part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_stage(
        main,
        toys="path of the folder of the toys",
        csv="path of the table to write",
        md="path of the same to read",
    )
