"""The explorer's page: when it is ready, and what it shows."""

import pytest

READY = "html[data-ready]"
NO_WAY_BACK = {"logged": ""}
"""The way back takes longest, and most tests need none."""


def slow(*values):
    """A case for `make test-all`."""
    return pytest.param(*values, marks=pytest.mark.slow)


def state_of(page):
    page.wait_for_selector(READY)
    return dict(page.evaluate("[...new URLSearchParams(location.hash.slice(1))]"))


def shown(page):
    """What stands in the headline: logged and true value."""
    page.wait_for_selector(READY)
    return tuple(float(page.inner_text(f"#{name}-value")) for name in ("logged", "true"))
