"""Pages of docs/results/: a report with a header that says what made it."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from etude.errors import UserError
from etude.pipeline.files import atomic_folder, sha256_file
from etude.pipeline.progress import duration
from etude.versions.provenance import SUFFIX, is_report

RESULTS = Path("docs/results")
KINDS = (".md", ".csv", ".svg")  # of a report's files; a PNG is its SVG once more
PICTURE = re.compile(r"(!\[[^\]]*\]\([^)]+)\.png\)")
TIME = "%Y-%m-%d %H:%M:%S UTC"
ORDER = ("laptop", "large", "paper")  # of the columns that stand side by side

Chain = dict[str, Any]


def publish(root: Path, reports: Path, scale: str) -> list[str]:
    """Copy the reports of the run at ``scale`` from ``reports`` into docs/results/<scale>/, pages with their headers.

    The whole folder of that scale is written anew. Returns the paths written. Raises ``UserError`` when there are no
    reports, or one was edited, or belongs to another scale.
    """
    found = [
        path.relative_to(root)
        for path in sorted((root / reports).rglob("*"))
        if path.suffix in KINDS and is_report(str(path.relative_to(root)), str(reports))
    ]
    chains = {path: chain for path in found if (chain := _chain(root, path))}
    if not chains:
        raise UserError(f"{reports}: no report with its provenance there; `etude run --scale {scale}` makes them")
    target = root / RESULTS / scale
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(target) as folder:
        for path, chain in chains.items():
            _check(root, path, chain, scale)
            page = folder / path.relative_to(reports)
            page.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".md":
                text = PICTURE.sub(r"\1.svg)", (root / path).read_text(encoding="utf-8"))
                page.write_text(with_header(text, path, chain), encoding="utf-8")
            else:
                page.write_bytes((root / path).read_bytes())
    return [str(RESULTS / scale / path.relative_to(reports)) for path in chains]


def with_header(page: str, path: Path, chain: Chain) -> str:
    """``page`` with what made it under its title."""
    title, _, body = page.partition("\n")
    return f"{title}\n\n{header(path, chain)}\n{body}"


def header(path: Path, chain: Chain) -> str:
    """Where the numbers of report ``path`` come from, as a quotation of a few lines."""
    job = chain["jobs"][chain["file"]]
    settings, ran = job["settings"] or {}, job["ran"] or {}
    jobs = chain["jobs"].values()
    seconds = sum(_seconds(other) for other in _distinct(jobs))
    machines = sorted({_machine(other["ran"]) for other in jobs if other["ran"]})
    packages = ", ".join(f"{name} {version}" for name, version in ran.get("packages", {}).items())
    told = "".join(f", {name} {settings[name]}" for name in ("scale", "variant") if name in settings)
    lines = [
        f"Made {job['ended'] or job['began']} by rule `{job['rule']}`, code `{job['code']}`{told}.",
        f"Behind it: {len(_distinct(jobs))} jobs, {duration(seconds)} of job time, on {'; '.join(machines)}.",
        f"Python {ran.get('python', 'unknown')}, {packages}." if packages else "",
        f"Inputs that no job made: {', '.join(f'`{name}` {_short(digest)}' for name, digest in _inputs(chain))}.",
        f"sha256 of `{path}` as its job wrote it: `{chain['files'][str(path)]}`. Where the run was made, "
        f"`etude why {chain['file']}` tells every job behind it.",
    ]
    return "\n".join(f"> {line}  " for line in lines if line).rstrip()


def contents(root: Path) -> str:
    """The page that lists all others."""
    lines = [
        "# Results",
        "",
        "Written by `etude publish` from finished runs, and committed by hand: pages to read, the same numbers as CSV, "
        "figures. Each page says what made it. How its numbers are to be read, it says below its table.",
        "",
    ]
    for scale in scales(root):
        folder = root / RESULTS / scale
        lines += [f"## {scale}", ""]
        for page in sorted(
            folder.rglob("*.md"), key=lambda page: (len(page.relative_to(folder).parts), page.as_posix())
        ):
            title, made = _title_and_date(page)
            lines.append(f"- [{title}]({page.relative_to(root / RESULTS).as_posix()}), {made}")
        figures = sorted(folder.rglob("*.svg"))
        if figures:
            named = (f"[{figure.stem}]({figure.relative_to(root / RESULTS).as_posix()})" for figure in figures)
            lines.append(f"- Figures: {', '.join(named)}")
        lines.append("")
    return "\n".join(lines if scales(root) else [*lines, "Nothing is published yet.", ""])


def scales(root: Path) -> list[str]:
    """The scales that are published, in the order of the columns."""
    found = {path.name for path in (root / RESULTS).glob("*") if path.is_dir() and not path.name.startswith(".")}
    return [scale for scale in ORDER if scale in found] + sorted(found - set(ORDER))


def _chain(root: Path, path: Path) -> Chain | None:
    """The chain that was written beside report ``path``."""
    for file in sorted((root / path).parent.glob(f"*{SUFFIX}")):
        chain = json.loads(file.read_text(encoding="utf-8"))
        if str(path) in chain.get("files", {}):
            return chain
    return None


def _check(root: Path, path: Path, chain: Chain, scale: str) -> None:
    if sha256_file(root / path) != chain["files"][str(path)]:
        raise UserError(f"{path}: edited since its job wrote it; remove it and `etude run {path}`, then publish")
    made = (chain["jobs"][chain["file"]]["settings"] or {}).get("scale", scale)
    if made != scale:
        raise UserError(f"{path}: made at scale {made}, not {scale}; `etude publish --scale {made}` publishes it")


def _distinct(jobs) -> list[dict[str, Any]]:
    """A job stands in a chain once for each of its outputs."""
    return list({(job["rule"], job["log"], job["began"]): job for job in jobs}.values())


def _seconds(job: dict[str, Any]) -> float:
    if not (job["began"] and job["ended"]):
        return 0.0
    return (datetime.strptime(job["ended"], TIME) - datetime.strptime(job["began"], TIME)).total_seconds()


def _machine(ran: dict[str, Any]) -> str:
    gpus = ", ".join(ran.get("gpus") or []) or "no GPU"
    return f"{ran['processor']}, {ran['cores']} cores, {gpus}"


def _inputs(chain: Chain) -> list[tuple[str, str | None]]:
    return list(chain["sources"].items())


def _short(digest: str | None) -> str:
    return f"({digest[:12]})" if digest else ""


def _title_and_date(page: Path) -> tuple[str, str]:
    lines = page.read_text(encoding="utf-8").splitlines()
    made = next((line.split()[2] for line in lines if line.startswith("> Made ")), "date unknown")
    return lines[0].lstrip("# "), made
