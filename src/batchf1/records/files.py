"""Reading files, with one line for a reader where that fails, and digests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from batchf1.errors import refuse, require


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
