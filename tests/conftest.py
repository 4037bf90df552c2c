"""What all tests share."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest
from hypothesis import settings

settings.register_profile("batchf1", deadline=None, derandomize=True)
settings.load_profile("batchf1")

ORDER = ["test_training", "test_benchmarks", "workflow"]
"""What takes long, last."""


def pytest_collection_modifyitems(items):
    def rank(item):
        return max((i + 1 for i, name in enumerate(ORDER) if name in item.nodeid), default=0)

    items.sort(key=rank)


@pytest.fixture(scope="session")
def repository():
    """The root of the repository."""
    from batchf1.config import CONF

    return CONF.parent
