"""A document's printed numbers, and how its rows, columns and levels are called here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from etude.errors import UserError
from etude.pipeline.files import read_csv


@dataclass(frozen=True)
class Printed:
    """A printed number, as text, and the level it is printed under."""

    value: str
    level: str


@dataclass(frozen=True)
class Paper:
    """``papers/<paper>.yaml`` and ``papers/<paper>_tables.csv``."""

    facts: dict[str, Any]
    numbers: list[dict[str, str]]

    @classmethod
    def load(cls, printed: Path) -> "Paper":
        """The paper of the file of printed numbers ``printed``."""
        facts = printed.with_name(printed.name.replace("_tables.csv", ".yaml"))
        return cls(yaml.safe_load(facts.read_text(encoding="utf-8")), read_csv(printed))

    @property
    def name(self) -> str:
        """Name and year, as one cites it."""
        return f"{self.facts['author']} {self.facts['year']}"

    def row(self, system: str) -> str:
        """The document's name of ``system``; empty when it has none."""
        return self.facts["rows"].get(system, "")

    def dataset(self, dataset: str) -> str:
        """The document's data set that ``dataset`` is, or resembles; empty when there is none."""
        return self.facts["datasets"].get(dataset, "")

    def heading(self, metric: str) -> str:
        return self.facts["metrics"].get(metric) or self._of(metric)["heading"]

    def unit(self, metric: str) -> str:
        return self._of(metric)["unit"]

    def lower_is_better(self, metric: str) -> bool:
        return self._of(metric)["direction"] == "lower"

    def table(self, table: str) -> list[dict[str, str]]:
        """The lines of the file that belong to ``table``."""
        return [number for number in self.numbers if number["table"] == table]

    def printed(self, table: str, row: str, metric: str, dataset: str, levels: dict[str, str]) -> dict[str, Printed]:
        """By reading, what ``table`` prints in ``row`` (the document's) at the level that ``levels`` gives."""
        cells = {
            number["level"]: Printed(number["value"], number["level"])
            for number in self.table(table)
            if (number["row"], number["metric"], number["dataset"]) == (row, metric, dataset)
        }
        return {reading: cells[level] for reading, level in levels.items() if level in cells}

    def levels(self, place: str, frames: list[str]) -> dict[str, str]:
        """By reading, the document's name of our column ``place``: one of ``frames``, or codec, rec, or nothing."""
        readings = self.facts["readings"]
        if place not in frames:
            return dict.fromkeys(readings, self.facts["places"].get(place, {}).get("level", place))
        if len(frames) != len(next(iter(readings.values()))):
            return {}
        position = sorted(frames, key=int).index(place)
        return {reading: levels[position] for reading, levels in readings.items()}

    def _of(self, metric: str) -> dict[str, str]:
        """Unit and direction of ``metric``: as printed, or of a score that only we have."""
        known = {number["metric"]: number for number in self.numbers if number["table"] != "text"}
        known |= self.facts["further"]
        if metric not in known:
            raise UserError(
                f"papers/{self.facts['paper']}: neither the printed numbers nor `further` in the .yaml has a metric "
                f"{metric!r}; known: {', '.join(sorted(known))}"
            )
        return known[metric]
