"""`dvc` for many stages that are named, with one reading of its files.

    python -m etude.versions.together status --json fetch prepare codec

DVC's command line reads dvc.yaml and dvc.lock anew for every stage that it is given by name, params.yaml twice for
each, and its `commit` writes dvc.lock as often, all in pure Python: for the thirty stages of a paper that is a minute
and a half. Here stages are taken from the index that DVC makes of both files in any case, a text is parsed once, and
`commit` is asked once for all. No other file leans on DVC's inner parts; where they have moved, DVC does it its own
slow way, and a test says so.
"""

import pickle
import sys
from collections.abc import Callable, Sequence
from typing import Any


def quicken() -> bool:
    """Have DVC look stages up by name in its index, and parse no text twice; False where its inner parts are not what
    they were."""
    try:
        from dvc.repo import Repo
        from dvc.repo.stage import StageInfo, StageLoad
        from dvc.utils import strictyaml
        from dvc.utils.serialize import _yaml

        slowly, parse = StageLoad.collect_granular, _yaml.parse_yaml
        if strictyaml.parse_yaml is not parse or not hasattr(Repo, "index"):
            return False
    except (ImportError, AttributeError):
        return False

    def collect_granular(self, target=None, with_deps=False, recursive=False, graph=None):
        known = {} if with_deps or recursive else {stage.addressing: stage for stage in self.repo.index.stages}
        targets = [target] if target is None or isinstance(target, str) else target
        found = []
        for one in targets:
            found += [StageInfo(known[one])] if one in known else slowly(self, one, with_deps, recursive, graph)
        return found

    StageLoad.collect_granular = collect_granular
    _yaml.parse_yaml = strictyaml.parse_yaml = _remembering(parse)
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

    if quicken() and arguments[:2] == ["commit", "--force"]:
        return commit(arguments[2:])
    return dvc(list(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
