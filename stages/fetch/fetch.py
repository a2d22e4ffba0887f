"""Fetch one data set as its manifest says: made here, downloaded, or found where its user put it.

The files land in the folder of ``--out``; ``manifest.csv`` (path, bytes, sha256; sorted by path) is written last, so
that it exists only beside a complete data set.
"""

import importlib
import os
from pathlib import Path
from types import SimpleNamespace

from etude.errors import UserError
from etude.pipeline.files import atomic_folder, sha256_file, write_csv
from etude.pipeline.progress import progress
from etude.pipeline.stage import run_stage
from stages.fetch.download import obtain
from stages.fetch.manifest import Source, read_source

COLUMNS = ["path", "bytes", "sha256"]


def fetch(settings: SimpleNamespace, source: Path, processes: str, out: Path) -> None:
    """Fetch the data set of manifest ``source`` into the folder of ``out``."""
    manifest = read_source(source)
    if not processes.isdecimal() or int(processes) < 1:
        raise UserError(f"--processes is {processes!r}; give a whole number, 1 or more")
    if manifest.access == "embedded":
        with atomic_folder(out.parent) as folder:
            _make(manifest, folder, settings, int(processes))
            _check(manifest, folder, out.parent)
            _write_manifest(folder, folder / out.name)
        return
    if manifest.access == "open":
        for download in manifest.files:
            obtain(download, out.parent)
    else:
        _link(manifest, out.parent)
    _check(manifest, out.parent, out.parent)
    _write_manifest(out.parent, out)


def _make(manifest: Source, folder: Path, settings: SimpleNamespace, processes: int) -> None:
    name = f"stages.fetch.makers.{manifest.maker}"
    try:
        maker = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise UserError(
            f"data set {manifest.name}: there is no maker {manifest.maker!r} in stages/fetch/makers/"
        ) from None
    maker.make(folder, settings, processes)


def _link(manifest: Source, folder: Path) -> None:
    """Make what lies at ``place`` visible in ``folder``: nothing to do when it is there already, else links."""
    place = Path(manifest.place).expanduser()
    entries = [entry for entry in sorted(place.glob("*")) if entry.name != "manifest.csv"]
    if not entries:
        raise UserError(f"data set {manifest.name} is not at {place} and cannot be downloaded: {manifest.how}")
    folder.mkdir(parents=True, exist_ok=True)
    if place.resolve() == folder.resolve():
        return
    for entry in entries:
        link = folder / entry.name
        if link.is_symlink():
            link.unlink()
        if link.exists():
            raise UserError(f"{link} is in the way of a link to {entry}; remove it")
        link.symlink_to(entry.resolve())


def _check(manifest: Source, folder: Path, shown: Path) -> None:
    """Refuse a data set in ``folder`` that lacks files; to its user it is at ``shown``."""
    advice = {
        "embedded": f"widen fetch.{manifest.name} in params.yaml",
        "open": "remove that folder and fetch it again",
        "manual": manifest.how,
    }
    for pattern, count in manifest.expect.items():
        found = sum(1 for path in folder.glob(pattern) if not path.name.startswith("."))
        if found != count if count else not found:
            raise UserError(
                f"{shown}: {found} files match {pattern}, {count or 'at least one'} expected in data set "
                f"{manifest.name}: "
                f"{advice[manifest.access]}"
            )


def _write_manifest(folder: Path, out: Path) -> None:
    """List every file below ``folder`` but hidden ones and ``out`` itself."""
    files = []
    for base, folders, names in os.walk(folder, followlinks=True):  # a manual data set is a folder of links
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(base, name) for name in names if not name.startswith(".") and Path(base, name) != out]
    rows = [
        {"path": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size, "sha256": sha256_file(path)}
        for path in progress(files, "hashing")
    ]
    write_csv(out, sorted(rows, key=lambda row: row["path"]), COLUMNS)


if __name__ == "__main__":
    run_stage(
        fetch,
        source="path of the manifest data/sources/<name>.yaml",
        processes="number of processes that render an embedded data set",
        out="path of the list of files to write; the data set goes into its folder",
    )
