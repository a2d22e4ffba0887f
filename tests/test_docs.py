"""The documents: the site builds, links lead somewhere, the reference is the schema's, and commands do what pages say.

A fence ``sh`` of a page is run as it stands, in a copy of the project in which the tiny pipeline has been run (one run
for all pages, that of ``tests/conftest.py``), after every ``yaml`` fence that a line ending in "`path`:" introduces has
been written to that path. Snakemake's dry runs, data sets, skeletons and their tests, `etude doctor` and `etude why`
are run for real. A fence ``text`` after it says what the output must hold, line by line.

A ``sh`` fence that begins with a comment is only planned: `make` must have such a target, `etude` must know the
command and its options, Snakemake's targets are planned by a dry run through the profile that is named; bash must
parse the rest (a cluster's programs, containers). The comment tells the reader why.

Commands in tables and in running text are not looked at here: tests/test_versions.py and tests/test_snakemake.py run
what docs/versions.md and docs/snakemake.md say.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pretty_midi
import pytest
import yaml

from etude.audio.files import write_audio
from etude.cli import command_line
from etude.config import reference
from etude.config.schema import PLUGIN_BLOCKS
from etude.pipeline.files import write_csv

ROOT = Path(__file__).parents[1]
PAGES = sorted(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md"))
GENERATED = {Path("docs/params.md")}
FENCE = re.compile(r"^```([a-z-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]\[]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
RATE = 16000


class Fence(NamedTuple):
    """A fence of a page, and the line before it."""

    language: str
    text: str
    before: str

    @property
    def planned(self) -> bool:
        return self.text.startswith("#")


def fences(page: Path) -> list[Fence]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Fence(match[1], match[2], text[: match.start()].rstrip().rpartition("\n")[2]) for match in FENCE.finditer(text)
    ]


def has_commands(page: Path) -> bool:
    """Whether there is a command on the page that is run, not only planned."""
    return page not in GENERATED and any(not fence.planned for fence in commands(page))


def commands(page: Path) -> list[Fence]:
    return [fence for fence in fences(page) if fence.language == "sh"]


# ---- the site ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    strict = ["-q", "-W", "--keep-going", "-E", "-b", "html", "-d", str(folder / "doctrees")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *strict, "docs", str(folder / "html")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " ".join(strict[:-1]).replace(str(folder / "doctrees"), "").strip() in (ROOT / "Makefile").read_text()
    return folder / "html"


def test_site_has_every_page_and_asks_for_no_network(site):
    for page in PAGES:
        assert (site / page.relative_to("docs").with_suffix(".html")).is_file(), f"{page} is in no table of contents"
    for path in [*site.rglob("*.html"), *site.rglob("*.css")]:
        text = path.read_text(encoding="utf-8")
        fetched = re.findall(r"<(?:script|img|iframe)[^>]+src=\"((?:https?:)?//[^\"]+)", text)
        fetched += re.findall(
            r"<link(?![^>]+rel=\"(?:canonical|index|search|next|prev)\")[^>]+href=\"((?:https?:)?//[^\"]+)", text
        )
        fetched += re.findall(r"url\(['\"]?((?:https?:)?//[^)'\"]+)", text) + re.findall(
            r"@import[^;]*https?:[^;]*", text
        )
        assert fetched == [], path


def test_every_relative_link_and_anchor_leads_somewhere():
    for page in [Path("README.md"), *PAGES]:
        text = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
        for match in LINK.finditer(text):
            target = match[1] or match[2]
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            linked = (ROOT / page).parent / path if path else ROOT / page
            assert linked.exists(), f"{page}: {target}"
            if anchor:
                assert anchor in anchors(linked), f"{page}: {target}"


def anchors(page: Path) -> set[str]:
    """Of the headings of a page, as GitHub and the site name them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_the_reference_is_what_the_schema_gives(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert reference.main(["--check"]) == 0, "run `python -m etude.config.reference`"


def test_every_key_of_the_file_is_in_the_reference():
    """Block by block: what the file has at laptop scale has a row, or stands in a row of its parent."""
    text = (ROOT / "docs/params.md").read_text(encoding="utf-8")
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for key, value in raw.items():
        if key == "scales":
            continue
        assert f"`{key}`" in text
        for below in value if isinstance(value, dict) else ():
            assert re.search(rf"^(\| `{below}` \||#+ `{key}\.{below}`)|`{{.*\b{below}: ", text, re.MULTILINE), (
                key,
                below,
            )


def test_every_data_set_is_among_the_licences_in_its_own_words():
    text = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "data/sources").glob("*.yaml")):
        source = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert f"| `{source['name']}` | {source['title']} | {source['licence']} |" in text


def test_all_weights_that_can_be_loaded_are_among_the_licences():
    text = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
    blocks = [
        (f"{family}.{name}.weights", block) for family in PLUGIN_BLOCKS for name, block in PLUGIN_BLOCKS[family].items()
    ]
    keys = [key for key, block in blocks if "weights" in block.model_fields]
    assert len(keys) >= 5
    for key in keys:
        assert f"`{key}`" in text, key


# ---- the commands --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home as the pages suppose it: recordings, an archive, MIDI files; and programs that are those under test."""
    home = tmp_path_factory.mktemp("home")
    noise = np.random.default_rng(0)
    for folder in ("recordings", "takes/audio", "archives", "midi", "bin"):
        (home / folder).mkdir(parents=True)
    for number in range(6):
        write_audio(home / f"recordings/{number}.wav", 0.1 * noise.standard_normal(5 * RATE), RATE)
    _archive(home)
    for number in range(6):
        _tune(home / f"midi/{number}.mid", number)
    for name, module in {"etude": "etude", "snakemake": "snakemake", "python": ""}.items():
        program = home / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {f"-m {module}" if module else ""} "$@"\n')
        program.chmod(0o755)
    return home


def _archive(home: Path) -> None:
    rows = []
    for number, (instrument, split) in enumerate({"violin": "train", "cello": "valid", "viola": "test"}.items()):
        sound = 0.5 * np.sin(2 * np.pi * 220 * (number + 1) * np.arange(2 * RATE) / RATE)
        write_audio(home / f"takes/audio/{instrument}.wav", sound, RATE)
        labels = {"file": f"{instrument}.wav", "split": split, "instrument": instrument, "family": "string"}
        rows.append(labels | {"pitch": 57 + 12 * number, "seconds": 2.0})
    write_csv(home / "takes/index.csv", rows, list(rows[0]))
    with tarfile.open(home / "archives/takes.tar.gz", "w:gz") as archive:
        archive.add(home / "takes", ".")


def _tune(path: Path, number: int) -> None:
    midi, flute = pretty_midi.PrettyMIDI(), pretty_midi.Instrument(program=73)
    for k in range(40):
        flute.notes.append(pretty_midi.Note(90, 50 + (5 * k + 7 * number) % 20, 0.5 * k, 0.5 * k + 0.45))
    midi.instruments.append(flute)
    midi.write(str(path))


@pytest.mark.parametrize("page", [page for page in PAGES if has_commands(page)], ids=str)
def test_commands_run_and_say_what_the_page_says(page, request, home, tmp_path):
    found = fences(page)
    project = tmp_path / "project"
    shutil.copytree(request.getfixturevalue("finished"), project)
    for name in ("pyproject.toml", "slurm"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, project / name)
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    output = ""
    for fence in found:
        if fence.language == "yaml" and (path := re.search(r"`([\w/.-]+)`:$", fence.before)):
            (project / path[1]).write_text(fence.text, encoding="utf-8")
        elif fence.language == "sh" and not fence.planned:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", fence.text],
                cwd=project,
                env=os.environ | _environment(home),
                capture_output=True,
                text=True,
                timeout=600,
            )
            output = done.stdout + done.stderr
            assert done.returncode == 0, f"{page}:\n{fence.text}\n{output}"
        elif fence.language == "text":
            for line in fence.text.splitlines():
                assert line.strip() in output, f"{page}: the output has no {line.strip()!r}:\n{output}"


def _environment(home: Path) -> dict[str, str]:
    dvc = Path(sys.executable).parent
    return {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(home / "bin"), str(dvc), os.environ["PATH"]]),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }


PLANNED = [(page, fence) for page in PAGES for fence in commands(page) if fence.planned]


@pytest.mark.parametrize(("page", "fence"), PLANNED, ids=[f"{page}-{n}" for n, (page, _) in enumerate(PLANNED)])
def test_planned_commands_exist(page, fence, monkeypatch):
    """What cannot run here is at least no invention."""
    assert len(fence.text.partition("\n")[0]) > 20, f"{page}: say why it is not run"
    subprocess.run(["bash", "-n", "-c", fence.text], check=True)
    monkeypatch.chdir(ROOT)
    for line in fence.text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["etude"]:
            command_line({words[1]}).parse_args(words[1:])
        elif words[:1] == ["make"]:
            targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
            assert words[1] in targets, line
        elif words[:1] == ["snakemake"] and "--profile" in words:
            plan = [sys.executable, "-m", "snakemake", *words[1:], "-n", "--quiet", "rules", "--forceall"]
            done = subprocess.run(plan, cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
