"""Reading of files with one-line errors, atomic replacement, and digests."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from batchf1.errors import check, missing, raise_input_error, raise_path_error

HOST = platform.node()
PART = re.compile(r"\.(\d+)\.part(\.\w+)?$")
"""End of the name of a file or folder that is not complete, with the process that writes it."""


@cache
def is_installed(package: str) -> bool:
    """Return True if a package, by its name on PyPI, is installed; it is not imported."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def packaged(package: str, name: str, sha256: str) -> bytes:
    """Read a data file of an installed package, which is located but not imported.

    Raises `InputError` where package or file is missing, or the SHA-256 is another.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise_input_error(f"{package}/{name}", missing(package), "no such package")
    path = Path(spec.origin).parent / name
    return verified(read(path), path, sha256)


def verified(content: bytes, path: Path, sha256: str) -> bytes:
    """Return the content; raise `InputError` if its SHA-256 differs."""
    actual = hashlib.sha256(content).hexdigest()
    check(actual == sha256, str(path), f"must have SHA-256 {sha256}", actual)
    return content


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits; `InputError` if it cannot be read."""
    return hashlib.sha256(read(path)).hexdigest()


def digest(value: object) -> str:
    """Return the first twelve hexadecimal digits of the SHA-256 of a value's JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def read(path: Path) -> bytes:
    """Return the bytes of a file; raise `InputError` if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise_path_error(path, "must be a readable file", error)


@contextmanager
def replacing(path: str | Path, swept: bool = False) -> Iterator[Path]:
    """Yield a temporary file beside `path` that replaces it if nothing raises, and is else removed.

    The file is on the disk before it replaces `path`, so that a loss of power leaves the old file
    or the new one. Temporary files of killed processes are removed too, unless the folder has been
    `swept`. Raises `InputError` where the file cannot be written, `OSError` where the disk is full.
    """
    path = Path(path)
    with _part_of(path, swept) as part:
        yield part
        _flush(part)
        part.replace(path)
        _flush_names(path.parent)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside `path` that replaces it if nothing raises, and is else removed.

    What killed processes left is removed too. Raises `InputError` where it cannot be written.
    """
    with _part_of(path) as part:
        part.mkdir()  # a place that cannot be written to shows now
        yield part
        remove(path)
        part.rename(path)
        _flush_names(path.parent)


@contextmanager
def _part_of(path: Path, swept: bool = False) -> Iterator[Path]:
    part = path.with_name(f".{path.name}.{HOST}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not swept:
            remove_stale(path.parent, path.name)
        yield part
    except OSError as error:
        raise_path_error(path, "cannot be written", error)
    finally:
        with suppress(OSError):
            remove(part)


def _flush_names(folder: Path) -> None:
    with suppress(OSError):  # not every file system flushes folders
        _flush(folder)


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk (`fsync`)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file, or a folder with its contents, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_stale(folder: Path, name: str | None = None) -> None:
    """Remove partial files that killed processes of this machine left, of `name` or of any name.

    Those of other machines stay. The whole folder is listed.
    """
    of_name = "*" if name is None else glob.escape(name)
    for left in folder.glob(f".{of_name}.{glob.escape(HOST)}.*.part*"):
        pid = PART.search(left.name)
        if pid and not _alive(int(pid[1])):
            remove(left)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except OSError:  # of another user
        return True
    return True
