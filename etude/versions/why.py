"""`etude why FILE`: where a file comes from, as a tree."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from etude.versions.provenance import Chains, require_known


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `etude why`."""
    parser.add_argument("file", help="a file that the pipeline has made, such as reports/fad.csv")
    parser.add_argument("--depth", type=int, default=None, metavar="N", help="go back N jobs (default: to the sources)")
    parser.add_argument("--json", action="store_true", help="print the whole chain as JSON")


def execute(arguments: argparse.Namespace) -> int:
    """Print the chain; returns the exit status. Raises ``UserError`` for a file without one."""
    directory = Path.cwd()
    path = os.path.relpath(arguments.file, directory)
    chains = Chains(directory)
    require_known(chains, path)
    chain = chains.of(path)
    if arguments.json:
        print(json.dumps(chain, indent=2, ensure_ascii=False))
    else:
        print("\n".join(tree(chain, arguments.depth)))
    return 0


def tree(chain: dict[str, Any], depth: int | None = None) -> list[str]:
    """The lines of ``chain`` as a tree; a job that stands further up already is only named."""
    jobs, shown = chain["jobs"], {}
    lines: list[str] = []

    def add(path: str, sha256: str | None, head: str, tail: str, left: int | None) -> None:
        digest = f"  sha256 {sha256[:16]}" if sha256 else ""
        if path not in jobs:
            lines.append(f"{head}{path}{digest}  (not made here)")
            return
        key = _key(jobs[path])
        if key in shown:
            lines.append(
                f"{head}{path}{digest}  (see {shown[key]} above)"
                if shown[key] != path
                else f"{head}{path}{digest}  (see above)"
            )
            return
        shown[key] = path
        lines.append(f"{head}{path}{digest}")
        job = jobs[path]
        inputs = [] if left == 0 else list(job["inputs"].items())
        bar = tail + ("│   " if inputs else "    ")
        lines.extend(bar + line for line in describe(job))
        for k, (name, known) in enumerate(inputs):
            last = k == len(inputs) - 1
            add(
                name, known, tail + ("└── " if last else "├── "), tail + ("    " if last else "│   "), left and left - 1
            )

    add(chain["file"], chain["sha256"], "", "", depth)
    return lines


def describe(job: dict[str, Any]) -> list[str]:
    """A few lines about one job."""
    ran = job["ran"] or {}
    lines = [f"rule {job['rule']}, code {job['code'] or 'not digested'}"]
    if job["settings"]:
        lines.append("settings " + json.dumps(job["settings"], ensure_ascii=False, separators=(", ", ": ")))
    if job["seed"] is not None:
        lines.append(f"seed {job['seed']}")
    for path, sha256 in job["weights"].items():
        lines.append(f"weights {path} sha256 {(sha256 or '?')[:16]}")
    where = ", ".join(
        filter(
            None,
            [
                f"on {ran['host']} ({ran['processor']}, {ran['cores']} cores)" if ran else "machine not noted",
                ", ".join(ran.get("gpus", [])),
                f"Slurm job {ran['slurm_job']}" if ran.get("slurm_job") else "",
            ],
        )
    )
    lines.append(f"{job['began']} .. {(job['ended'] or '?')[11:]} {where}")
    if ran:
        lines.append(" ".join([f"python {ran['python']}", *(f"{name} {v}" for name, v in ran["packages"].items())]))
    return lines


def _key(job: dict[str, Any]) -> tuple:
    """What tells one job from another: its outputs share all of this."""
    return job["rule"], job["log"]
