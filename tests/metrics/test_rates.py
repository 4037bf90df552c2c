"""Whole counts of rates, and rates of counts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.metrics import checks
from batchf1.metrics.counts import Counts
from batchf1.metrics.rates import nearest_counts, rates_of, shares_of
from helpers.invalid_inputs import refused


@given(st.integers(10, 1000), st.integers(1, 1000), st.integers(1, 1000), st.integers(10**4, 10**7))
def test_there_and_back(tp, fp, fn, tn):
    counts = Counts(tp, fp, fn, tn)
    assert nearest_counts(counts.n, **rates_of(counts)) == counts


@pytest.mark.parametrize(
    ("rates", "n", "counts", "realised"),
    [
        ((0.0141, 0.9, 0.9), 5000, (63, 7, 7, 4923), (0.014, 0.9, 0.9)),  # 70.5 positives
        ((0.5, 0.76, 0.51), 100, (26, 8, 24, 42), (0.5, 26 / 34, 0.52)),
        ((0.0101, 1, 1), 100, (1, 0, 0, 99), (0.01, 1, 1)),
        ((0.5, 1, 0.49), 50, (12, 0, 13, 25), (0.5, 1, 0.48)),
        ((1, 1, 1), 1, (1, 0, 0, 0), (1, 1, 1)),
        ((0.5, 0.5, 1), 10, (5, 5, 0, 0), (0.5, 0.5, 1)),
        ((0.02, 0.49, 0.49), 5000, (49, 51, 51, 4849), (0.02, 0.49, 0.49)),
        ((0.05, 0.85, 0.85), 300, (13, 2, 2, 283), (0.05, 13 / 15, 13 / 15)),
        ((0.01011, 1, 1), 100, (1, 0, 0, 99), (0.01, 1, 1)),
        ((0.002, 0.8, 0.8), 1000, (2, 0, 0, 998), (0.002, 1, 1)),  # F1 1, not 0.8
        ((0.4, 1, 0.488), 100, (20, 0, 20, 60), (0.4, 1, 0.5)),
        ((0.001, 1, 1), 2**53, (9007199254741, 0, 0, 8998192055486251), (0.001, 1, 1)),
    ],
)
def test_rates_become_the_nearest_counts(rates, n, counts, realised):
    found = nearest_counts(n, *rates)
    assert found == counts
    assert all(type(count) is int for count in found)
    assert list(rates_of(found).values()) == pytest.approx(realised, rel=1e-12)
    assert {name: part / all_ for name, (part, all_) in shares_of(found).items()} == rates_of(found)


@pytest.mark.parametrize(
    ("counts", "rates"),
    [
        ((3, 1, 2, 94), (0.05, 0.75, 0.6)),
        ((0, 0, 2, 3), (0.4, math.nan, 0)),
        ((0, 2, 0, 3), (0, 0, math.nan)),
    ],
)
def test_rates_that_are_0_of_0_are_nan(counts, rates):
    assert list(rates_of(Counts(*counts)).values()) == pytest.approx(rates, nan_ok=True)


ROOM = "cannot be so low: it gives more false positives than there are negatives"


FEW = "among 1,000 samples (give more samples, counts or no n_samples)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, 0.1, 0.9, 0.9), "n_samples must be a whole number >= 1; got 0"),
        ((10.5, 0.1, 0.9, 0.9), "n_samples must be a whole number >= 1; got 10.5"),
        ((100, 0, 0.9, 0.9), "prevalence must lie in (0, 1]; got 0"),
        ((100, 0.1, "0.9", 0.9), "precision must lie in (0, 1]; got '0.9'"),
        ((100, 0.1, 1.5, 0.9), "precision must lie in (0, 1]; got 1.5"),
        ((100, 0.1, 0.9, 0), "recall must lie in (0, 1]; got 0"),
        ((100, 0.5, 0.1, 0.9), f"precision {ROOM}; got 0.1"),
        ((100, 0.5, 0.45, 0.9), f"precision {ROOM}; got 0.45"),
        ((1000, 0.0004, 0.8, 0.8), f"prevalence must leave a positive {FEW}; got 0.0004"),
        ((1000, 0.04, 1, 0.01), f"recall must leave a true positive {FEW}; got 0.01"),
    ],
)
def test_rates_that_leave_no_counts_are_refused_in_one_line(arguments, said):
    refused(said, nearest_counts, *arguments)


def test_shares_of_any_shape():
    found = checks.check_fractions("x", [[1, 0.5], [1e-300, 0.25]])
    assert found.dtype == np.float64
    assert found.tolist() == [[1, 0.5], [1e-300, 0.25]]
    assert checks.check_fractions("x", np.int8(1)).dtype == np.float64
    for wrong, said in (
        ([0.5, 0.0, 2], "0.0"),
        ([1.5], "1.5"),
        (-1, "-1"),
        (math.nan, "nan"),
        ("0.5", "'0.5'"),
        ([True], "[True]"),
        ([[1], [1, 1]], "[[1], [1, 1]]"),
    ):
        refused(f"x must lie in (0, 1]; got {said}", checks.check_fractions, "x", wrong)
