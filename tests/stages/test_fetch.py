"""Fetching: embedded data sets are true to their formats and the same on every run; downloads are checked;
manifests too."""

import csv
import hashlib
import http.server
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pretty_midi
import pytest
import soundfile
import yaml

from etude.errors import UserError
from etude.synth.loudness import integrated_loudness
from etude.synth.programs import FAMILIES, PROGRAMS
from etude.synth.qualities import QUALITIES
from stages.fetch.download import MIRROR, obtain
from stages.fetch.fetch import fetch
from stages.fetch.manifest import Download, read_source

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "data" / "sources"
NOTES = {"programs": 2, "pitches": [40, 76], "pitch_step": 9, "velocities": [25, 100]}
BAND = {"pieces": 3, "bars": 4, "seed": 1}
MELODIES = {"pieces": 18, "bars": 4, "slower": [1.0, 2.0], "seed": 1}
EMBEDDED = {"gm_notes": NOTES, "gm_band": BAND, "gm_melodies": MELODIES}


def run(name: str, settings: dict, processes: int, folder: Path) -> list[dict[str, str]]:
    """The command line, as the rule calls it; the rows of the manifest."""
    out = folder / name / "manifest.csv"
    command = [sys.executable, "-m", "stages.fetch.fetch", "--settings", json.dumps(settings)]
    command += ["--source", str(SOURCES / f"{name}.yaml"), "--processes", str(processes), "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with open(out, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, tuple[Path, list[dict[str, str]]]]:
    """All embedded data sets, small, made by two processes."""
    folder = tmp_path_factory.mktemp("raw")
    return {name: (folder / name, run(name, s, 2, folder)) for name, s in EMBEDDED.items()}


@pytest.mark.parametrize(("name", "settings"), EMBEDDED.items())
def test_bits_do_not_depend_on_the_run_or_on_the_number_of_processes(made, tmp_path: Path, name: str, settings: dict):
    folder, manifest = made[name]
    assert run(name, settings, 1, tmp_path) == manifest
    for row in manifest:
        data = (folder / row["path"]).read_bytes()
        assert (str(len(data)), hashlib.sha256(data).hexdigest()) == (row["bytes"], row["sha256"])
    on_disk = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {"manifest.csv"}
    assert [row["path"] for row in manifest] == sorted(on_disk)


def test_notes_are_nsynth(made):
    folder, _ = made["gm_notes"]
    examples = {
        s: json.loads((folder / f"nsynth-{s}" / "examples.json").read_text()) for s in ("train", "valid", "test")
    }
    instruments = {s: {e["instrument"] for e in notes.values()} for s, notes in examples.items()}
    assert not instruments["train"] & (instruments["valid"] | instruments["test"])
    assert {e["instrument_family_str"] for e in examples["test"].values()} == set(FAMILIES)
    everything = {name: e for notes in examples.values() for name, e in notes.items()}
    assert len({e["note"] for e in everything.values()}) == len(everything) == 22 * 5 - 1  # the accordion goes up to 72
    for split, notes in examples.items():
        assert set(notes) == {path.stem for path in (folder / f"nsynth-{split}" / "audio").glob("*.wav")}
        for name, entry in notes.items():
            family, source, index = re.fullmatch(r"(\w+)_([a-z]+)_(\d{3})", entry["instrument_str"]).groups()
            assert (
                name == entry["note_str"] == f"{entry['instrument_str']}-{entry['pitch']:03d}-{entry['velocity']:03d}"
            )
            assert PROGRAMS[entry["instrument"]].number == int(index)
            assert (family, source) == (entry["instrument_family_str"], entry["instrument_source_str"])
            assert FAMILIES[entry["instrument_family"]] == family
            assert ("acoustic", "electronic", "synthetic")[entry["instrument_source"]] == source
            assert len(entry["qualities"]) == 10
            assert entry["qualities_str"] == [q for q, flag in zip(QUALITIES, entry["qualities"], strict=True) if flag]
            info = soundfile.info(folder / f"nsynth-{split}" / "audio" / f"{name}.wav")
            assert (info.frames, info.samplerate, info.channels, info.subtype) == (64000, 16000, 1, "PCM_16")
            assert entry["sample_rate"] == 16000
    pairs = Counter((e["instrument"], e["pitch"]) for e in everything.values())
    assert set(pairs.values()) == {1}


def test_velocities_are_balanced():
    from stages.fetch.makers.gm_notes import _plan

    velocities = [25, 50, 75, 100, 127]
    jobs, left_out = _plan(SimpleNamespace(programs="all", pitches=[36, 84], pitch_step=1, velocities=velocities))
    assert len(jobs) + len(left_out) == 44 * 49
    assert {line["rule"] for line in left_out} == {"out of tune"}
    per_program = Counter((program.number, velocity) for _, program, _, velocity in jobs if program.highest == 127)
    assert set(per_program.values()) <= {9, 10}
    splits = Counter(split for split, program, _, _ in jobs if program.held_out)
    assert 0.2 < splits["valid"] / splits.total() < 0.3 and set(splits) == {"valid", "test"}


def test_a_louder_velocity_is_louder(made):
    folder, _ = made["gm_notes"]
    levels = {}
    for path in (folder / "nsynth-train" / "audio").glob("keyboard_acoustic_000-*.wav"):
        levels.setdefault(path.stem[-3:], []).append(np.abs(soundfile.read(path)[0]).max())
    assert min(levels["100"]) > 2 * max(levels["025"])


def test_silent_notes_are_listed_and_not_there(tmp_path: Path):
    """The SoundFont's alto sax has a hole at 64, its soprano sax has none."""
    settings = {"programs": 2, "pitches": [58, 64], "pitch_step": 2, "velocities": [100]}
    run("gm_notes", settings, 1, tmp_path)
    folder = tmp_path / "gm_notes"
    with open(folder / "left_out.csv", newline="") as file:
        (line,) = csv.DictReader(file)
    assert (line["note"], line["rule"]) == ("reed_acoustic_065-064-100", "silent")
    assert len(list(folder.glob("**/reed_acoustic_065*"))) == 3 and len(list(folder.glob("**/reed_acoustic_064*"))) == 4


def test_settings_that_leave_a_split_empty(tmp_path: Path):
    settings = SimpleNamespace(**NOTES | {"pitches": [60, 60]})
    with pytest.raises(UserError, match=r"gm_notes: 0 files match nsynth-valid.*widen fetch.gm_notes in params.yaml"):
        fetch(settings, SOURCES / "gm_notes.yaml", "1", tmp_path / "gm_notes" / "manifest.csv")
    assert not any(tmp_path.iterdir())


def test_band_is_slakh(made):
    folder, _ = made["gm_band"]
    tracks = sorted(folder.glob("*/Track*"))
    assert [(t.parent.name, t.name) for t in tracks] == [
        ("test", "Track00003"),
        ("train", "Track00001"),
        ("validation", "Track00002"),
    ]
    for track in tracks:
        metadata = yaml.safe_load((track / "metadata.yaml").read_text())
        assert set(metadata) == {
            *("UUID", "audio_dir", "lmd_midi_dir", "midi_dir", "normalization_factor"),
            *("normalized", "overall_gain", "stems", "target_peak"),
        }
        stems = {name: soundfile.read(track / "stems" / f"{name}.wav")[0] for name in metadata["stems"]}
        mix, rate = soundfile.read(track / "mix.wav")
        assert rate == 16000
        np.testing.assert_allclose(sum(stems.values()), mix, atol=len(stems) / 32768)
        assert max(np.abs(s).max() for s in (mix, *stems.values())) == pytest.approx(10 ** (-1 / 20), abs=2e-4)
        loudness = [integrated_loudness(stem / metadata["overall_gain"], rate) for stem in stems.values()]
        np.testing.assert_allclose(loudness, metadata["normalization_factor"], atol=0.05)
        source = pretty_midi.PrettyMIDI(str(track / "all_src.mid"))
        assert len(source.instruments) == len(stems) == len(list((track / "MIDI").glob("*.mid")))
        for instrument, (name, stem) in zip(source.instruments, metadata["stems"].items(), strict=True):
            (written,) = pretty_midi.PrettyMIDI(str(track / "MIDI" / f"{name}.mid")).instruments
            shift = 12 if stem["inst_class"] == "Bass" else 0
            assert [n.pitch for n in written.notes] == [n.pitch + shift for n in instrument.notes]
            assert stem["is_drum"] == instrument.is_drum == (stem["program_num"] == 128)
            sounding = [n for n in instrument.notes if n.start < 0.05]
            assert not sounding or np.abs(stems[name][:3200]).max() > 1e-3


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("gm_notes", NOTES | {"programs": 9}, "fetch.gm_notes.programs is 9; it may be all, or 2 to 4"),
        ("gm_notes", NOTES | {"pitches": [80, 40]}, r"fetch.gm_notes.pitches is \[80, 40\]"),
        ("gm_notes", NOTES | {"velocities": [0]}, "fetch.gm_notes.velocities holds 0"),
        ("gm_band", BAND | {"pieces": 2}, "fetch.gm_band.pieces is 2; 3 or more"),
        ("gm_band", BAND | {"bars": 7}, "7 bars"),
        ("gm_melodies", MELODIES | {"pieces": 2}, "fetch.gm_melodies.pieces is 2; 3 or more"),
        ("gm_melodies", MELODIES | {"slower": [2.0, 1.0]}, r"fetch.gm_melodies.slower is \[2.0, 1.0\]"),
    ],
)
def test_settings_out_of_range(tmp_path: Path, name: str, settings: dict, sentence: str):
    with pytest.raises(UserError, match=sentence):
        fetch(SimpleNamespace(**settings), SOURCES / f"{name}.yaml", "1", tmp_path / "out" / "manifest.csv")
    assert not any(tmp_path.iterdir())


def test_gm_melodies_are_tunes_lead_sheets_and_bands(made):
    folder, _ = made["gm_melodies"]
    with open(folder / "pieces.csv", newline="") as file:
        pieces = list(csv.DictReader(file))
    scores = {row["file"]: pretty_midi.PrettyMIDI(str(folder / row["file"])) for row in pieces}
    tracks = {"melody": [], "lead_sheet": [], "band": []}
    for row in pieces:
        score = scores[row["file"]]
        tracks[row["arrangement"]].append([instrument.is_drum for instrument in score.instruments])
        assert abs(score.get_end_time() - float(row["seconds"])) < 0.01
    assert all(len(found) == 6 for found in tracks.values()) and len({row["style"] for row in pieces}) == 6
    assert all(drums == [False] for kind in ("melody", "lead_sheet") for drums in tracks[kind])
    assert all(len(drums) >= 4 and drums[-1] for drums in tracks["band"])


# Manifests.


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.yaml")), ids=lambda path: path.stem)
def test_manifests_of_the_project_are_valid(path: Path):
    source = read_source(path)
    assert (ROOT / "stages" / "prepare" / "sources" / f"{source.reader}.py").is_file()
    if source.access == "embedded":
        assert (ROOT / "stages" / "fetch" / "makers" / f"{source.maker}.py").is_file()


MANIFEST = {
    **{
        "name": "toy",
        "title": "A toy",
        "version": "1",
        "licence": "CC0",
        "cite": "nobody",
        "homepage": "http://localhost",
    },
    **{
        "access": "open",
        "reader": "nsynth",
        "splits": "as on disk",
        "reference": "test",
        "expect": {"inside/*.txt": 2},
    },
}


def manifest(folder: Path, **changes) -> Path:
    path = folder / "toy.yaml"
    value = {key: item for key, item in (MANIFEST | changes).items() if item is not ...}
    path.write_text(yaml.safe_dump(value))
    return path


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"licens": "CC0"}, "licens: Extra inputs are not permitted; a manifest has name, title"),
        ({"title": ...}, "title: Field required"),
        ({"access": "ftp"}, "access: Input should be 'embedded', 'open' or 'manual'"),
        ({"access": "embedded"}, "access embedded needs maker"),
        ({"access": "manual"}, "access manual needs place and how"),
        (
            {"name": "other", "files": [{"url": "file:///x", "sha256": None, "bytes": None, "unpack": None}]},
            "name is 'other'",
        ),
        ({"files": [{"url": "file:///x", "sha256": "abc", "bytes": None, "unpack": None}]}, "files.0.sha256"),
        ({"expect": {}}, "expect"),
    ],
)
def test_wrong_manifests(tmp_path: Path, changes: dict, sentence: str):
    with pytest.raises(UserError, match=re.escape(sentence)):
        read_source(manifest(tmp_path, **changes))


def test_no_manifest_or_no_yaml(tmp_path: Path):
    with pytest.raises(UserError, match=r"nothing.yaml: no such manifest.*there are .*gm_band, gm_melodies, gm_notes"):
        read_source(SOURCES / "nothing.yaml")
    (tmp_path / "toy.yaml").write_text("a: [1")
    with pytest.raises(UserError, match="not readable as YAML"):
        read_source(tmp_path / "toy.yaml")
    (tmp_path / "toy.yaml").write_text("- a")
    with pytest.raises(UserError, match="found list, expected a mapping"):
        read_source(tmp_path / "toy.yaml")


def test_unknown_maker(tmp_path: Path):
    path = manifest(tmp_path, access="embedded", maker="nobody")
    with pytest.raises(UserError, match="no maker 'nobody'"):
        fetch(SimpleNamespace(), path, "1", tmp_path / "raw" / "manifest.csv")
    with pytest.raises(UserError, match="--processes is 'many'"):
        fetch(SimpleNamespace(), path, "many", tmp_path / "raw" / "manifest.csv")


# Downloads.


def tar_of(path: Path, members: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return path


GOOD = {"inside/a.txt": b"a", "inside/b.txt": b"b"}


def entry(path: Path, **changes) -> dict:
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"url": path.as_uri(), "sha256": sha, "bytes": path.stat().st_size, "unpack": "tar"} | changes


def fetch_toy(tmp_path: Path, *files: dict, **changes) -> list[str]:
    path = manifest(tmp_path, files=list(files), **changes)
    out = tmp_path / "raw" / "toy" / "manifest.csv"
    fetch(SimpleNamespace(), path, "1", out)
    with open(out, newline="") as file:
        return [row["path"] for row in csv.DictReader(file)]


def test_archives_are_unpacked_and_listed(tmp_path: Path):
    first = tar_of(tmp_path / "first.tar.gz", {"inside/a.txt": b"a"})
    with zipfile.ZipFile(tmp_path / "second.zip", "w") as archive:
        archive.writestr("more/b.txt", b"b")
    plain = tmp_path / "plain.txt"
    plain.write_text("p")
    files = entry(first), entry(tmp_path / "second.zip", unpack="zip"), entry(plain, unpack=None)
    expect = {"inside/*.txt": 1, "more/*.txt": 0, "plain.txt": 1}
    assert fetch_toy(tmp_path, *files, expect=expect) == ["inside/a.txt", "more/b.txt", "plain.txt"]
    first.unlink()  # what is there is not fetched again
    (tmp_path / "raw" / "toy" / "manifest.csv").unlink()
    assert fetch_toy(tmp_path, *files, expect=expect) == ["inside/a.txt", "more/b.txt", "plain.txt"]


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_a_wrong_hash_names_both_and_leaves_nothing(tmp_path: Path, kind: str):
    archive = tar_of(tmp_path / "good.tar.gz", GOOD)
    found = hashlib.new(kind, archive.read_bytes()).hexdigest()
    wrong = "0" * len(found)
    with pytest.raises(UserError, match=f"{kind} {found} found, {wrong} expected"):
        fetch_toy(tmp_path, entry(archive) | {kind: wrong})
    assert list((tmp_path / "raw" / "toy").iterdir()) == []


def test_a_wrong_size(tmp_path: Path):
    archive = tar_of(tmp_path / "good.tar.gz", GOOD)
    with pytest.raises(UserError, match="bytes found, 7 expected"):
        fetch_toy(tmp_path, entry(archive, bytes=7))


def test_the_mirror_comes_first_and_is_checked_too(tmp_path: Path, monkeypatch):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    archive = tar_of(mirror / "good.tar.gz", GOOD)
    monkeypatch.setenv(MIRROR, str(mirror))
    away = entry(archive, url="http://localhost:9/good.tar.gz?download=1")
    assert fetch_toy(tmp_path, away) == ["inside/a.txt", "inside/b.txt"]
    assert archive.exists()
    with pytest.raises(UserError, match="sha256"):
        obtain(Download(**away | {"sha256": "0" * 64}), tmp_path / "elsewhere")


def test_too_few_files(tmp_path: Path):
    archive = tar_of(tmp_path / "good.tar.gz", {"inside/a.txt": b"a"})
    with pytest.raises(UserError, match=r"1 files match inside/\*.txt, 2 expected in data set toy"):
        fetch_toy(tmp_path, entry(archive))
    assert not (tmp_path / "raw" / "toy" / "manifest.csv").exists()


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil.txt", "inside/../../evil.txt", "C:\\evil.txt"])
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_archives_cannot_write_elsewhere(tmp_path: Path, name: str, kind: str):
    path = tmp_path / f"bad.{kind}"
    if kind == "tar":
        tar_of(path, GOOD | {name: b"x"})
    else:
        with zipfile.ZipFile(path, "w") as archive:
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, b"x")
    with pytest.raises(UserError, match="leads out of its folder"):
        fetch_toy(tmp_path, entry(path, unpack=kind))
    assert not list(tmp_path.rglob("evil.txt")) and not list((tmp_path / "raw" / "toy").rglob("a.txt"))


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../outside"])
def test_links_cannot_lead_outside(tmp_path: Path, target: str):
    path = tar_of(tmp_path / "bad.tar.gz", GOOD, {"inside/link": target})
    with pytest.raises(UserError, match="holds the link or device"):
        fetch_toy(tmp_path, entry(path))
    assert not list((tmp_path / "raw" / "toy").rglob("a.txt"))


def test_a_truncated_archive(tmp_path: Path):
    path = tar_of(tmp_path / "bad.tar.gz", {"inside/a.txt": os.urandom(100_000)})
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(UserError, match="not a readable tar archive"):
        fetch_toy(tmp_path, entry(path))


class Server(http.server.BaseHTTPRequestHandler):
    """Serves ``data``, parts of it on request; the first answer breaks off half-way."""

    data = os.urandom(3_000_000)
    asked: list[str | None]

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted).group(1)) if wanted else 0
        part = self.data[start:]
        if self.path == "/gone":
            self.send_error(404)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part[: len(part) // 2] if len(self.asked) == 1 else part)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    Server.asked = []
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def test_an_interrupted_download_continues(tmp_path: Path, server: str):
    sha = hashlib.sha256(Server.data).hexdigest()
    download = Download(url=f"{server}/big.bin", sha256=sha, bytes=len(Server.data), unpack=None)
    with pytest.raises(UserError, match="run again to continue"):
        obtain(download, tmp_path)
    assert not (tmp_path / "big.bin").exists()
    obtain(download, tmp_path)
    assert (tmp_path / "big.bin").read_bytes() == Server.data
    assert Server.asked == [None, "bytes=1500000-"]


def test_a_server_that_has_it_not_or_is_not_there(tmp_path: Path, server: str):
    plain = {"sha256": None, "bytes": None, "unpack": None}
    with pytest.raises(UserError, match=f"/gone: the server answers 404.*{MIRROR}"):
        obtain(Download(url=f"{server}/gone", **plain), tmp_path)
    with pytest.raises(UserError, match=f"cannot be fetched.*{MIRROR}"):
        obtain(Download(url="http://127.0.0.1:9/x", **plain), tmp_path)


# Data sets that a user must bring.


def test_manual_data_is_asked_for_then_linked(tmp_path: Path):
    place = tmp_path / "bought"
    manual = {"access": "manual", "place": str(place), "how": "ask its authors for the key"}
    with pytest.raises(UserError, match=r"data set toy is not at .*bought and cannot be downloaded: ask its authors"):
        fetch_toy(tmp_path, **manual)
    (place / "inside").mkdir(parents=True)
    (place / "inside" / "a.txt").write_text("a")
    with pytest.raises(UserError, match=r"1 files match.*2 expected in data set toy: ask its authors"):
        fetch_toy(tmp_path, **manual)
    (place / "inside" / "b.txt").write_text("b")
    assert fetch_toy(tmp_path, **manual) == ["inside/a.txt", "inside/b.txt"]
    assert (tmp_path / "raw" / "toy" / "inside").is_symlink()


def test_manual_data_may_lie_where_it_is_wanted(tmp_path: Path):
    place = tmp_path / "raw" / "toy"
    (place / "inside").mkdir(parents=True)
    for name in "ab":
        (place / "inside" / f"{name}.txt").write_text(name)
    found = fetch_toy(tmp_path, access="manual", place=str(place), how="by hand")
    assert found == ["inside/a.txt", "inside/b.txt"]
