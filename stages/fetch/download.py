"""Downloading: a local mirror first, resumed where it stopped, checked, unpacked without leaving its folder."""

import contextlib
import hashlib
import http.client
import os
import shutil
import stat
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from etude.errors import UserError
from etude.pipeline.files import atomic_folder
from etude.pipeline.progress import progress
from stages.fetch.manifest import Download

MIRROR = "ETUDE_MIRROR"  # environment variable: a folder with files of the same names, used instead of the network
BLOCK = 1 << 20
TIMEOUT = 60  # seconds without a byte


def obtain(download: Download, folder: Path) -> None:
    """Bring ``download`` into ``folder``: the file itself, or what is in it when it is an archive.

    What an earlier call brought is kept; an interrupted download continues. Raises ``UserError`` when the file cannot
    be had, is not the one expected, or would unpack outside ``folder``.
    """
    done = folder / f".{download.name}.done"
    if done.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    mirror = os.environ.get(MIRROR)
    if mirror and (path := Path(mirror) / download.name).is_file():
        _check(path, download)
        _install(path, download, folder, keep=True)
    else:
        path = folder / f".{download.name}.part"
        _download(download, path)
        try:
            _check(path, download)
        except UserError:
            path.unlink()  # whatever it is, continuing it cannot mend it
            raise
        _install(path, download, folder, keep=False)
    done.touch()


def _install(path: Path, download: Download, folder: Path, keep: bool) -> None:
    if download.unpack:
        with atomic_folder(folder / f".{download.name}.unpacked") as part:
            _unpack(path, download.unpack, part)
            for entry in sorted(part.iterdir()):
                if (target := folder / entry.name).is_dir() and not target.is_symlink():
                    shutil.rmtree(target)
                entry.replace(target)
        (folder / f".{download.name}.unpacked").rmdir()
        if not keep:
            path.unlink()
    elif keep:
        shutil.copyfile(path, folder / f".{download.name}.part")
        (folder / f".{download.name}.part").replace(folder / download.name)
    else:
        path.replace(folder / download.name)


def _download(download: Download, path: Path) -> None:
    """Write the file at ``download.url`` to ``path``, continuing what is already there."""
    start = path.stat().st_size if path.exists() else 0
    if download.bytes and start == download.bytes:
        return
    headers = {"User-Agent": "etude"} | ({"Range": f"bytes={start}-"} if start else {})
    advice = f"download it by other means into a folder and name that in {MIRROR}"
    try:
        with urllib.request.urlopen(urllib.request.Request(download.url, headers=headers), timeout=TIMEOUT) as answer:
            if start and answer.status != http.client.PARTIAL_CONTENT:
                start = 0  # the server (or a file:// address) sends everything again
            length = answer.headers.get("Content-Length")
            total = start + int(length) if length else None
            with open(path, "ab" if start else "wb") as out:
                blocks = _blocks(answer)
                count = -(-total // BLOCK) if total else 0
                for block in progress(blocks, f"fetching {download.name} (MiB)", total=count, start=start // BLOCK):
                    out.write(block)
    except urllib.error.HTTPError as error:
        raise UserError(f"{download.url}: the server answers {error.code} {error.reason}; {advice}") from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise UserError(f"{download.url}: cannot be fetched ({reason}); run again to continue, or {advice}") from None
    found = path.stat().st_size
    if total is not None and found < total:
        raise UserError(f"{download.url}: the connection ended after {found} of {total} bytes; run again to continue")


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


def _check(path: Path, download: Download) -> None:
    """Refuse a file that is not the one the manifest describes."""
    found = path.stat().st_size
    if download.bytes and found != download.bytes:
        raise UserError(
            f"{download.url}: {found} bytes found, {download.bytes} expected; fetch it again or correct its manifest"
        )
    for kind in ("sha256", "md5"):
        if expected := getattr(download, kind):
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, kind).hexdigest()
            if digest != expected:
                raise UserError(
                    f"{download.url}: {kind} {digest} found, {expected} expected; fetch it again, or correct "
                    "the manifest "
                    "if its publisher has issued a new version"
                )


def _unpack(archive: Path, kind: str, folder: Path) -> None:
    """Unpack ``archive`` into ``folder``; absolute paths, "..", links that lead out and devices are refused."""
    with contextlib.ExitStack() as stack:
        try:
            if kind == "tar":
                members = stack.enter_context(tarfile.open(archive))
                for member in progress(members, f"unpacking {archive.name}", total=0):
                    _refuse_outside(archive, member.name)
                    _extract(archive, members, member, folder / member.name)
            else:
                members = stack.enter_context(zipfile.ZipFile(archive))
                for member in progress(members.infolist(), f"unpacking {archive.name}"):
                    _refuse_outside(archive, member.filename)
                    if stat.S_ISLNK(member.external_attr >> 16):
                        raise UserError(
                            f"{archive}: holds the link {member.filename}; links are not unpacked from zip files"
                        )
                    members.extract(member, folder)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            raise UserError(f"{archive}: not a readable {kind} archive ({error}); fetch it again") from None


def _extract(archive: Path, members: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write one member. Data sets are files and folders: without links, nothing can lead elsewhere by a detour."""
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
    elif member.isfile():
        target.parent.mkdir(parents=True, exist_ok=True)
        with members.extractfile(member) as source, open(target, "wb") as out:
            shutil.copyfileobj(source, out, BLOCK)
    else:
        raise UserError(f"{archive}: holds the link or device {member.name}; only files and folders are unpacked")


def _refuse_outside(archive: Path, name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        raise UserError(
            f"{archive}: holds the path {name!r}, which leads out of its folder; get the archive from its publisher"
        )
