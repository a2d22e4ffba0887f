"""The manifests of NSynth, Slakh2100 and Lakh on archives laid out as the real ones are, with a few notes in them.

Only how many files there must be is changed: addresses, names of archives, unpacking, patterns and readers are the real
ones.
"""

import json
import tarfile
from pathlib import Path

import pytest
import yaml

from etude.errors import UserError
from etude.pipeline.files import read_csv
from etude.pipeline.stage import namespace
from stages.fetch.download import MIRROR
from stages.fetch.fetch import fetch
from stages.fetch.manifest import read_source
from stages.prepare.prepare import prepare
from tests.stages.test_prepare import SETTINGS, nsynth, tone
from tests.stages.test_prepare_melodies import reading, tune, write_midi
from tests.stages.test_prepare_slakh import NOTE, SECOND, redux, stem

SOURCES = Path(__file__).parents[2] / "data" / "sources"


def small(folder: Path, name: str, counts: list[int]) -> Path:
    """The project's manifest of ``name`` for so many files; a hash would be that of the real archive."""
    manifest = yaml.safe_load((SOURCES / f"{name}.yaml").read_text(encoding="utf-8"))
    manifest["expect"] = dict(zip(manifest["expect"], counts, strict=True))
    for file in manifest["files"]:
        file.pop("md5", None)
        file |= {"sha256": None, "bytes": None}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    return path


def packed(source: Path, content: Path, mirror: Path, members: list[str]) -> None:
    """One archive per address of manifest ``source``, each with its folder of ``content``."""
    mirror.mkdir()
    for download, member in zip(read_source(source).files, members, strict=True):
        assert download.unpack == "tar"
        with tarfile.open(mirror / download.name, "w:gz") as archive:
            archive.add(content / member, member)


def prepared(folder: Path, source: Path) -> list[dict[str, str]]:
    fetch(namespace({}), source, "1", folder / "raw/manifest.csv")
    prepare(namespace(SETTINGS), source, folder / "raw/manifest.csv", folder / "out")
    return read_csv(folder / "out/index.csv")


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    monkeypatch.setenv(MIRROR, str(tmp_path / "mirror"))
    return tmp_path / "mirror"


def test_nsynth(tmp_path, mirror):
    two = {"bass_acoustic_001-040-025": tone(82.4), "bass_acoustic_001-041-050": tone(87.3)}
    nsynth(tmp_path / "content", {"train": two})
    source = small(tmp_path, "nsynth", [3, 2, 1, 1])
    packed(source, tmp_path / "content", mirror, [f"nsynth-{split}" for split in ("train", "valid", "test")])
    rows = prepared(tmp_path, source)
    assert [(row["split"], row["family"]) for row in rows] == [
        *[("train", "bass")] * 2,
        ("valid", "valid"),
        ("test", "test"),
    ]
    assert json.loads((tmp_path / "out/protocol.json").read_text())["licence"] == "CC-BY-4.0"


def test_slakh(tmp_path, mirror):
    stems = {"S00": (stem(), tone(220.0, SECOND), NOTE), "S01": (stem(is_drum=True), tone(110.0, SECOND), NOTE)}
    redux(tmp_path / "content", train=stems)
    source = small(tmp_path, "slakh", [1, 1, 1])
    packed(source, tmp_path / "content", mirror, ["slakh2100_flac_redux"])
    rows = prepared(tmp_path, source)
    assert {row["split"] for row in rows} == {"train", "valid", "test"}
    assert {row["rule"] for row in read_csv(tmp_path / "out/ledger.csv")} == {"drum"}


def test_lakh(tmp_path, mirror):
    for number in range(8):
        write_midi(tmp_path / "content/lmd_full" / f"{number:x}" / f"{number:032x}.mid", tune(50 + number))
    source = small(tmp_path, "lakh", [8])
    packed(source, tmp_path / "content", mirror, ["lmd_full"])
    fetch(namespace({}), source, "1", tmp_path / "raw/manifest.csv")
    prepare(reading("lakh"), source, tmp_path / "raw/manifest.csv", tmp_path / "out")
    rows = read_csv(tmp_path / "out/index.csv")
    assert len(rows) == 8 and {row["split"] for row in rows} == {"train", "valid", "test"}
    assert all(row["source"].startswith("lmd_full/") for row in rows)


@pytest.mark.parametrize(("name", "counts"), [("nsynth", [3, 1, 1, 1]), ("slakh", [1, 1, 1])])
def test_a_copy_that_is_unpacked_already_is_taken_where_it_lies(tmp_path, name, counts):
    """A user who has the corpus changes `access` in its manifest and says where."""
    content = tmp_path / "content"
    nsynth(content, {}) if name == "nsynth" else redux(content)
    source = small(tmp_path, name, counts)
    manual = {"access": "manual", "place": str(content), "how": "it is on the lab's disk"}
    source.write_text(yaml.safe_dump(yaml.safe_load(source.read_text()) | manual), encoding="utf-8")
    assert {row["split"] for row in prepared(tmp_path, source)} == {"train", "valid", "test"}
    assert not list((tmp_path / "raw").rglob("*.done")), "something was fetched"


def test_the_real_counts_refuse_a_part_of_the_corpus(tmp_path, mirror):
    nsynth(tmp_path / "content", {})
    members = [f"nsynth-{split}" for split in ("train", "valid", "test")]
    packed(SOURCES / "nsynth.yaml", tmp_path / "content", mirror, members)
    with pytest.raises(
        UserError, match=r"1 files match nsynth-train/audio/\*\.wav, 289205 expected in data set nsynth"
    ):
        prepared(tmp_path, SOURCES / "nsynth.yaml")


def test_another_archive_than_the_published_one_is_refused(tmp_path, mirror):
    redux(tmp_path / "content")
    packed(SOURCES / "slakh.yaml", tmp_path / "content", mirror, ["slakh2100_flac_redux"])
    with pytest.raises(UserError, match=r"md5 [0-9a-f]{32} found, f4b71b6c45ac9b506f59788456b3f0c4 expected"):
        prepared(tmp_path, SOURCES / "slakh.yaml")
