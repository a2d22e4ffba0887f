from pathlib import Path

import pytest

from etude.pipeline.digest import _read, code_digest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path):
    """A small project: a stage that uses a helper, which uses another, relatively."""
    files = {
        "etude/__init__.py": "",
        "etude/a/__init__.py": "",
        "etude/a/helper.py": "from .deep import depth\n\ndef help():\n    return depth\n",
        "etude/a/deep.py": "depth = 1\n",
        "etude/a/other.py": "x = 1\n",
        "stages/s/s.py": "import json\nfrom etude.a.helper import help\n\nprint(help())\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def digest(project, *modules):
    _read.cache_clear()
    return code_digest(*(modules or ("stages.s.s",)), root=project)


@pytest.mark.parametrize(
    ("file", "text", "moves"),
    [
        ("stages/s/s.py", "import json\nfrom etude.a.helper import help\n# a comment\n\nprint( help() )\n", False),
        ("etude/a/deep.py", '"""A docstring."""\ndepth = 1  # and a comment\n', False),
        ("etude/a/helper.py", 'from .deep import depth\ndef help():\n    "why"\n    return depth\n', False),
        ("etude/a/deep.py", "depth = 2\n", True),
        ("etude/a/helper.py", "from .deep import depth\n\ndef help():\n    return -depth\n", True),
        ("etude/a/other.py", "x = 2\n", False),
        ("etude/a/__init__.py", "flag = True\n", True),
    ],
)
def test_meaning_moves_it_and_looks_do_not(project, file, text, moves):
    before = digest(project)
    (project / file).write_text(text)
    assert (digest(project) != before) == moves


def test_plugins_are_named_by_the_caller(project):
    before = digest(project, "stages.s.s", "etude.a.other")
    (project / "etude/a/other.py").write_text("x = 3\n")
    assert digest(project, "stages.s.s", "etude.a.other") != before


def test_an_unknown_module_is_an_error(project):
    with pytest.raises(ModuleNotFoundError, match=r"stages\.s\.t"):
        digest(project, "stages.s.t")


@pytest.mark.parametrize("path", sorted(ROOT.glob("stages/*/*.py")), ids=lambda path: path.stem)
def test_every_stage_of_the_project_has_a_digest_and_only_depends_on_what_it_imports(path):
    _read.cache_clear()
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    assert len(code_digest(name, root=ROOT)) == 16
