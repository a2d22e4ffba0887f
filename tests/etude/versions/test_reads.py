import copy
import json
from pathlib import Path

import pytest

from etude.pipeline.known_code import code_digest, files_behind
from etude.pipeline.workflow import settings
from etude.versions.reads import Reads, Watched

ROOT = Path(__file__).parents[3]
PARAMS = {"grid": {"seeds": [0, 1], "systems": ["hdae"]}, "train": {"lr": 0.1, "more": {"a": 1}}, "scale": "laptop"}


def read(tmp_path, text: str, **files: str) -> set[str]:
    """What reading ``text`` as the rules of a file looks at."""
    reads = Reads(tmp_path)
    PARAMS_ = Watched(PARAMS, reads)
    path = tmp_path / "stages/x/x.smk"
    names = {"PARAMS": PARAMS_, "GRID": PARAMS_["grid"], "settings": settings, "json": json, "copy": copy}
    exec(compile(text, str(path), "exec"), names)
    assert set(reads.blocks) <= {"stages/x/x.smk"}
    return reads.blocks["stages/x/x.smk"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("PARAMS['train']['lr']", {"train"}),
        ("PARAMS.get('train', {}).get('lr')", {"train"}),
        ("(lambda w: settings(PARAMS['train'], seed=1))(None)", {"train"}),
        ("settings(grid=GRID)", {"grid"}),
        ("GRID['seeds']", {"grid.seeds"}),
        ("GRID", set()),
        ("[*GRID]", {"grid"}),
        ("{**PARAMS['train']['more']}", {"train"}),
        ("json.dumps(GRID)", {"grid"}),
        ("copy.deepcopy(PARAMS['train'])", {"train"}),
        ("PARAMS['train'] | {'lr': 2}", {"train"}),
        ("PARAMS['scale']", {"scale"}),
        ("dict(PARAMS['train'], lr=2)", {"train"}),
    ],
)
def test_every_way_of_looking_is_noticed(tmp_path, text, found):
    assert read(tmp_path, text) == found


def test_watched_is_what_it_watches(tmp_path):
    watched = Watched(PARAMS, Reads(tmp_path))
    assert watched == PARAMS and json.dumps(watched) == json.dumps(PARAMS)
    assert settings(watched["train"], lr=3) == settings(PARAMS["train"], lr=3)
    assert type(copy.deepcopy(watched)) is dict and copy.deepcopy(watched) == PARAMS


def test_files_behind_are_those_of_the_digest(monkeypatch):
    """Whatever the digest covers is a dependency for DVC, and nothing else."""
    modules = ("stages.train.train", "etude.systems.hdae")
    files = files_behind(modules, ROOT)
    assert Path("stages/train/train.py") in files and Path("etude/networks/unet.py") in files
    opened = []
    import etude.pipeline.digest as digests

    digests._read.cache_clear()
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path.relative_to(ROOT)) or original(path))
    code_digest(*modules, root=ROOT)
    assert sorted(opened) == files
