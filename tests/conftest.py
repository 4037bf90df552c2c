"""What all tests share."""

import gc
import os
import re
from functools import cache
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest
from hypothesis import settings

from batchf1.errors import EXTRA_OF, missing
from helpers.once import made_once

# Draws are the same at each call, so that more of them find more only once: `make test-all` and
# the trials of tools/mutation load the profile of a hundred, and every call of `make test` has few.
settings.register_profile("batchf1", deadline=None, derandomize=True, max_examples=20)
settings.register_profile("thorough", settings.get_profile("batchf1"), max_examples=100)
settings.load_profile("batchf1")

# Collections as often as Python has them look through half a million objects that stay.
gc.set_threshold(50_000, 20, 20)


def pytest_collection_finish():
    gc.freeze()


def pytest_addoption(parser):
    text = "skip what imports any package that is not installed, after `pip install .` alone"
    parser.addoption("--light", action="store_true", help=text)
    parser.addoption("--no-skips", action="store_true", help="fail where a test is skipped")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Skip a file of tests that imports a package which a light install lacks."""
    report = yield
    lacking = re.search(r"No module named '(?!batchf1)(\w+)", str(report.longrepr or ""))
    if report.failed and lacking:
        name = lacking[1]
        if name in EXTRA_OF or collector.config.getoption("light"):
            why = missing(name) if name in EXTRA_OF else f"needs {name}"
            report.outcome = "skipped"
            report.longrepr = (str(collector.path), 0, f"Skipped: {why}")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    except ModuleNotFoundError as error:
        if item.config.getoption("light") and not (error.name or "").startswith("batchf1"):
            pytest.skip(f"needs {error.name}")
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.skipped and item.config.getoption("no_skips"):
        report.outcome, report.longrepr = "failed", f"skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def repository():
    """The root of the repository."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def keras224_folder(repository, tmp_path_factory):
    """The folder of Keras 2.2.4: the repository's own, or one installed for this session."""
    from batchf1.errors import InputError
    from batchf1.training.keras224 import software as keras224

    folder = repository / ".keras224"
    if (folder / "keras" / "__init__.py").is_file():
        return folder
    try:
        made = made_once(tmp_path_factory, "original", lambda f: keras224.install(f / "keras224"))
    except InputError as error:
        if "No matching distribution" not in str(error):  # what pip says without an index
            raise
        pytest.skip(f"the package index does not answer, so Keras 2.2.4 is not tested: {error}")
    return made / "keras224"


@pytest.fixture
def log_once(monkeypatch):
    """Look at the same log once only, which takes seconds."""
    from batchf1.figures import original_log

    monkeypatch.setattr(original_log, "investigate", _investigate)


@cache
def _investigate(text):
    from batchf1.forensics.answer import investigate

    return investigate(text)
