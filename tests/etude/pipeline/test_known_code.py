"""What the memory says is what parsing says, whatever has happened to the code or to the memory's file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from etude.pipeline import digest, known_code

ROOT = Path(__file__).parents[3]
STAGE = "import json\nfrom etude.a.helper import help\n\nprint(help())\n"


@pytest.fixture
def project(tmp_path):
    for name, text in {
        ".snakemake/x": "",
        "etude/__init__.py": "",
        "etude/a/__init__.py": "",
        "etude/a/helper.py": "from . import deep\n\n\ndef help():\n    return deep\n",
        "etude/a/deep.py": "depth = 1\n",
        "stages/s/s.py": STAGE,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def remembered(project, *modules):
    """The digest as a new process finds it, which leaves its memory behind."""
    script = (
        "import sys; from pathlib import Path; from etude.pipeline import known_code\n"
        "parsed, parse = [], known_code.parse\n"
        "known_code.parse = lambda path, module: parsed.append(module) or parse(path, module)\n"
        f"print(known_code.code_digest(*{modules or ('stages.s.s',)!r}, root=Path(sys.argv[1])), *parsed)"
    )
    done = subprocess.run([sys.executable, "-c", script, project], cwd=ROOT, capture_output=True, text=True, check=True)
    found, *parsed = done.stdout.split()
    return found, parsed


def parsed_digest(project, *modules):
    digest._read.cache_clear()
    return digest.code_digest(*(modules or ("stages.s.s",)), root=project)


def test_it_is_the_digest_and_parses_once(project):
    found, parsed = remembered(project)
    assert found == parsed_digest(project) and sorted(parsed) == [
        "etude", "etude.a", "etude.a.deep", "etude.a.helper", "stages.s.s",
    ]  # fmt: skip
    assert remembered(project) == (found, [])
    (project / "etude/a/deep.py").write_text("depth = 2\n")
    changed, parsed = remembered(project)
    assert changed == parsed_digest(project) != found and parsed == ["etude.a.deep"]
    (project / "etude/a/deep.py").write_text("depth = 1\n")
    assert remembered(project) == (found, [])  # it remembers the other branch, too


def test_bytes_alone_are_not_enough(project):
    """The same bytes mean something else under another name: relative imports lead elsewhere."""
    (project / "etude/b").mkdir()
    (project / "etude/b/deep.py").write_text("depth = 3\n")
    text = (project / "etude/a/helper.py").read_text()
    (project / "etude/b/__init__.py").write_text("")
    (project / "etude/b/helper.py").write_text(text)
    for module in ("etude.a.helper", "etude.b.helper"):
        assert remembered(project, module)[0] == parsed_digest(project, module)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', "\0" * 100])
def test_a_damaged_memory_is_none(project, text):
    first = remembered(project)
    (project / known_code.MEMORY).write_text(text)
    assert remembered(project) == first
    assert remembered(project) == (first[0], [])


def test_nothing_is_written_where_there_is_no_place_for_it(project):
    (project / ".snakemake/x").unlink()
    (project / ".snakemake").rmdir()
    before = sorted(os.listdir(project))
    assert remembered(project)[0] == parsed_digest(project)
    assert sorted(os.listdir(project)) == before


def test_what_another_process_has_written_meanwhile_stays(project):
    memory = known_code.Memory(project / known_code.MEMORY)
    memory.read(project / "etude/a/deep.py", "etude.a.deep")
    remembered(project)
    others = json.loads((project / known_code.MEMORY).read_text())
    memory.read(project / "etude/a/deep.py", "another.name")
    memory.keep()
    kept = json.loads((project / known_code.MEMORY).read_text())
    assert others.items() < kept.items() and len(kept) == len(others) + 1


def test_files_behind_are_those_of_the_digest(monkeypatch):
    """Whatever the digest covers is a dependency for DVC, and nothing else."""
    modules = ("stages.train.train", "etude.systems.hdae")
    files = known_code.files_behind(modules, ROOT)
    assert Path("stages/train/train.py") in files and Path("etude/networks/unet.py") in files
    opened = []
    digest._read.cache_clear()
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path.relative_to(ROOT)) or original(path))
    digest.code_digest(*modules, root=ROOT)
    assert sorted(opened) == files
