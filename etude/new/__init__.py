"""`etude new`: a data set, system, codec or metric that works and is tested from the first minute, to be edited then.

    etude new dataset NAME --from FOLDER    a folder of sound files, read as it is
    etude new dataset NAME                  manifest, reader and test of a format of your own
    etude new system | codec | metric NAME  a module, its block of params.yaml, its test

The templates in ``etude/new/templates/<kind>/`` are real files at the paths where they will lie; tests make each of
them and run what it makes.
"""

import argparse
from pathlib import Path

from etude.errors import UserError
from etude.new.dataset import from_folder
from etude.new.skeleton import KINDS, Skeleton


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `etude new`."""
    parser.add_argument("kind", choices=sorted(KINDS), help="what to add")
    parser.add_argument("name", help="its name: lower-case letters, digits and _, as it will stand in params.yaml")
    parser.add_argument(
        "--from", dest="folder", metavar="FOLDER", help="dataset: a folder of sound files, read as it lies there"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the skeleton and say what the next step is; returns the exit status."""
    root = Path.cwd()
    if not (root / "params.yaml").exists():
        raise UserError(f"no params.yaml in {root}; run this in the root of the project")
    if arguments.folder and arguments.kind != "dataset":
        raise UserError(f"--from is for a dataset; `etude new {arguments.kind} {arguments.name}` needs no folder")
    skeleton = Skeleton.of(arguments.kind, arguments.name, root)
    if arguments.folder:
        skeleton = from_folder(skeleton, Path(arguments.folder), root)
    for path in skeleton.write(root):
        print(f"made {path}")
    for line in skeleton.remarks:
        print(line)
    print(f"\n{skeleton.next_step}\n\n    {arguments.name}\n")
    print(f"`etude run` then makes what is new and nothing else. Its test: python -m pytest {skeleton.test}")
    return 0
