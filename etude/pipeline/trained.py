"""Where the pipeline keeps a trained system, and how to get it when it is not there."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from etude.config import resolve
from etude.errors import UserError


@dataclass(frozen=True)
class Trained:
    """Names and files of one trained system, and the parameters it was made with (those of params.yaml, checked)."""

    dataset: str
    codec: str
    system: str
    seed: int
    params: dict[str, Any]
    root: Path

    @property
    def weights(self) -> Path:
        return (
            self.root
            / "models/systems"
            / self.dataset
            / self.codec
            / self.system
            / str(self.seed)
            / "weights.safetensors"
        )

    @property
    def codec_facts(self) -> Path:
        return self.root / "models/codecs" / self.dataset / self.codec / "codec.json"

    @property
    def timbre_facts(self) -> Path:
        """timbre.json of the timbre metric; it may not be there."""
        return self.root / "models/timbre" / self.dataset / "timbre.json"

    def __str__(self) -> str:
        return f"{self.system} on {self.dataset} ({self.codec}, seed {self.seed})"


def add_trained_arguments(parser: ArgumentParser) -> None:
    """Options that say which trained system is meant; :func:`find_trained` reads them."""
    group = parser.add_argument_group("the trained system")
    group.add_argument("--system", default="msdae", help="default: %(default)s")
    group.add_argument("--dataset", help="what it was trained on (default: the first of grid.datasets in params.yaml)")
    group.add_argument("--codec", help="default: the first of grid.codecs")
    group.add_argument("--model-seed", type=int, help="seed of its training (default: the first of grid.seeds)")
    group.add_argument("--scale", help="smoke, laptop, large or paper (default: the one in params.yaml)")


def find_trained(arguments: Namespace, directory: Path = Path(".")) -> Trained:
    """The system that ``arguments`` mean, below the project's folder ``directory``.

    Raises ``UserError``, with the command that trains it, when its weights are not there.
    """
    params, root = project(arguments.scale, directory)
    grid = params["grid"]
    seed = arguments.model_seed
    trained = Trained(
        dataset=arguments.dataset or grid["datasets"][0],
        codec=arguments.codec or grid["codecs"][0],
        system=arguments.system,
        seed=grid["seeds"][0] if seed is None else seed,
        params=params,
        root=root,
    )
    # The other systems have no levels that could be exchanged: they generate under controls.
    systems = [name for name, block in params["systems"].items() if "encoder" in block]
    for name, block in (("codec", params["codec"]), ("system", systems)):
        if (asked := getattr(trained, name)) not in block:
            raise UserError(f"--{name} {asked}: params.yaml describes no such {name}, only {', '.join(sorted(block))}")
    refuse_missing([trained.weights, trained.codec_facts], trained, arguments.scale)
    return trained


@dataclass(frozen=True)
class TrainedCell:
    """A trained cell of mante2024: its names and files, and the parameters it was made with."""

    dataset: str
    cell: str
    seed: int
    params: dict[str, Any]
    root: Path

    @property
    def block(self) -> dict[str, Any]:
        """The cell's own block."""
        return self.params["mante2024"]["cells"][self.cell]

    @property
    def codec(self) -> str:
        return self.params["formats"][self.block["format"]]["codec"]

    @property
    def weights(self) -> Path:
        return self.root / "models/controlled" / self.dataset / self.cell / str(self.seed) / "weights.safetensors"

    @property
    def codec_facts(self) -> Path:
        return self.root / "models/codecs" / self.dataset / self.codec / "codec.json"

    @property
    def format_folder(self) -> Path:
        return self.root / "data/formats" / self.dataset / self.block["format"]

    @property
    def prepared(self) -> Path:
        """index.csv of the data set."""
        return self.root / "data/prepared" / self.dataset / "index.csv"

    @property
    def judge(self) -> Path:
        """judge.json of gm_cnn, which tells instruments; it may not be there."""
        return self.root / "models/judges" / self.dataset / "gm_cnn/judge.json"

    def __str__(self) -> str:
        return f"{self.cell} on {self.dataset} (seed {self.seed})"


def add_cell_arguments(parser: ArgumentParser) -> None:
    """Options that say which trained cell is meant; :func:`find_cell` reads them."""
    group = parser.add_argument_group("the trained system")
    group.add_argument("--system", default="edm_best", metavar="CELL", help="of mante2024.cells (default: %(default)s)")
    group.add_argument("--dataset", help="what it was trained on (default: the first of mante2024.datasets)")
    group.add_argument("--model-seed", type=int, help="seed of its training (default: the first of mante2024.seeds)")
    group.add_argument("--scale", help="smoke, laptop or paper (default: the one in params.yaml)")


def find_cell(arguments: Namespace, directory: Path = Path(".")) -> TrainedCell:
    """The cell that ``arguments`` (system, dataset, model_seed, scale) mean, below the project's folder ``directory``.

    Raises ``UserError``, with the command that trains it, when its weights are not there.
    """
    params, root = project(arguments.scale, directory)
    mante, seed = params["mante2024"], arguments.model_seed
    if arguments.system not in mante["cells"]:
        raise UserError(
            f"--system {arguments.system}: mante2024.cells in params.yaml describes no such cell, only "
            f"{', '.join(mante['cells'])}"
        )
    trained = TrainedCell(
        dataset=arguments.dataset or mante["datasets"][0],
        cell=arguments.system,
        seed=mante["seeds"][0] if seed is None else seed,
        params=params,
        root=root,
    )
    files = [trained.weights, trained.codec_facts, trained.format_folder / "format.json"]
    refuse_missing(files, trained, arguments.scale)
    return trained


def project(scale: str | None, directory: Path) -> tuple[dict[str, Any], Path]:
    """The checked parameters of the project in ``directory`` at ``scale`` (None: its own), and the folder that data/,
    models/ and reports/ of that scale lie in."""
    path = directory / "params.yaml"
    if not path.exists():
        raise UserError(f"no params.yaml in {directory.resolve()}; run this in the root of the project")
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    params = resolve(raw | ({"scale": scale} if scale else {}), directory)
    return params, directory / ("runs/smoke" if params["scale"] == "smoke" else "")


def refuse_missing(files: Iterable[Path], trained: Trained | TrainedCell, scale: str | None) -> None:
    """Raise ``UserError`` for the first of ``files`` that is not there."""
    for file in files:
        if not file.exists():
            option = f" --scale {scale}" if scale else ""
            raise UserError(f"{file}: not there, so {trained} cannot play; `etude run{option} {file}` makes it")
