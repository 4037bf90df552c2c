"""The explorer, opened from disk in headless Chromium."""

import importlib.util
import shutil
from urllib.parse import urlencode

import pytest

from helpers.explorer import READY


@pytest.fixture(scope="module")
def build(repository):
    path = repository / "docs" / "explorer" / "build.py"
    spec = importlib.util.spec_from_file_location("explorer_build", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def browser():
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tab(browser):
    """One tab for all tests: a new one takes as long as the page itself."""
    return browser.new_page()


@pytest.fixture
def page(tab):
    """A page of desk size; whatever it throws or asks a server for fails the test."""
    tab.goto("about:blank")
    tab.set_viewport_size({"width": 1280, "height": 900})
    faults, asked = [], []
    heard = {
        "pageerror": lambda error: faults.append(str(error)),
        "console": lambda message: faults.append(message.text),
        "request": lambda request: asked.append(request.url.partition("#")[0]),
    }
    for event, listener in heard.items():
        tab.on(event, listener)
    yield tab
    for event, listener in heard.items():
        tab.remove_listener(event, listener)
    assert not faults
    assert {url.partition(":")[0] for url in asked} <= {"file"}
    assert len(set(asked)) == 1


@pytest.fixture
def visit(page, build):
    def visit(state=None):
        opened = page.url.startswith("file:")
        page.goto(f"{build.PAGE.as_uri()}#{urlencode(state or {})}")
        if opened:
            page.reload()  # a change of the address alone loads nothing
        page.wait_for_selector(READY)

    return visit
