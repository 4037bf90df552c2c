"""Folders that are dear to make: once a session, whichever of its processes needs them first."""

import fcntl
import os
import shutil


def made_once(factory, name, make):
    """Return the folder `name` of the session, filled by `make(folder)`.

    `factory` is pytest's `tmp_path_factory`. The other processes wait for the one that makes it.
    """
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = base / name
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
        if not folder.exists():
            making = factory.mktemp("making") / name
            making.mkdir()
            make(making)
            shutil.move(making, folder)
    return folder
