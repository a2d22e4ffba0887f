"""What a run has made, told from Snakemake's own records."""

import subprocess
import sys
import time

from etude.pipeline.recovery import newest_log
from etude.pipeline.summary import behind, summary

SNAKEFILE = """
rule all:
    input: expand("reports/{name}.md", name=["a", "b"])

rule prepare:
    output: csv="data/{name}/index.csv", npy="data/{name}/audio.npy"
    log: "logs/{name}.log"
    shell: "touch {output.csv}; sleep 0.3; touch {output.npy}; echo done > {log}"

rule table:
    input: "data/{name}/index.csv", "data/{name}/audio.npy"
    output: "reports/{name}.md"
    log: "logs/table_{name}.log"
    shell: "cat {input} > {output}; echo done > {log}"
"""


def run(folder, *words: str) -> float:
    began = time.time()
    command = [sys.executable, "-m", "snakemake", *words, "--cores", "1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return began


def test_jobs_count_once_and_earlier_ones_are_reused(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    first = run(tmp_path, "reports/a.md")
    assert [job.rule for job in behind(tmp_path, newest_log(tmp_path))] == ["prepare", "table"]
    text = summary(tmp_path, newest_log(tmp_path), first)
    assert [line.split()[:2] for line in text.splitlines()[1:3]] == [["prepare", "1"], ["table", "1"]]
    assert "data/a/" in text and text.endswith("reused: nothing, all of it is new")

    time.sleep(1.1)  # a run begins at least a second after the one before has ended
    (tmp_path / "reports/a.md").unlink()
    second = run(tmp_path)
    text = summary(tmp_path, newest_log(tmp_path), second)
    assert sorted(line.split()[:2] for line in text.splitlines()[1:3]) == [["prepare", "1"], ["table", "2"]]
    assert text.endswith("reused: what 1 jobs of earlier runs had made")
