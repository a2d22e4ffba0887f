# The map of Étude. Each paper step is a folder of stages/ with its rules and its command line; they are included below in
# the order of the papers. Every knob is in params.yaml. What there is to build:
#
#     snakemake --cores all                              the tables of the present scale
#     snakemake --cores all reports/fad.csv              one of them
#     snakemake --profile slurm reports/fad.csv          the same on a cluster
#     snakemake --cores all --config scale=smoke         everything, tiny, under runs/smoke/

import functools
import os
import sys
from pathlib import Path

from etude.config import prepare_settings, resolve
from etude.errors import UserError
from etude.pipeline.known_code import code_digest
from etude.pipeline.workflow import files_of, manifest_entry, read_yaml, settings
from etude.versions.provenance import write_beside_reports


configfile: "params.yaml"


code = functools.cache(code_digest)  # the same few stages are asked for in every job

try:
    PARAMS = resolve(config)
except UserError as error:
    sys.exit(f"error: {error}")

GRID = PARAMS["grid"]
METRICS = GRID.pop("metrics")  # one more of them is no reason to make the other tables again
ROOT = "runs/smoke/" if PARAMS["scale"] == "smoke" else ""

# `python` in a rule is the one that runs Snakemake, also inside a Slurm job.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

# Jobs tell how far they are: often when somebody looks on, else once a minute. Their own output goes to their logs.
os.environ.setdefault("ETUDE_PROGRESS", "10" if sys.stderr.isatty() else "60")

# Where each job runs is noted beside what Snakemake records of it, for `etude why`. bash knows its own command.
shell.prefix('set -euo pipefail; python -m etude.pipeline.ran "${{BASH_EXECUTION_STRING:-$(cat $0)}}"; ')


pathvars:
    data=f"{ROOT}data",
    models=f"{ROOT}models",
    reports=f"{ROOT}reports",
    logs=f"{ROOT}logs",


wildcard_constraints:
    dataset=r"[a-z][a-z0-9_]*",
    codec=r"[a-z][a-z0-9_]*",
    system=r"[a-z][a-z0-9_]*",
    embedding=r"[a-z][a-z0-9_]*",
    seed=r"\d+",


localrules:
    all,


rule all:
    default_target: True
    input:
        "<reports>/fad.csv",
        "<reports>/fad.md",
        ["<reports>/metrics.csv", "<reports>/metrics.md"] if METRICS else [],
        "<reports>/index.html",
        lambda w: [path for paper in PARAMS["report"]["papers"] for path in files_of(getattr(rules, paper).input)],


onsuccess:
    write_beside_reports(Path.cwd(), f"{ROOT}reports")


include: "stages/fetch/fetch.smk"
include: "stages/prepare/prepare.smk"
include: "stages/codec/codec.smk"
include: "stages/encode/encode.smk"
include: "stages/train/train.smk"
include: "stages/generate/generate.smk"
include: "stages/judge/judge.smk"
include: "stages/evaluate/evaluate.smk"
include: "stages/report/report.smk"
