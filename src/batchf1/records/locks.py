"""Locks that end with their process, and removal of Snakemake's, which do not."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from batchf1.errors import raise_path_error

_open: list[IO[str]] = []
"""Kept open, and so locked, to the end of the process, however it ends."""


def drop_stale(folder: str | Path = ".") -> bool:
    """Remove the locks of ended Snakemake processes; return True if that could be determined.

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


@contextmanager
def held(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock, a file of this name, in the `with` block; wait for a process that holds it.

    `waiting` is called before the wait. The kernel drops the lock of a killed process, so that the
    file it leaves is harmless. Where the file system has no locks, nothing is locked. Raises
    `InputError` where the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(path, waiting)
    except OSError as error:
        raise_path_error(path.parent, "cannot be written", error)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        file.close()


def _locked(path: Path, waiting: Callable[[], None]) -> IO[str]:
    file = path.open("a")
    if not _locks(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
        waiting()
        _locks(file, fcntl.LOCK_EX)
    if _is_at(path, file):
        return file
    file.close()  # the process before has removed the name of the file that we waited for
    return _locked(path, waiting)


def _is_at(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _locks(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind)
    except OSError:
        return False
    return True
