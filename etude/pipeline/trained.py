"""Where the pipeline keeps a trained system, and how to get it when it is not there."""

from argparse import ArgumentParser, Namespace
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
    path = directory / "params.yaml"
    if not path.exists():
        raise UserError(f"no params.yaml in {directory.resolve()}; run this in the root of the project")
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    params = resolve(raw | ({"scale": arguments.scale} if arguments.scale else {}), directory)
    grid = params["grid"]
    seed = arguments.model_seed
    trained = Trained(
        dataset=arguments.dataset or grid["datasets"][0],
        codec=arguments.codec or grid["codecs"][0],
        system=arguments.system,
        seed=grid["seeds"][0] if seed is None else seed,
        params=params,
        root=directory / ("runs/smoke" if params["scale"] == "smoke" else ""),
    )
    for name, block in (("codec", params["codec"]), ("system", params["systems"])):
        if (asked := getattr(trained, name)) not in block:
            raise UserError(f"--{name} {asked}: params.yaml describes no such {name}, only {', '.join(sorted(block))}")
    if missing := [str(file) for file in (trained.weights, trained.codec_facts) if not file.exists()]:
        scale = f" --scale {arguments.scale}" if arguments.scale else ""
        raise UserError(f"{missing[0]}: not there, so {trained} cannot play; `etude run{scale} {missing[0]}` makes it")
    return trained
