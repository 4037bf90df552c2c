"""Cases for `make test-all` alone, beside some of their kind that `make test` runs."""

import pytest


def slow(*values):
    """A case for `make test-all`."""
    return pytest.param(*values, marks=pytest.mark.slow)
