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
        return self._named(system)["row"]

    def level(self, system: str) -> str:
        """The level under which the document has all numbers of ``system``; empty where it has several, or none."""
        return self._named(system)["level"]

    def _named(self, system: str) -> dict[str, str]:
        """``rows`` says it as a word, or as {row: ..., level: ...}."""
        found = self.facts["rows"].get(system, "")
        return found if isinstance(found, dict) else {"row": found, "level": ""}

    def ours(self, row: str, level: str) -> tuple[str, str]:
        """Our system of the document's ``row`` at ``level``, and the level that is left to look up; a row that the
        document does not have is one of ours."""
        for system in self.facts["rows"]:
            named = self._named(system)
            if named["row"] == row and named["level"] in ("", level):
                return system, "" if named["level"] else level
        return row, level

    @property
    def readings(self) -> dict[str, list[str]]:
        """How the document's names of levels may be meant; one nameless reading where nothing is in doubt."""
        return self.facts.get("readings") or {"": []}

    def our_metric(self, metric: str) -> str:
        """What we call the document's ``metric``, where we measure it by other means and must not use its name."""
        return self.facts.get("ours", {}).get(metric, metric)

    def printed_metric(self, table: str, metric: str) -> str:
        """The document's name, in ``table``, of our ``metric``."""
        names = [theirs for theirs, ours in self.facts.get("ours", {}).items() if ours == metric]
        there = {number["metric"] for number in self.table(table)}
        return next((name for name in names if name in there), metric)

    def dataset(self, dataset: str) -> str:
        """The document's data set that ``dataset`` is, or resembles; empty when there is none."""
        return self.facts["datasets"].get(dataset, "")

    def heading(self, metric: str) -> str:
        return self.facts["metrics"].get(metric) or self._of(metric)["heading"]

    def unit(self, metric: str) -> str:
        return self._of(metric)["unit"]

    def direction(self, metric: str) -> str:
        """Which values are better: lower, higher, or none."""
        return self._of(metric)["direction"]

    def lower_is_better(self, metric: str) -> bool:
        return self.direction(metric) == "lower"

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
        readings = self.readings
        if place not in frames:
            return dict.fromkeys(readings, self.place(place).get("level", place))
        if len(frames) != len(next(iter(readings.values()))):
            return {}
        position = sorted(frames, key=int).index(place)
        return {reading: levels[position] for reading, levels in readings.items()}

    def place(self, place: str) -> dict[str, str]:
        """Where the document has our column ``place``; empty where it is called the same."""
        return self.facts.get("places", {}).get(place, {})

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
