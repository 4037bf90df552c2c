"""Snakemake's locks after a kill: nobody holds them, and they are in everybody's way."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

_open: list[IO[str]] = []
"""Kept open, and so locked, to the end of the process, however it ends."""


def drop_stale(folder: str | Path = ".") -> bool:
    """Remove the locks of Snakemake processes that are gone; whether that could be told.

    Each process that calls this holds a shared lock on a file until it ends; the kernel, not the
    process, lets go of it. Who finds no other holder knows that every lock of Snakemake's is stale.
    Where a holder lives, or the file cannot be locked, nothing is removed.
    """
    state = Path(folder) / ".snakemake"
    try:
        state.mkdir(exist_ok=True)
        holder = (state / "alive").open("a")
        _open.append(holder)
        alone = _locks(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for lock in (state / "locks").glob("*.lock") if alone else []:
            lock.unlink(missing_ok=True)
        return _locks(holder, fcntl.LOCK_SH) and alone
    except OSError:  # a folder that cannot be written to: Snakemake says it better
        return False


def _locks(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind)
    except OSError:
        return False
    return True
