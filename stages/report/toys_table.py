"""All numbers of the toys as one table: what samples get, what true ones would get, what noise would get."""

from pathlib import Path

from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import run_stage
from stages.train.toys import COLUMNS


def main(settings, toys: Path, csv: Path) -> None:
    rows = [row | {"scale": settings.scale} for toy in settings.toys for row in read_csv(toys / toy / "numbers.csv")]
    write_csv(csv, rows, [*COLUMNS, "scale"])


if __name__ == "__main__":
    run_stage(main, toys="path of the folder of the toys", csv="path of the table to write")
