"""docs/params.md: every key of params.yaml with its meaning, unit, source and values, from the schema that checks them.

    python -m etude.config.reference            writes docs/params.md
    python -m etude.config.reference --check    says whether it is what the schema gives

The text under a field of ``etude/config/schema/`` is its meaning: ``meaning [unit] (source)``. A source is a numbered
thing that a paper says or leaves open, P-.. of Pichard 2024, M-.. of Manté 2024. The values are those of params.yaml.
"""

import argparse
import ast
import functools
import inspect
import itertools
import re
import sys
import types
import typing
from pathlib import Path
from typing import Any

import yaml

from etude.config.datasets import overlay
from etude.config.schema import PLUGIN_BLOCKS, READER_BLOCKS, Block, Params
from etude.config.variants import VARIANTS
from etude.pipeline.files import atomic

PAGE = Path("docs/params.md")
SCALES = ("smoke", "laptop", "large", "paper")
ABOUT = re.compile(r"(?P<meaning>.*?)(?: \[(?P<unit>[^\]]+)\])?(?: \((?P<source>[PM]-\d\d[PM\d, to-]*)\))?", re.DOTALL)
ABSENT = object()  # a scale does not have that key
HEAD = """\
# Every key of params.yaml

Written by `python -m etude.config.reference` from the schema that checks `params.yaml` (`etude/config/schema/`) and
from that file itself; a test fails when they differ. Do not edit it.

A value is that of the scale; an empty cell means: as `laptop`. *variant* stands for null, which `variant` fills in;
the [last table](#what-variant-fills-in) says with what. A source is the number of what a paper says or leaves open:
P-.. of Pichard 2024, M-.. of Manté 2024, as in the code; where none stands, the key is ours. `<name>` in a heading is
a name that the file gives.
"""


def page(root: Path = Path(".")) -> str:
    """The text of docs/params.md for the params.yaml in ``root``."""
    raw = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    scales = raw.pop("scales")
    values = [overlay(raw, scales.get(scale, {}) if scale != "laptop" else {}) | {"scale": scale} for scale in SCALES]
    text = "\n".join([HEAD, *_block("", Params, values), *_variants()])
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _block(path: str, model: type[Block], values: list[Any]) -> list[str]:
    """A heading, a row per key, then the blocks below, for the block at ``path`` with its ``values`` per scale."""
    rows, below = [], []
    for key, field in model.model_fields.items():
        here = [_get(value, key) for value in values]
        where = f"{path}.{key}" if path else key
        about = ABOUT.fullmatch(_meanings(model)[key])
        if about is None:
            raise ValueError(f"{model.__name__}.{key}: a text that is not `meaning [unit] (source)`")
        inside = _inside(where, field.annotation, here)
        if inside and not path:  # a block of the file: its heading says it
            own = isinstance(field.annotation, type)
            below += inside if own else ["", f"## `{key}`", "", f"{about['meaning'].capitalize()}.", *inside]
            continue
        below += inside
        cells = [""] * len(SCALES) if inside else _cells(where, here)
        rows.append([f"`{key}`", about["meaning"], about["unit"] or "", about["source"] or "", *cells])
    heading = ["", "#" * min(2 + path.count("."), 4) + f" {f'`{path}`' if path else 'What all hangs on'}", ""]
    text = inspect.getdoc(model)
    says = [" ".join(text.split()), ""] if text and path else []
    return [*heading, *says, *_table(["key", "meaning", "unit", "source", *SCALES], rows), *below] if rows else below


def _inside(path: str, annotation: Any, values: list[Any]) -> list[str]:
    """The text of the blocks below a key, if it holds blocks."""
    if isinstance(annotation, type) and issubclass(annotation, Block):
        return _block(path, annotation, values)
    named = READER_BLOCKS if path == "prepare.readers" else PLUGIN_BLOCKS.get(path, {})
    if named:
        below = [_block(f"{path}.{key}", model, [_get(v, key) for v in values]) for key, model in named.items()]
        return [line for lines in below for line in lines]
    models = [m for m in _models(annotation) if isinstance(m, type) and issubclass(m, Block)]
    if typing.get_origin(annotation) is not dict or not models:
        return []
    lines = _described(f"{path}.<name>", models[0])
    names = list(dict.fromkeys(name for value in values if value not in (ABSENT, None) for name in value))
    rows = [[f"`{name}`", *_cells(f"{path}.{name}", [_get(value, name) for value in values])] for name in names]
    return [*lines, f"As params.yaml has them, in `{path}`:", "", *_table(["name", *SCALES], rows)]


def _described(path: str, model: type[Block]) -> list[str]:
    """Meanings alone, of a block of which params.yaml has many by name."""
    rows = []
    for key in model.model_fields:
        about = ABOUT.fullmatch(_meanings(model)[key])
        rows.append([f"`{key}`", about["meaning"], about["unit"] or "", about["source"] or ""])
    heading = "#" * min(2 + path.count("."), 4)
    says = " ".join((inspect.getdoc(model) or "").split())
    return ["", f"{heading} `{path}`", "", says, "", *_table(["key", "meaning", "unit", "source"], rows)]


def _models(annotation: Any) -> list[Any]:
    """What a mapping's values are, without what stands around it."""
    value = (typing.get_args(annotation) or (None,))[-1]
    return list(typing.get_args(value)) if isinstance(value, types.UnionType) else [value]


def _cells(path: str, values: list[Any]) -> list[str]:
    laptop = values[SCALES.index("laptop")]
    return [
        "" if scale != "laptop" and value == laptop else _written(path, value)
        for scale, value in zip(SCALES, values, strict=True)
    ]


def _written(path: str, value: Any) -> str:
    if value is ABSENT:
        return ""
    if value is None:
        return "*variant*" if any(path in keys for keys in VARIANTS.values()) else "`null`"
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True).strip()
    return f"`{text.removesuffix('...').strip()}`"


def _get(value: Any, key: str) -> Any:
    return value.get(key, ABSENT) if isinstance(value, dict) else ABSENT


def _variants() -> list[str]:
    keys = list(VARIANTS["corrected"])
    rows = [[f"`{key}`", *(f"`{VARIANTS[name].get(key)}`" for name in VARIANTS)] for key in keys]
    return ["", "## What variant fills in", "", *_table(["key", *VARIANTS], rows)]


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines] + [""]


@functools.cache
def _meanings(model: type[Block]) -> dict[str, str]:
    """Key -> the text under its field, in ``model`` and in what it inherits."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base is Block or not issubclass(base, Block):
            continue
        body = ast.parse(inspect.getsource(base)).body[0].body
        for field, text in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                found[field.target.id] = " ".join(str(text.value.value).split())
    if silent := [key for key in model.model_fields if not found.get(key)]:
        raise ValueError(f"{model.__name__} in etude/config/schema/ does not say what {', '.join(silent)} means")
    return found


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m etude.config.reference", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if the page is out of date")
    arguments = parser.parse_args(argv)
    text = page()
    if not arguments.check:
        with atomic(PAGE) as path:
            path.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE} is not what the schema gives; `python -m etude.config.reference` writes it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
