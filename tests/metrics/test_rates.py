"""Whole counts of rates, and rates of counts; more in tests/cli/test_cli_expect.py."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.errors import InputError
from batchf1.metrics.counts import Counts
from batchf1.metrics.rates import nearest_counts, rates_of


@given(st.integers(10, 1000), st.integers(1, 1000), st.integers(1, 1000), st.integers(10**4, 10**7))
def test_there_and_back(tp, fp, fn, tn):
    counts = Counts(tp, fp, fn, tn)
    assert nearest_counts(counts.n, **rates_of(counts)) == counts


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, 0.1, 0.9, 0.9), "n_samples: is a whole number >= 1; got 0"),
        ((10.5, 0.1, 0.9, 0.9), "n_samples: is a whole number >= 1; got 10.5"),
        ((100, 0, 0.9, 0.9), "prevalence: lies in (0, 1]; got 0"),
        ((100, 0.1, "0.9", 0.9), "precision: lies in (0, 1]; got '0.9'"),
        ((100, 0.1, 0.9, 0), "recall: lies in (0, 1]; got 0"),
        (
            (100, 0.5, 0.1, 0.9),
            "precision: gives more false positives than there are negatives; got 0.1",
        ),
        (
            (1000, 0.04, 1, 0.01),
            "precision: whole counts must give it within 0.01: give more samples, counts or no "
            "n_samples; got 1, and the counts of 1,000 samples give undefined",
        ),
    ],
)
def test_rates_that_no_counts_have_are_refused_in_one_line(arguments, said):
    with pytest.raises(InputError) as caught:
        nearest_counts(*arguments)
    assert str(caught.value) == said
