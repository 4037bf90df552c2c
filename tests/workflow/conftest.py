"""One miniature workflow, run once for all tests of this folder."""

import pytest

from miniature import Copy


@pytest.fixture(scope="session")
def copy(repository, tmp_path_factory):
    made = Copy(repository, tmp_path_factory.mktemp("workflow"))
    done = made.snakemake()
    assert done.returncode == 0, done.stdout
    return made
