"""The real pipeline at a size of its own: everything cut down until a run takes half a minute."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from etude.config.datasets import overlay

ROOT = Path(__file__).parents[1]
CODE = ("Snakefile", "etude", "stages", "papers", "profiles", "data/sources")
VERSIONS = ("dvc.yaml", ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore")


def tiny() -> dict[str, Any]:
    """params.yaml at the scale `laptop` with numbers even smaller than those of `smoke`."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params = overlay(params, params["scales"]["smoke"])
    params["grid"] |= {"datasets": ["gm_notes"], "systems": ["msdae"], "seeds": [0]}
    params["fetch"]["gm_notes"] |= {"programs": 2, "pitch_step": 12}
    params["train"] |= {"steps": 90, "log_every": 5, "checkpoint_every": 5}
    params["generate"]["clips"] = 12
    return params


def write(folder: Path, params: dict[str, Any]) -> None:
    """Write ``params`` as the params.yaml of ``folder``."""
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def copy_project(folder: Path) -> None:
    """Put the code of this project, at the tiny size, into ``folder``."""
    for name in (*CODE, *VERSIONS):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, target)
    write(folder, tiny())


def command(*arguments: str) -> list[str]:
    """The command line of Snakemake."""
    return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]


def snakemake(folder: Path, *arguments: str) -> str:
    """Run Snakemake in ``folder``; what it printed."""
    done = subprocess.run(command(*arguments), cwd=folder, capture_output=True, text=True, timeout=540)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def planned(folder: Path, *arguments: str) -> dict[str, int]:
    """Jobs that a run would start, by rule."""
    output = snakemake(folder, *arguments, "--dry-run", "--quiet", "rules")
    table = re.search(r"^job +count\n-+ +-+\n(.*?)\n\n", output + "\n\n", re.S | re.M)
    rows = (line.split() for line in table.group(1).splitlines()) if table else ()
    return {rule: int(count) for rule, count in rows if rule not in ("total", "all")}
