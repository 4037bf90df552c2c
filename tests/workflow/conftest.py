"""One undisturbed execution for all tests of the workflow."""

import fcntl
import os
import shutil
from types import SimpleNamespace

import pytest

from helpers.miniature import Copy


@pytest.fixture(scope="session")
def executed(repository, tmp_path_factory):
    """A copy in which the workflow has run, and what came out, before any test changes it."""
    made = Copy.of(executed_once(repository, tmp_path_factory), tmp_path_factory.mktemp("workflow"))
    return SimpleNamespace(copy=made, table=made.table(), figures=made.figures())


@pytest.fixture(scope="session")
def copy(executed):
    return executed.copy


def executed_once(repository, tmp_path_factory):
    """The folder of the execution that the processes of one session share."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = base / "executed"
    with (base / "executed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
        if not folder.exists():
            making = tmp_path_factory.mktemp("making") / "workflow"
            making.mkdir()
            done = Copy(repository, making).snakemake()
            assert done.returncode == 0, done.stdout
            shutil.move(making, folder)
    return folder
