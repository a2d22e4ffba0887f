"""A project of three rules in two steps, small enough to be run by Snakemake in a second."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SNAKEFILE = """
configfile: "params.yaml"
rule all:
    input: "reports/sum.csv"
include: "stages/make/make.smk"
include: "stages/add/add.smk"
"""
MAKE = """# make: numbers.
rule make:
    input: expand("data/numbers/{k}.txt", k=[1, 2])
rule make_number:
    input: "data/sources/{k}.yaml"
    output: "data/numbers/{k}.txt"
    log: "logs/make/{k}.log"
    params: settings='{"times":%d}' % config["times"]
    shell: "cat {input} {input} > {output}; echo made 2>&1 | tee {log}"
"""
ADD = """# add: their sum.
rule add:
    input: expand("data/numbers/{k}.txt", k=[1, 2])
    output: "reports/sum.csv"
    log: "logs/add.log"
    shell: "cat {input} > {output}; echo added 2>&1 | tee {log}"
"""


def write(folder: Path, **files: str) -> None:
    """Write ``files``, whose names have __ for / and _dot_ for a dot."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    write(
        folder,
        Snakefile=SNAKEFILE,
        params_dot_yaml="times: 2\n",
        stages__make__make_dot_smk=MAKE,
        stages__add__add_dot_smk=ADD,
        data__sources__1_dot_yaml="one\n",
        data__sources__2_dot_yaml="two\n",
    )
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture
def small(small_run: Path, tmp_path: Path) -> Path:
    """A finished run of the small project, to be changed at will."""
    return Path(shutil.copytree(small_run, tmp_path / "small"))
