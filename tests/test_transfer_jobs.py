"""The rules of the transfer experiment: what is made once, and what is shared."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_each_set_is_generated_and_transcribed_once_for_all_its_judges():
    """Smoke scale: two data sets, two systems, one seed."""
    tables = [f"runs/smoke/reports/pichard2024/table{number}.md" for number in (4, 5)]
    command = [sys.executable, "-m", "snakemake", *tables, "--dry-run", "--forceall", "--config", "scale=smoke"]
    done = subprocess.run([*command, "--quiet", "rules"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)}
    expected = {
        "generate_transfer": 4,
        "generate_reconstructions": 4,
        "generate_round_trip": 2,
        "transcribe_clips": 4 + 4 + 2,  # swaps, reconstructions, round trips
        "transcribe_originals": 2,
        "train_timbre": 2,
        "transfer_scores": 4,
        "transfer_bounds": 2,
        "pichard2024_table4": 1,
        "pichard2024_table5": 1,
    }
    assert {rule: jobs.get(rule) for rule in expected} == expected
    assert "generate_untrained" not in jobs and "fad_table" not in jobs
