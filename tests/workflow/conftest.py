"""Undisturbed executions for all tests of the workflow."""

import importlib
import sys
from types import SimpleNamespace

import pytest

from helpers.miniature import Copy
from helpers.once import made_once


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Begin with one file of these, so that no process waits for `small` at the end."""
    items.sort(key=lambda item: item.path.name != "test_interruptions.py")


@pytest.fixture(scope="session")
def small(repository, tmp_path_factory):
    """A copy in which the smallest study has run, which its tests leave as it is."""

    def make(folder):
        done = Copy.small(repository, folder).snakemake("mini")
        assert done.returncode == 0, done.stdout

    whole = made_once(tmp_path_factory, "small", make)
    return Copy.of(whole, tmp_path_factory.mktemp("small"))


@pytest.fixture
def inside(small, monkeypatch):
    """Let this process find the smallest study's framework, as one in its folder does."""
    monkeypatch.syspath_prepend(small.folder)
    importlib.invalidate_caches()
    yield small
    sys.modules.pop("my_framework", None)


@pytest.fixture(scope="session")
def executed(repository, tmp_path_factory):
    """A copy in which all of the workflow has run, and what came out, before a test changes it."""

    def make(folder):
        done = Copy(repository, folder).snakemake()
        assert done.returncode == 0, done.stdout

    whole = made_once(tmp_path_factory, "executed", make)
    made = Copy.of(whole, tmp_path_factory.mktemp("workflow"))
    return SimpleNamespace(copy=made, table=made.table(), figures=made.figures())


@pytest.fixture(scope="session")
def copy(executed):
    return executed.copy
