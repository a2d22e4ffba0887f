"""`etude recombine` and `etude interpolate` from the command line, on sounds and on what is none."""

import shutil

import numpy as np
import pytest
import soundfile

from etude.audio.files import read_audio
from etude.cli import main
from etude.pipeline.files import read_csv, sha256_file


@pytest.fixture(autouse=True)
def inside(project, monkeypatch):
    monkeypatch.chdir(project)


def recombine(sounds, out, *more, coarse="low", mid="mid", fine="high") -> int:
    files = {"coarse": coarse, "mid": mid, "fine": fine}
    chosen = [word for place, name in files.items() for word in (f"--{place}", str(sounds.get(name, name)))]
    return main(["recombine", *chosen, "-o", str(out), *more])


@pytest.mark.parametrize("system", ["hdae", "msdae"])
def test_three_files_of_any_rate_make_one_sound_and_the_judges_speak(sounds, tmp_path, capsys, system):
    out = tmp_path / "new" / "out.wav"
    assert recombine(sounds, out, "--system", system) == 0
    samples, rate = read_audio(out)
    assert rate == 16000 and samples.shape == (round(2.7 * 16000), 1) and np.abs(samples).max() > 0.01
    said = capsys.readouterr().out
    assert f"{out}: 2.70 s at 16000 Hz, {system} on gm_notes (spectral, seed 0), noise seed 0" in said
    for words in ("coarse (4 frames)", "mid (8", "fine (16", "C3 (48)", "note F1", "timbre", "loudness", "one another"):
        assert words in said
    assert [path.name for path in out.parent.iterdir()] == ["out.wav"]


def test_same_seed_same_bytes_other_seed_other_bytes(sounds, tmp_path):
    sums = []
    for name, seed in (("a.wav", "0"), ("b.wav", "0"), ("c.wav", "1")):
        assert recombine(sounds, tmp_path / "out" / name, "--seed", seed) == 0
        sums.append(sha256_file(tmp_path / "out" / name))
    assert sums[0] == sums[1] != sums[2]


@pytest.mark.parametrize("place", ["coarse", "mid", "fine"])
def test_each_place_is_heard(sounds, tmp_path, place):
    """Another file in one place, the others as they were: another sound."""
    files = dict.fromkeys(("coarse", "mid", "fine"), "low")
    recombine(sounds, tmp_path / "a.wav", **files)
    recombine(sounds, tmp_path / "b.wav", "--length", "longest", **files | {place: "eight_bits"})
    a, b = (read_audio(tmp_path / name)[0] for name in ("a.wav", "b.wav"))
    assert a.shape == b.shape and not np.array_equal(a, b)


def test_the_shortest_file_may_decide(sounds, tmp_path):
    assert recombine(sounds, tmp_path / "out.flac", "--length", "shortest", fine="short") == 0
    assert len(read_audio(tmp_path / "out.flac")[0]) == round(0.2 * 16000)


@pytest.mark.parametrize("name", ["short", "eight_bits", "mid", "high"])
def test_short_eight_bit_96_khz_and_stereo_files_play(sounds, tmp_path, name):
    assert recombine(sounds, tmp_path / "out.wav", coarse=name, mid=name, fine=name) == 0
    seconds = soundfile.info(sounds[name]).duration
    assert len(read_audio(tmp_path / "out.wav")[0]) == pytest.approx(seconds * 16000, abs=2)


@pytest.mark.parametrize(
    ("files", "more", "sentence"),
    [
        ({"mid": "silent"}, [], "silent.wav: silent from end to end"),
        ({"fine": "nan"}, [], r"nan.wav: NaN or infinite at 0.312 s"),
        ({"fine": "text"}, [], "text.wav: not readable as audio"),
        ({"coarse": "nowhere.wav"}, [], "nowhere.wav: no such audio file"),
        ({}, ["--seed", "-1"], "--seed -1: give 0 or more"),
        (
            {},
            ["--system", "hdea"],
            "--system hdea: params.yaml describes no such system, only hdae, hdae_pyramid, msdae, ",
        ),
        (
            {},
            ["--dataset", "gm_band"],
            "`etude run models/systems/gm_band/spectral/msdae/0/weights.safetensors` makes it",
        ),
        ({}, ["--model-seed", "7"], "models/systems/gm_notes/spectral/msdae/7/weights.safetensors: not there"),
        ({}, ["-o", "out.mp3"], "out.mp3: can be written as .wav or .flac only"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(sounds, tmp_path, capsys, files, more, sentence):
    before = sorted(tmp_path.iterdir())
    assert recombine(sounds, tmp_path / "out.wav", *more, **files) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1 and said.startswith("error: ")
    assert sorted(tmp_path.iterdir()) == before


def test_a_source_is_not_overwritten(sounds, capsys):
    before = sha256_file(sounds["low"])
    assert recombine(sounds, sounds["low"]) == 2
    assert "is one of the files that are read" in capsys.readouterr().err and sha256_file(sounds["low"]) == before


def test_outside_the_project_is_one_sentence(sounds, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert recombine(sounds, tmp_path / "out.wav") == 2
    assert "run this in the root of the project" in capsys.readouterr().err


def test_weights_of_another_network_are_one_sentence(project, sounds, tmp_path, capsys, monkeypatch):
    other = tmp_path / "project"
    shutil.copytree(project, other, symlinks=True)
    systems = other / "models/systems/gm_notes/spectral"
    shutil.copy(systems / "hdae/0/weights.safetensors", systems / "msdae/0/weights.safetensors")
    monkeypatch.chdir(other)
    assert recombine(sounds, tmp_path / "out.wav") == 2
    assert "weights of another network than systems.msdae describes" in capsys.readouterr().err


def interpolate(sounds, out, *more, first="low", second="eight_bits") -> int:
    return main(["interpolate", str(sounds[first]), str(sounds[second]), "-o", str(out), *more])


def test_both_ends_are_the_reconstructions_of_the_two_files(sounds, tmp_path, capsys):
    """P-63. The same length is asked for by naming the longer file as a source as well."""
    assert interpolate(sounds, tmp_path / "steps", "--steps", "3") == 0
    assert "3 files and index.csv" in capsys.readouterr().out
    rows = read_csv(tmp_path / "steps/index.csv")
    assert [row["part"] for row in rows] == ["0", "0.5", "1"]
    assert sorted(path.name for path in (tmp_path / "steps").iterdir()) == [*(r["file"] for r in rows), "index.csv"]
    recombine(sounds, tmp_path / "first.wav", coarse="low", mid="low", fine="low")
    ends = [read_audio(tmp_path / "steps" / rows[k]["file"])[0] for k in (0, -1)]
    np.testing.assert_allclose(ends[0], read_audio(tmp_path / "first.wav")[0], atol=1e-4)
    recombine(sounds, tmp_path / "second.wav", coarse="eight_bits", mid="eight_bits", fine="eight_bits")
    second = read_audio(tmp_path / "second.wav")[0]
    assert len(ends[1]) > len(second)  # the longer file decides, the shorter one is repeated
    assert np.abs(ends[0] - ends[1]).max() > 1e-3


@pytest.mark.parametrize("level", ["4", "8", "16"])
def test_one_level_moves_and_the_others_stay(sounds, tmp_path, level):
    place = {"4": "coarse", "8": "mid", "16": "fine"}[level]
    assert interpolate(sounds, tmp_path / "steps", "--level", level, "--steps", "2") == 0
    assert (
        recombine(
            sounds, tmp_path / "swap.wav", **dict.fromkeys(("coarse", "mid", "fine"), "low") | {place: "eight_bits"}
        )
        == 0
    )
    arrived = read_audio(tmp_path / "steps/01_1.00.wav")[0]
    np.testing.assert_allclose(arrived, read_audio(tmp_path / "swap.wav")[0], atol=1e-4)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--steps", "1"], "--steps 1: give 2 or more"),
        (["--level", "5"], "has the levels 4, 8, 16, all"),
    ],
)
def test_steps_and_levels_that_do_not_exist_are_one_sentence(sounds, tmp_path, capsys, more, sentence):
    assert interpolate(sounds, tmp_path / "steps", *more) == 2
    assert sentence in capsys.readouterr().err and not (tmp_path / "steps").exists()


def test_a_file_in_the_place_of_the_folder_is_one_sentence(sounds, tmp_path, capsys):
    assert interpolate(sounds, sounds["high"]) == 2
    assert "is a file, and -o names a folder" in capsys.readouterr().err
