"""Reading files, with one line for a reader where that fails."""

from __future__ import annotations

import hashlib
from pathlib import Path

from batchf1.errors import refuse, require


def verified(content: bytes, path: Path, sha256: str) -> bytes:
    """The content itself; `InputError` where its SHA-256 is another."""
    digest = hashlib.sha256(content).hexdigest()
    require(digest == sha256, str(path), f"must have SHA-256 {sha256}", digest)
    return content


def read(path: Path) -> bytes:
    """The bytes of a file; `InputError` where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        refuse(str(path), "must be a readable file", error.strerror or str(error))
