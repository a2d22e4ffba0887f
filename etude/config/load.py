"""From the raw mapping of params.yaml to checked parameters of one scale."""

import copy
import difflib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

import etude
from etude.config.cells import check_cells, described_cell
from etude.config.datasets import overlay, prepare_settings
from etude.config.schema import PLUGIN_BLOCKS, READER_BLOCKS, Canonical, Params
from etude.config.variants import VARIANTS
from etude.errors import UserError
from etude.pipeline.workflow import manifest_entry

LIBRARY = Path(etude.__file__).parent
READERS = LIBRARY.parent / "stages/prepare/sources"
PLUGIN_FOLDERS = {
    "codec": LIBRARY / "codecs",
    "systems": LIBRARY / "systems",
    "judge": LIBRARY / "embeddings",
    "metrics": LIBRARY / "metrics",
}


def resolve(raw: dict[str, Any], root: Path = Path(".")) -> dict[str, Any]:
    """Checked parameters of the scale that ``raw["scale"]`` names, as plain dicts.

    The blocks of ``raw`` are overlaid with those of ``raw["scales"][scale]``, checked against the schema, and what is
    null is filled in by ``variant``. ``root`` is the project's folder (for data/sources/). Raises ``UserError``: one
    sentence with the key, what it holds, what it may hold.
    """
    raw = copy.deepcopy(dict(raw))
    overlays = raw.pop("scales", {}) or {}
    scale = raw.get("scale")
    if isinstance(scale, str) and scale != "laptop":
        if scale not in overlays:
            _refuse("scale", f"is {scale!r}; it may be laptop, {', '.join(sorted(overlays))}")
        raw = overlay(raw, overlays[scale] or {})
    try:
        checked = Params.model_validate(raw).model_dump()
    except ValidationError as error:
        raise _sentence(error, Params) from None
    for family, blocks in PLUGIN_BLOCKS.items():
        _check_plugin_blocks(checked[family], family, blocks, root)
    _check_readers(checked["prepare"], root)
    _add_ablations(checked, root)
    _check_grid(checked, root)
    _check_formats(checked)
    check_cells(checked)
    _check_paradigms(checked)
    _apply_variant(checked)
    return checked


def _check_plugin_blocks(given: dict[str, Any], family: str, blocks: dict[str, type[BaseModel]], root: Path) -> None:
    for name, block in given.items():
        if name in blocks:
            try:
                blocks[name].model_validate(block)
            except ValidationError as error:
                raise _sentence(error, blocks[name], (family, name)) from None
        elif not _plugin_exists(family, name, root):
            known = sorted(set(blocks) | set(_plugins(family, root)))
            _refuse(f"{family}.{name}", "is not known" + _hint(name, known))


def _check_readers(prepare: dict[str, Any], root: Path) -> None:
    """What a reader or a data set changes must leave a whole block, with the keys that its reader knows."""
    known = sorted(path.stem for path in READERS.glob("*.py"))
    for name in prepare["readers"]:
        if name not in known:
            _refuse(f"prepare.readers.{name}", "is not known" + _hint(name, known))
        _check_prepared(prepare, "", name, ("prepare", "readers", name))
    for name in prepare["datasets"]:
        if not _plugin_exists("fetch", name, root):
            _refuse(f"prepare.datasets.{name}", "is not a data set" + _hint(name, _plugins("fetch", root)))
        reader = manifest_entry(root / f"data/sources/{name}.yaml", "reader")
        _check_prepared(prepare, name, reader, ("prepare", "datasets", name))


def _check_prepared(prepare: dict[str, Any], dataset: str, reader: str | None, path: tuple[str, ...]) -> None:
    model = READER_BLOCKS.get(reader, Canonical)
    try:
        model.model_validate(prepare_settings(prepare, dataset, reader))
    except ValidationError as error:
        raise _sentence(error, model, path) from None


def _add_ablations(params: dict[str, Any], root: Path) -> None:
    """An ablation has the block of the system it is held against, and no other: its code is the one difference."""
    systems = params["systems"]
    for name, base in params["ablated_systems"].items():
        if not _plugin_exists("systems", name, root):
            _refuse(f"ablated_systems.{name}", "is not known" + _hint(name, _plugins("systems", root)))
        if name in systems:
            _refuse(f"systems.{name}", f"is given, but as an ablation it has the block of systems.{base}; remove it")
        if base not in systems:
            known = _hint(base, sorted(systems))
            _refuse(f"ablated_systems.{name}", f"is {base!r}, and there is no systems.{base}" + known)
        systems[name] = systems[base]


def _check_grid(params: dict[str, Any], root: Path) -> None:
    grid = params["grid"]
    families = {
        "datasets": "fetch",
        "codecs": "codec",
        "systems": "systems",
        "embeddings": "judge",
        "metrics": "metrics",
    }
    for key, family in families.items():
        for name in grid[key]:
            if not _plugin_exists(family, name, root):
                where = "data/sources/*.yaml" if family == "fetch" else f"etude/{PLUGIN_FOLDERS[family].name}/*.py"
                _refuse(
                    f"grid.{key}", f"names {name!r}, and {where} has no such file" + _hint(name, _plugins(family, root))
                )
            if family not in ("fetch", "metrics") and name not in params[family]:
                _refuse(f"{family}.{name}", f"is missing: grid.{key} names it, so it needs a block of its own")
        if len(set(grid[key])) < len(grid[key]):
            _refuse(f"grid.{key}", f"lists something twice: {grid[key]}")
    for path, seeds in {"grid.seeds": grid["seeds"], "priors.seeds": params["priors"]["seeds"]}.items():
        if len(set(seeds)) < len(seeds):
            _refuse(path, f"lists something twice: {seeds}")
    for name in params["report"]["papers"]:
        if not (root / "papers" / f"{name}.yaml").is_file():
            known = sorted(path.name for path in (root / "papers").glob("*.yaml"))
            papers = [path.removesuffix(".yaml") for path in known if not path.endswith("_claims.yaml")]
            _refuse("report.papers", f"names {name!r}, and there is no papers/{name}.yaml" + _hint(name, papers))
    for name in grid["priors"]:
        if name not in grid["systems"]:
            _refuse("grid.priors", f"names {name!r}, which is not in grid.systems" + _hint(name, grid["systems"]))


def _check_formats(params: dict[str, Any]) -> None:
    for name, block in params["formats"].items():
        if block["codec"] not in params["codec"]:
            known = _hint(block["codec"], sorted(params["codec"]))
            _refuse(f"formats.{name}.codec", f"is {block['codec']!r}, and there is no such block in codec{known}")


def _check_paradigms(params: dict[str, Any]) -> None:
    """What a cell changes of its system must leave a whole block."""
    for name, cell in params["mante2024"]["cells"].items():
        if model := PLUGIN_BLOCKS["systems"].get(cell["system"]):
            try:
                model.model_validate(described_cell(params, name, 0)["block"])
            except ValidationError as error:
                raise _sentence(error, model, ("mante2024", "cells", name, "paradigm")) from None


def _plugins(family: str, root: Path) -> list[str]:
    if family == "fetch":
        return sorted(path.stem for path in (root / "data/sources").glob("*.yaml"))
    return sorted(path.stem for path in PLUGIN_FOLDERS[family].glob("*.py") if not path.stem.startswith("_"))


def _plugin_exists(family: str, name: str, root: Path) -> bool:
    return name in _plugins(family, root)


def _apply_variant(params: dict[str, Any]) -> None:
    for path, value in VARIANTS[params["variant"]].items():
        *folders, key = path.split(".")
        block = params
        for folder in folders:
            block = block.get(folder, {})
        if key in block and block[key] is None:
            block[key] = value


def _sentence(error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...] = ()) -> UserError:
    """The first complaint of pydantic in one sentence of ours."""
    first = error.errors()[0]
    path = ".".join(map(str, (*prefix, *first["loc"])))
    if first["type"] == "extra_forbidden":
        known = _fields(model, first["loc"][:-1])
        return UserError(f"params.yaml: {path} is not a known key" + _hint(str(first["loc"][-1]), known))
    if first["type"] == "missing":
        return UserError(f"params.yaml: {path} is missing; the file in the repository shows where it belongs")
    found = f", found {first['input']!r}" if not isinstance(first["input"], dict) else ""
    return UserError(f"params.yaml: {path or 'a block'}: {first['msg'][0].lower()}{first['msg'][1:]}{found}")


def _fields(model: type[BaseModel], location: tuple) -> list[str]:
    """Keys that the block at ``location`` of ``model`` may have."""
    for key in location:
        annotation = model.model_fields[key].annotation if key in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return sorted(model.model_fields)


def _hint(name: str, known: list[str]) -> str:
    if close := difflib.get_close_matches(name, known, n=1):
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(known)}" if known else ""


def _refuse(path: str, what: str) -> None:
    raise UserError(f"params.yaml: {path} {what}")
