"""Reading files, with one line for a reader where that fails, and digests."""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

from batchf1.errors import missing, refuse, require


def packaged(package: str, name: str, sha256: str) -> bytes:
    """A file that a package brings, by its name in there; the package is located, not imported.

    Raises `InputError` where package or file is missing, or the SHA-256 is another.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        refuse(f"{package}/{name}", missing(package), "no such package")
    path = Path(spec.origin).parent / name
    return verified(read(path), path, sha256)


def verified(content: bytes, path: Path, sha256: str) -> bytes:
    """The content itself; `InputError` where its SHA-256 is another."""
    found = hashlib.sha256(content).hexdigest()
    require(found == sha256, str(path), f"must have SHA-256 {sha256}", found)
    return content


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits; `InputError` where it cannot be read."""
    return hashlib.sha256(read(path)).hexdigest()


def digest(value: object) -> str:
    """Twelve hexadecimal digits of the SHA-256 of a value's JSON text."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def read(path: Path) -> bytes:
    """The bytes of a file; `InputError` where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        refuse(str(path), "must be a readable file", error.strerror or str(error))
