"""One undisturbed execution for all tests of the workflow."""

from types import SimpleNamespace

import pytest

from helpers.miniature import Copy


@pytest.fixture(scope="session")
def executed(repository, tmp_path_factory):
    """A copy in which the workflow has run, and what came out, before any test changes it."""
    made = Copy(repository, tmp_path_factory.mktemp("workflow"))
    done = made.snakemake()
    assert done.returncode == 0, done.stdout
    return SimpleNamespace(copy=made, table=made.table(), figures=made.figures())


@pytest.fixture(scope="session")
def copy(executed):
    return executed.copy
