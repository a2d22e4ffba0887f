"""What a page shows besides tables, worked out from its block `page` (papers/<paper>.yaml, pages/overview.yaml).

    over     what the words in braces stand for: {dataset: grid.datasets}, a list, a mapping's keys or one value of
             params.yaml; or a choice among the entries of a mapping there: {of: mante2024.cells, where: {format: cqt},
             unless: {seconds: null}, among: a list of their names, take: a key of theirs instead of their names}
    curves   loss.csv of the trainings, a list, or title: pattern;  points  coordinates of UMAPs, one table per cell
    protocols  the table, in the columns of reports/fad.csv, that says how FADs were measured
    listen   groups of sounds: title, says, sets (label: folder of a generated set),
             originals (label: column of the sets' index that names a clip of the prepared data set),
             where (column: value, which clips of the sets; all if nothing is said),
             controls (what the sets' clips were played under: format, a folder of data/formats/, of words the first;
             files, a folder of control files, where the clips are named after these),
             clips (how many, 0: all; report.clips if nothing is said),
             behind (tables whose cells these sounds stand behind; all if nothing is said)

Patterns are paths from the root of the project. Of words that end in "seed", sounds and points have the first only.
"""

import re
from itertools import product
from pathlib import Path
from typing import Any

from etude.errors import UserError
from etude.pipeline.workflow import read_yaml
from stages.generate.controlled_sets import word as as_word

OVERVIEW = "overview"
SPEC = Path("stages/report/pages/overview.yaml")
KEYS = {"over", "curves", "points", "listen", "protocols"}
GROUP = {"title", "says", "sets", "originals", "where", "behind", "controls", "clips"}
CONTROLS = {"format", "files"}
CHOICE = {"of", "where", "unless", "among", "take"}
WORD = re.compile(r"\{(\w+)\}")


def specifications(papers: Path = Path("papers"), overview: Path = SPEC) -> dict[str, dict[str, Any]]:
    """The block `page` of every paper that has one, by its name, and the overview's. Raises ``UserError``."""
    found = {OVERVIEW: (overview, read_yaml(overview))}
    for path in sorted(papers.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        if re.search(r"^page:", text, re.MULTILINE):  # most files have none, and every reading of the rules comes here
            found[path.stem] = (path, read_yaml(path)["page"] or {})
    for path, page in found.values():
        _check(path, page)
    return {name: page for name, (_, page) in found.items()}


def _check(path: Path, page: dict[str, Any]) -> None:
    for keys, known, where in [
        (page, KEYS, "page"),
        *((group, GROUP, "page.listen") for group in page.get("listen", [])),
        *((group.get("controls", {}), CONTROLS, "page.listen.controls") for group in page.get("listen", [])),
        *((one, CHOICE, "page.over") for one in page.get("over", {}).values() if isinstance(one, dict)),
    ]:
        if unknown := sorted(set(keys) - known):
            raise UserError(f"{path}: {where} has a key {unknown[0]!r}; it may have {', '.join(sorted(known))}")
    curves = page.get("curves", [])
    patterns = [*(curves.values() if isinstance(curves, dict) else curves), *page.get("points", [])]
    patterns += [text for group in page.get("listen", []) for pair in group["sets"].items() for text in pair]
    patterns += [text for group in page.get("listen", []) for text in group.get("controls", {}).values()]
    for pattern in patterns:
        if unknown := set(WORD.findall(pattern)) - set(page.get("over", {})):
            raise UserError(f"{path}: {pattern!r} has a word {unknown.pop()!r} that page.over does not explain")


class Plan:
    """A page's specification with the words of ``params`` filled in; paths get ``root`` in front."""

    def __init__(self, page: dict[str, Any], params: dict[str, Any], root: str = "") -> None:
        self.page, self.root = page, root
        self.words = {name: _look_up(params, where) for name, where in page.get("over", {}).items()}
        self.first = {name: words[:1] if name.endswith("seed") else words for name, words in self.words.items()}

    @property
    def datasets(self) -> list[str]:
        """Those of which something is to be heard."""
        return list(self.words.get("dataset", [])) if self.page.get("listen") or self.page.get("points") else []

    @property
    def protocols(self) -> str:
        """The table of how FADs were measured; empty where the page names none."""
        path = self.page.get("protocols", "")
        return path and self.root + path

    def curves(self) -> list[dict[str, str]]:
        """``path`` of each loss.csv, the words in it, and its ``figure`` where the page names several."""
        curves = self.page.get("curves", [])
        if not isinstance(curves, dict):
            return self._all(curves, self.words)
        return [
            one | {"figure": title} for title, pattern in curves.items() for one in self._all([pattern], self.words)
        ]

    def points(self, dataset: str | None = None) -> list[dict[str, str]]:
        """``path`` of each table of coordinates, and the words in it."""
        words = self.first | ({"dataset": [dataset]} if dataset else {})
        return self._all(self.page.get("points", []), words)

    def listen(self, dataset: str) -> list[dict[str, Any]]:
        """The groups of sounds of ``dataset`` that have any: as specified, with `sets` a list of label and folder."""
        words = self.first | {"dataset": [dataset]}
        groups = [
            {"says": "", "originals": {}, "where": {}}
            | group
            | {"sets": [one for pair in group["sets"].items() for one in self._sets(*pair, words)]}
            | ({"controls": self._controls(group["controls"], words)} if "controls" in group else {})
            for group in self.page.get("listen", [])
        ]
        return [group for group in groups if group["sets"]]

    def _controls(self, controls: dict[str, str], words: dict[str, list[str]]) -> dict[str, str]:
        """`format` a folder that the run makes, `files` one of the project."""
        first = {name: values[:1] for name, values in words.items()}
        found = {key: path for key, pattern in controls.items() for _, path in _fill(pattern, first)}
        return found | {"format": self.root + found["format"]}

    def _all(self, patterns: list[str], words: dict[str, list[str]]) -> list[dict[str, str]]:
        return [chosen | {"path": self.root + path} for one in patterns for chosen, path in _fill(one, words)]

    def _sets(self, label: str, pattern: str, words: dict[str, list[str]]) -> list[dict[str, str]]:
        filled = [(label.format_map(chosen), chosen, path) for chosen, path in _fill(pattern, words)]
        names = [name for name, _, _ in filled]
        return [
            {
                # Where a label does not tell two sets apart, the words of their paths do.
                "label": name if names.count(name) == 1 else f"{name} ({', '.join(_telling(chosen, filled))})",
                "folder": self.root + path,
            }
            for name, chosen, path in filled
        ]


def _telling(chosen: dict[str, str], filled: list[tuple[str, dict[str, str], str]]) -> list[str]:
    return [word for key, word in chosen.items() if len({other[key] for _, other, _ in filled}) > 1]


def _fill(pattern: str, words: dict[str, list[str]]) -> list[tuple[dict[str, str], str]]:
    names = list(dict.fromkeys(WORD.findall(pattern)))
    chosen = [dict(zip(names, values, strict=True)) for values in product(*(map(str, words[name]) for name in names))]
    return [(one, pattern.format_map(one)) for one in chosen]


def _look_up(params: dict[str, Any], where: str | dict[str, Any]) -> list[Any]:
    """The words that ``where`` stands for, each once."""
    if isinstance(where, dict):
        return _choose(params, **where)
    found = _at(params, where)
    return [as_word(one) if isinstance(one, float) else one for one in (found if _many(found) else [found])]


def _choose(
    params: dict[str, Any],
    of: str,
    where: dict[str, Any] | None = None,
    unless: dict[str, Any] | None = None,
    among: str | None = None,
    take: str | None = None,
) -> list[Any]:
    """Names, or the values of key ``take``, of those entries that are as the page says."""
    entries = _at(params, of)
    named = entries if among is None else _at(params, among)
    chosen = [
        name
        for name, entry in entries.items()
        if name in named
        and all(entry.get(key) == value for key, value in (where or {}).items())
        and not any(entry.get(key) == value for key, value in (unless or {}).items())
    ]
    values = [entries[name].get(take) for name in chosen] if take else chosen
    return list(dict.fromkeys(as_word(one) if isinstance(one, float) else one for one in values))


def _at(params: dict[str, Any], where: str) -> Any:
    found: Any = params
    for key in where.split("."):
        if not isinstance(found, dict) or key not in found:
            raise UserError(f"page.over: params.yaml has no {where}")
        found = found[key]
    return found


def _many(found: Any) -> bool:
    return isinstance(found, list | dict | tuple)
