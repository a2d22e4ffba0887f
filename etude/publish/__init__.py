"""`etude publish`: tables and figures of the present run as pages of docs/results/, and the README's columns from them.

    etude run pichard2024 && etude publish && git add docs/results README.md && git commit

What is published is what the reports' jobs wrote, with the provenance that was written down beside it; nothing of it is
an output of the DAG. Each scale has a folder of its own, so that a run on a GPU stands beside one on a laptop.
"""

import argparse
from pathlib import Path

import yaml

from etude.config import resolve
from etude.errors import UserError
from etude.pipeline.files import atomic
from etude.publish.pages import RESULTS, contents, publish
from etude.publish.readme import filled

README = Path("README.md")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `etude publish`."""
    parser.add_argument(
        "--scale", help="of the run to publish: laptop, large or paper (default: the one in params.yaml)"
    )
    parser.add_argument(
        "--readme", action="store_true", help="write the README's tables anew from docs/results/, publish nothing"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the pages; returns the exit status."""
    root = Path.cwd()
    if not (root / "params.yaml").exists():
        raise UserError(f"no params.yaml in {root}; run this in the root of the project")
    if not arguments.readme:
        raw = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
        scale = resolve(raw | ({"scale": arguments.scale} if arguments.scale else {}), root)["scale"]
        if scale == "smoke":
            raise UserError("scale smoke is for trying whether everything runs; its numbers mean nothing to a reader")
        written = publish(root, Path("reports"), scale)
        print(f"etude: {len(written)} files in {RESULTS / scale}/")
    with atomic(root / RESULTS / "README.md") as part:
        part.write_text(contents(root), encoding="utf-8")
    text = (root / README).read_text(encoding="utf-8")
    new = filled(text, root)
    if new != text:
        with atomic(root / README) as part:
            part.write_text(new, encoding="utf-8")
    print(f"etude: {README} {'has its numbers' if new != text else 'is as it was'}; commit it with {RESULTS}/")
    return 0
