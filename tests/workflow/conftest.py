"""One undisturbed execution for all tests of the workflow."""

from types import SimpleNamespace

import pytest

from helpers.miniature import Copy
from helpers.once import made_once


@pytest.fixture(scope="session")
def executed(repository, tmp_path_factory):
    """A copy in which the workflow has run, and what came out, before any test changes it."""

    def make(folder):
        done = Copy(repository, folder).snakemake()
        assert done.returncode == 0, done.stdout

    whole = made_once(tmp_path_factory, "executed", make)
    made = Copy.of(whole, tmp_path_factory.mktemp("workflow"))
    return SimpleNamespace(copy=made, table=made.table(), figures=made.figures())


@pytest.fixture(scope="session")
def copy(executed):
    return executed.copy
