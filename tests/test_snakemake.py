"""What Snakemake offers by itself works on this workflow: graphs, summary, linter, marks for its report."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What docs/snakemake.md says we know better.
KNOWN_BETTER = ("conda environment or container", "Mixed rules and functions", "is a prefix of input or output", "PATH")


def snakemake(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakemake", *arguments, "--config", "scale=smoke"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_the_linter_finds_nothing_but_what_is_meant():
    done = snakemake("--lint")
    lints = re.findall(r"^    \* (.*)$", done.stdout + done.stderr, re.MULTILINE)
    assert lints, done.stderr
    assert [lint for lint in lints if not any(known in lint for known in KNOWN_BETTER)] == []
    page = (ROOT / "docs/snakemake.md").read_text(encoding="utf-8")
    assert all(known.split(" ")[0].lower() in page.lower() for known in KNOWN_BETTER)


@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [
        (["--rulegraph", "dot"], "digraph"),
        (["--dag", "mermaid-js"], "---"),
        (["--summary"], "output_file\tdate\trule"),
    ],
    ids=["rulegraph", "dag", "summary"],
)
def test_graphs_and_summary(arguments, beginning):
    done = snakemake(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.lstrip().startswith(beginning) and "train_system" in done.stdout


def test_every_table_and_figure_is_marked_for_the_report_with_a_caption():
    marked = []
    for path in sorted((ROOT / "stages/report").glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        marked += re.findall(r'report\(\s*"([^"]+)"', text)
        for caption in re.findall(r'caption="([^"]+)"', text):
            assert len((path.parent / caption).read_text(encoding="utf-8")) > 80, caption
        assert text.count("report(") == text.count("caption=") == text.count("category=") == text.count("labels="), path
        tables = re.findall(r'^\s+csv="(<reports>[^"]+)"', text, re.MULTILINE)
        assert not tables, f"{path}: {tables[0]} is no part of the report"
    assert len(set(marked)) >= 11
