"""The manifest of a data set, ``data/sources/<name>.yaml``: what it is, where it comes from, what must be there."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from etude.errors import UserError

Text = Annotated[str, Field(min_length=1)]
Hex = r"^[0-9a-f]+$"


class Block(BaseModel):
    """Unknown keys are errors, values are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Download(Block):
    """One file to fetch. At least one of ``sha256``, ``md5``, ``bytes`` should be known; null is unknown."""

    url: Text
    sha256: Annotated[str, Field(pattern=Hex, min_length=64, max_length=64)] | None
    md5: Annotated[str, Field(pattern=Hex, min_length=32, max_length=32)] | None = None
    bytes: Annotated[int, Field(gt=0)] | None
    unpack: Literal["tar", "zip"] | None

    @property
    def name(self) -> str:
        """File name: the last part of the address, without its query."""
        return self.url.partition("?")[0].rstrip("/").rpartition("/")[2]


class Size(Block):
    """About how large a data set is, for `etude cost`: ``clips``, or ``hours`` to cut into clips; ``gigabytes``."""

    clips: Annotated[int, Field(gt=0)] | None = None
    hours: Annotated[float, Field(gt=0)] | None = None
    gigabytes: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _one_of_two(self) -> "Size":
        if (self.clips is None) == (self.hours is None):
            raise ValueError("size needs either clips or hours")
        return self


class Source(Block):
    """A data set. ``expect`` maps patterns of paths to how many files must match (0: at least one). ``judged_by`` names
    the data set whose labels teach its judges, when its own are none or too few."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Text
    version: Text
    licence: Text
    cite: Text
    homepage: Text
    access: Literal["embedded", "open", "manual"]
    reader: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    maker: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    files: list[Download] = []
    place: Text | None = None
    how: Text | None = None
    expect: dict[Text, Annotated[int, Field(ge=0)]] = Field(min_length=1)
    size: Size | None = None
    judged_by: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    splits: Text
    reference: Text

    @model_validator(mode="after")
    def _complete(self) -> "Source":
        needed = {"embedded": ["maker"], "open": ["files"], "manual": ["place", "how"]}[self.access]
        if missing := [key for key in needed if not getattr(self, key)]:
            raise ValueError(f"access {self.access} needs {' and '.join(missing)}")
        return self


def read_source(path: Path) -> Source:
    """Read and check a manifest. Raises ``UserError`` with the key that is wrong."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml"))) or "none"
        raise UserError(f"{path}: no such manifest of a data set; there are {known}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as YAML ({' '.join(str(error).split())}); correct it") from None
    if not isinstance(value, dict):
        raise UserError(f"{path}: found {type(value).__name__}, expected a mapping with name, title, ...; correct it")
    try:
        source = Source.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the manifest"
        allowed = f"; a manifest has {', '.join(Source.model_fields)}" if first["type"] == "extra_forbidden" else ""
        raise UserError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}{allowed}") from None
    if source.name != path.stem:
        raise UserError(f"{path}: name is {source.name!r}, it must be that of the file, {path.stem!r}")
    return source
