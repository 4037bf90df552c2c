"""Cases for `make test-all` alone, beside some of their kind that `make test` runs."""

import itertools

import pytest


def slow(*values):
    """A case for `make test-all`."""
    return pytest.param(*values, marks=pytest.mark.slow)


def one_in(n, *values):
    """Every `n`-th combination of the values, the first with it; the others as `slow` does.

    Where no number of values has a divisor in common with `n`, each value is there in time.
    """
    every = enumerate(itertools.product(*values))
    return [slow(*case) if place % n else pytest.param(*case) for place, case in every]
