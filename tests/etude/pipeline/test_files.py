import json
import os
import subprocess
import sys

import pytest

from etude.pipeline.files import atomic, atomic_folder, read_csv, write_csv, write_json


def test_what_is_written_is_whole_or_not_there(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with atomic(path) as part:
        part.write_text("whole")
        assert not path.exists() and part.suffix == path.suffix
    assert path.read_text() == "whole"
    with pytest.raises(RuntimeError), atomic(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "whole" and os.listdir(path.parent) == ["file.txt"]


def test_a_folder_takes_the_place_of_the_old_one_only_when_it_is_whole(tmp_path):
    folder = tmp_path / "set"
    with atomic_folder(folder) as part:
        (part / "a").write_text("1")
    with pytest.raises(RuntimeError), atomic_folder(folder) as part:
        (part / "b").write_text("2")
        raise RuntimeError
    assert os.listdir(folder) == ["a"]
    with atomic_folder(folder) as part:
        (part / "b").write_text("2")
    assert os.listdir(folder) == ["b"] and os.listdir(tmp_path) == ["set"]


def test_json_and_csv_depend_on_the_values_alone(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": "ü"})
    write_json(tmp_path / "b.json", {"a": "ü", "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": "ü", "b": 1}
    write_csv(tmp_path / "t.csv", [{"y": 2, "x": "a,b"}], ["x", "y"])
    assert (tmp_path / "t.csv").read_bytes() == b'x,y\n"a,b",2\n'
    assert read_csv(tmp_path / "t.csv") == [{"x": "a,b", "y": "2"}]
    with pytest.raises((KeyError, ValueError)):
        write_csv(tmp_path / "t.csv", [{"x": 1}], ["x", "y"])
    with pytest.raises((KeyError, ValueError)):
        write_csv(tmp_path / "t.csv", [{"x": 1, "y": 2, "z": 3}], ["x", "y"])
    assert read_csv(tmp_path / "t.csv") == [{"x": "a,b", "y": "2"}], "a failed write touched the file"


FULL = """
import errno
from etude.audio.files import write_audio
from etude.errors import UserError
from etude.pipeline.stage import run_stage
import numpy as np

def main(settings, out):
    {body}

run_stage(main, out="path to write")
"""


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            "raise UserError('x.wav: found this, expected that; do this')",
            "error: x.wav: found this, expected that; do this",
        ),
        (
            "raise OSError(errno.ENOSPC, 'No space left on device', str(out))",
            "error: no space left on the device while writing",
        ),
        ("raise MemoryError", "error: not enough memory for this job"),
        ("open('/dev/full', 'w', buffering=1).write('x\\n')", "error: no space left on the device"),
    ],
)
def test_a_stage_says_what_went_wrong_in_one_sentence(tmp_path, body, sentence):
    script = FULL.format(body=body)
    command = [sys.executable, "-c", script, "--settings", "{}", "--out", str(tmp_path / "o")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith(sentence) and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_mistake_of_ours_keeps_its_traceback(tmp_path):
    script = FULL.format(body="1 / 0")
    command = [sys.executable, "-c", script, "--settings", "{}", "--out", str(tmp_path / "o")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr
