"""The data set skeleton is where its manifest says, can be read whole, and its splits share no recording."""

from pathlib import Path

import pytest

from etude.pipeline.stage import namespace
from stages.fetch.manifest import read_source
from stages.prepare.prepare import find_files

ROOT = Path(__file__).parents[2]
SOURCE = read_source(ROOT / "data/sources/skeleton.yaml")
PLACE = Path(SOURCE.place).expanduser()
needs_the_folder = pytest.mark.skipif(not PLACE.is_dir(), reason=f"the sound files are not at {PLACE}")


@needs_the_folder
def test_every_file_is_there():
    for pattern, count in SOURCE.expect.items():
        assert sum(not path.name.startswith(".") for path in PLACE.glob(pattern)) == count, pattern


@needs_the_folder
def test_splits_share_no_recording():
    files, _ = find_files(SOURCE, PLACE, namespace({"bass_octave": 0}))
    groups = {split: {file.group for file in files if file.split == split} for split in ("train", "valid", "test")}
    assert all(groups.values())
    assert not groups["train"] & groups["test"] and not groups["valid"] & groups["test"]
    assert len({file.id for file in files}) == len(files)
