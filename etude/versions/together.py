"""`dvc` for many stages that are named, with one reading of its files.

    python -m etude.versions.together status --json fetch prepare codec

DVC's command line reads dvc.yaml and dvc.lock anew for every stage that it is given by name, params.yaml twice for
each, walks all of params.yaml for every parameter of a stage and a folder for every stage that has to do with it, and
its `commit` writes dvc.lock once per stage, all in Python: for the thirty stages of a paper that is a minute and a
half. Here stages are taken from the index that DVC makes of both files in any case, a text is parsed once, a parameter
is looked up by its name, `status` hashes a path once, the file system says once whether it can clone files, and
`commit` is asked once for all. No other file leans on DVC's inner parts; where they have moved, DVC does it its own
slow way, and a test says so.
"""

import errno
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from typing import Any

ABSENT = object()
NO_REFLINKS = (errno.EOPNOTSUPP, errno.EXDEV, errno.ENOTTY, errno.ENOSYS)  # of the file system, whatever the file


def quicken() -> bool:
    """Have DVC look stages up by name in its index, parse no text twice, find a parameter without a search and a clone
    of a file refused once; False where its inner parts are not what they were."""
    try:
        from dvc.dependency import param
        from dvc.repo import Repo
        from dvc.repo.stage import StageInfo, StageLoad
        from dvc.utils import strictyaml
        from dvc.utils.serialize import _yaml
        from dvc_objects.fs import system

        granular, several = StageLoad.collect_granular, StageLoad.collect
        parse, read, reflink = _yaml.parse_yaml, param.read_param_file, system.reflink
        if strictyaml.parse_yaml is not parse or not hasattr(Repo, "index"):
            return False
    except (ImportError, AttributeError):
        return False

    def indexed(loader: Any, name: Any) -> Any:
        return next((stage for stage in loader.repo.index.stages if stage.addressing == name), None)

    def collect_granular(self, target=None, with_deps=False, recursive=False, graph=None):
        targets = [target] if target is None or isinstance(target, str) else target
        found = []
        for one in targets:
            stage = None if with_deps or recursive else indexed(self, one)
            found += [StageInfo(stage)] if stage else granular(self, one, with_deps, recursive, graph)
        return found

    def collect(self, target=None, with_deps=False, recursive=False, graph=None, glob=False):
        stage = None if with_deps or recursive or glob else indexed(self, target)
        return [stage] if stage else several(self, target, with_deps, recursive, graph, glob)

    StageLoad.collect_granular, StageLoad.collect = collect_granular, collect
    _yaml.parse_yaml = strictyaml.parse_yaml = _remembering(parse)
    param.read_param_file = _looking_up(read)
    system.reflink = _asking_once(reflink)
    return True


def _remembering(parse: Callable[..., Any]) -> Callable[..., Any]:
    """``parse`` of DVC, that gives a copy of what it made of the same text before."""
    known: dict[str | bytes, bytes] = {}

    def parse_yaml(text: str | bytes, path: str, typ: str = "safe") -> Any:
        if typ != "safe":  # made to be changed and written again, with its comments
            return parse(text, path, typ)
        if text not in known:
            known[text] = pickle.dumps(parse(text, path))
        return pickle.loads(known[text])

    return parse_yaml


def _looking_up(read: Callable[..., Any]) -> Callable[..., Any]:
    """``read`` of DVC, that goes straight to parameters `a.b.c`; it compares each name with every one of the file."""

    def read_param_file(fs: Any, path: str, key_paths: Any = None, flatten: bool = False, **more: Any) -> Any:
        if key_paths and flatten:
            content = read(fs, path, **more)
            found = {key: _at(content, key) for key in key_paths}
            if ABSENT not in found.values():
                return found
        return read(fs, path, key_paths, flatten, **more)

    return read_param_file


def _at(content: Any, key: str) -> Any:
    """What ``content`` has at ``key``, or ``ABSENT``: it may be there all the same, for a pattern or in a list."""
    for name in key.split("."):
        if not isinstance(content, dict) or name not in content:
            return ABSENT
        content = content[name]
    return content


def _asking_once(reflink: Callable[..., Any]) -> Callable[..., Any]:
    """``reflink`` of DVC, that takes a no of the file system for an answer: DVC makes and removes a file to ask again
    before each copy."""
    refused: dict[tuple[int, int], int] = {}

    def ask(source: Any, target: Any) -> Any:
        disks = os.stat(source).st_dev, os.stat(os.path.dirname(target) or ".").st_dev
        if disks in refused:
            raise OSError(refused[disks], os.strerror(refused[disks]), source)
        try:
            return reflink(source, target)
        except OSError as error:
            if error.errno in NO_REFLINKS:
                refused[disks] = error.errno
            raise

    return ask


def hash_once() -> None:
    """Have DVC hash each path once, for a command during which nothing is written: an out of one stage is a
    dependency of others, and DVC lists its files and looks each up for every one of them."""
    from dvc.output import Output

    slowly, known = Output._get_hash_meta, {}

    def get_hash_meta(self):
        place = self.fs.protocol, self.fs_path, self.hash_name
        if place not in known:
            known[place] = slowly(self)
        return known[place]

    Output._get_hash_meta = get_hash_meta


def commit(names: Sequence[str]) -> int:
    """`dvc commit --force` of stages ``names`` that writes dvc.lock once; returns the exit status."""
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            repo.commit(tuple(names), force=True)
    except Exception as error:  # a full disk, too: who asked shows what follows ERROR, as of DVC's own words
        print(f"ERROR: failed to commit - {error}", file=sys.stderr)
        return 1
    return 0


def main(arguments: Sequence[str]) -> int:
    """`dvc` with ``arguments``; returns the exit status."""
    from dvc.cli import main as dvc

    if quicken():
        if arguments[:2] == ["commit", "--force"]:
            return commit(arguments[2:])
        if arguments[:1] == ["status"]:
            hash_once()
    return dvc(list(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
