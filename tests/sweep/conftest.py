"""A study of a framework in NumPy, which trains in no time."""

import importlib
import shutil
import sys

import pytest

from helpers import plugins_fixture
from helpers.shards import STUDY, execute

TOGETHER = """
    def group_size(self, run):
        return 3
"""


@pytest.fixture(scope="module")
def framework(tmp_path_factory):
    """A framework in NumPy, three runs at once, which trains in no time."""
    folder = tmp_path_factory.mktemp("framework")
    (folder / "my_framework.py").write_text(plugins_fixture.FRAMEWORK + TOGETHER)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        importlib.invalidate_caches()
        yield importlib.import_module("my_framework")
    sys.modules.pop("my_framework")


@pytest.fixture
def experiment(tmp_path, framework):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def filled(framework, tmp_path_factory):
    """The study, trained in one shard."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "study.yaml").write_text(STUDY)
    return execute(folder / "study.yaml", 0, 1, folder / "store")


@pytest.fixture
def store(filled, tmp_path):
    """A copy of its store."""
    return shutil.copytree(filled.path.parent / "store", tmp_path / "store")


@pytest.fixture
def said(capsys):
    """Of the shards since the last question: how many runs, and how many of them were kept."""

    def lines():
        found = [line for line in capsys.readouterr().err.splitlines() if "kept from" in line]
        return [tuple(int(word) for word in line.split() if word.isdigit()) for line in found]

    return lines
