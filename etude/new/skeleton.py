"""Skeletons: template files with a name put in, written all or not at all."""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from etude.config import resolve
from etude.errors import UserError

TEMPLATES = Path(__file__).parent / "templates"
# Kind -> the list of params.yaml in which its name is a word, and the block that holds its settings ("": it has none).
KINDS = {
    "dataset": ("grid.datasets", ""),
    "system": ("grid.systems", "systems"),
    "codec": ("grid.codecs", "codec"),
    "metric": ("grid.metrics", ""),
}
PLACEHOLDER, CLASS = "skeleton", "Skeleton"
BLOCK = "params.yaml"  # of a template: lines for the block of params.yaml, not a file of the project
# Sets of clips that are no system's are called so, or begin so, where systems are: data/generated/<...>/round_trip/.
TAKEN = re.compile(r"(round_trip|codec|bounds|halves|skeleton|(untrained|prior|gaussian|seen)_.*|.*_without_.*)")


@dataclass(frozen=True)
class Skeleton:
    """What `etude new` writes: ``files`` by path below the root, and ``block``, lines for params.yaml."""

    kind: str
    name: str
    files: dict[str, str]
    block: str = ""
    remarks: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, kind: str, name: str, root: Path, template: str | None = None) -> "Skeleton":
        """The skeleton of ``kind`` called ``name``. Raises ``UserError`` for a name that is bad or in use."""
        check_name(kind, name, root)
        folder = TEMPLATES / (template or kind)
        texts = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in _files(folder)}
        named = {_named(path, name): _named(text, name) for path, text in texts.items()}
        block = named.pop(BLOCK, "")
        return cls(kind, name, named, block)

    @property
    def test(self) -> str:
        """Path of the skeleton's test."""
        return next(path for path in self.files if path.startswith("tests/"))

    @property
    def next_step(self) -> str:
        return f"One word is left to you: in params.yaml, add to {KINDS[self.kind][0]}"

    def filled(self, **values: str) -> "Skeleton":
        """With every ``{{key}}`` in its files replaced."""
        files = self.files
        for key, value in values.items():
            files = {path: text.replace("{{" + key + "}}", value) for path, text in files.items()}
        return replace(self, files=files)

    def write(self, root: Path) -> list[str]:
        """Write everything below ``root``; the paths written. Nothing that is there is overwritten."""
        present = [path for path in self.files if (root / path).exists()]
        if present:
            raise UserError(f"{present[0]} is there already: remove it, or choose another name than {self.name!r}")
        params = root / "params.yaml"
        before = params.read_text(encoding="utf-8")
        written: list[str] = []
        try:
            for path, text in self.files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                written.append(path)  # before it is, so that a half-written one goes, too
                (root / path).write_text(text, encoding="utf-8")
            if self.block:
                params.write_text(with_block(before, KINDS[self.kind][1], self.block), encoding="utf-8")
                resolve(yaml.safe_load(params.read_text(encoding="utf-8")), root)
                written.append(f"the block {KINDS[self.kind][1]}.{self.name} of params.yaml")
        except BaseException:
            for path in self.files:
                if path in written:
                    (root / path).unlink(missing_ok=True)
            if self.block:
                params.write_text(before, encoding="utf-8")
            raise
        return written


def check_name(kind: str, name: str, root: Path) -> None:
    """Refuse a ``name`` that could not be a word of params.yaml and a Python module, or is taken."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UserError(
            f"{name!r} cannot be the name of a {kind}: wanted are a lower-case letter, then letters, digits and _, "
            "and no word of Python"
        )
    if TAKEN.fullmatch(name):
        raise UserError(f"{name!r} cannot be the name of a {kind}: sets of clips are called so; choose another")
    places = {
        "dataset": [f"data/sources/{name}.yaml", f"stages/prepare/sources/{name}.py", f"stages/fetch/makers/{name}.py"],
        "system": [f"etude/systems/{name}.py"],
        "codec": [f"etude/codecs/{name}.py"],
        "metric": [f"etude/metrics/{name}.py"],
    }[kind]
    if found := [place for place in places if (root / place).exists()]:
        raise UserError(f"{found[0]} is there already: edit it, or choose another name than {name!r}")


def with_block(params: str, family: str, block: str) -> str:
    """The text ``params`` with ``block`` (its lines not yet indented) at the end of the mapping ``family``."""
    lines = params.splitlines(keepends=True)
    try:
        start = next(number for number, line in enumerate(lines) if re.match(rf"{family}:", line))
    except StopIteration:
        raise UserError(f"params.yaml: no block `{family}:` found to put the new one into; add it") from None
    end = next((number for number in range(start + 1, len(lines)) if re.match(r"[^\s#]", lines[number])), len(lines))
    while end > start + 1 and not re.match(r"\s+\S", lines[end - 1]):  # empty lines and remarks belong to what follows
        end -= 1
    if not lines[end - 1].endswith("\n"):
        lines[end - 1] += "\n"
    indented = [f"  {line}" if line.strip() else line for line in block.splitlines(keepends=True)]
    return "".join([*lines[:end], *indented, *lines[end:]])


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)


def _named(text: str, name: str) -> str:
    camel = "".join(part.capitalize() for part in name.split("_"))
    return text.replace(CLASS, camel).replace(PLACEHOLDER, name)
