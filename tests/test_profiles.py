"""The two Snakemake profiles: what is right everywhere, and the cluster's."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
CLUSTER = REPOSITORY / "slurm/config.yaml"
# The lines a user of a cluster with GPUs is told to uncomment.
GPU_LINES = re.compile(r"^( +)# (gres: gpu:1|slurm_partition: gpu)\b", re.MULTILINE)


def rules() -> set[str]:
    """Names of all rules of the Snakefile."""
    text = "\n".join(path.read_text() for path in REPOSITORY.glob("stages/*/*.smk"))
    return set(re.findall(r"^(?:rule|use rule \w+ as) (\w+)", text, re.MULTILINE))


def test_default_profile_says_nothing_about_where_jobs_run() -> None:
    """It wins over --profile slurm key by key, so anything of the kind would break the cluster."""
    keys = yaml.safe_load((REPOSITORY / "profiles/default/config.yaml").read_text()).keys()
    placing = {"executor", "cores", "jobs", "default-resources", "set-resources", "set-threads", "latency-wait"}
    assert not keys & placing
    assert not keys & yaml.safe_load(CLUSTER.read_text()).keys()


def test_cluster_profile_names_rules_that_exist() -> None:
    profile = yaml.safe_load(CLUSTER.read_text())
    named = profile["set-resources"].keys() | profile["set-threads"].keys()
    assert named <= rules()


def test_no_rule_counts_the_cores_of_this_machine() -> None:
    """Under a cluster profile there is no such number, and Snakemake stops (a dry run does not show it)."""
    for path in REPOSITORY.glob("stages/*/*.smk"):
        assert "workflow.cores" not in path.read_text(), path


def test_no_gpu_unless_uncommented_and_then_for_every_rule_that_uses_one() -> None:
    assert "gres" not in str(yaml.safe_load(CLUSTER.read_text()))
    text, count = GPU_LINES.subn(r"\1\2", CLUSTER.read_text())
    assert count == 2
    resources = yaml.safe_load(text)["set-resources"]
    assert {
        "train_system",
        "generate_reconstructions",
        "obtain_codec",
        "train_judge",
        "encode_dataset",
    } <= resources.keys()
    assert all(one["gres"] == "gpu:1" and one["slurm_partition"] == "gpu" for one in resources.values())


@pytest.mark.parametrize("scale", ["smoke", "laptop"])
def test_dry_run_through_the_cluster_profile(scale: str) -> None:
    """Both profiles together, the real Snakefile: the jobs ask for what the profile says."""
    command = [sys.executable, "-m", "snakemake", "--profile", "slurm", "--dry-run", "--forceall", "--config"]
    result = subprocess.run([*command, f"scale={scale}"], cwd=REPOSITORY, capture_output=True, text=True)
    report = result.stdout + result.stderr
    assert result.returncode == 0, report
    assert "profiles slurm and workflow specific profile profiles/default" in report
    job = re.search(r"^rule train_system:.*?resources: (.*?)$", report, re.MULTILINE | re.DOTALL)
    wanted = yaml.safe_load(CLUSTER.read_text())["set-resources"]["train_system"]
    assert job and all(f"{name}={value}" in job[1].split(", ") for name, value in wanted.items())
