import copy
import json

import pytest

from etude.pipeline.workflow import settings
from etude.versions.reads import Reads, Watched

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
