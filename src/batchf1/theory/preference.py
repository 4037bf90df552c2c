"""Comparison of two classifiers by the logged value and by the true value."""

from __future__ import annotations

import math
from typing import NamedTuple

from batchf1.metrics import checks
from batchf1.metrics.averaging import Averaging, check_averaging
from batchf1.metrics.counts import Counts
from batchf1.metrics.rates import Rates, nearest_counts
from batchf1.metrics.ratios import F1, Ratio, check_ratio
from batchf1.theory.expectation import expect
from batchf1.theory.limits import large_data

ROUNDING = 1e-12
"""Largest gap that counts as equal."""


class Preference(NamedTuple):
    """Result of `compare`; `f1` in a name stands for the metric that was asked for.

    Attributes
    ----------
    true_f1 : pair of floats
        True value of the first and of the second classifier.
    logged : pair of floats
        Expected logged values.
    true_gap, logged_gap : float
        First minus second.
    sd : float
        Standard deviation of the logged gap in one epoch, as if the two were divided into batches
        independently. They share the batches, where both meet the same samples, so that the true
        one is usually smaller.
    counts : pair of Counts, optional
        Whole counts nearest to the rates, to which the other fields refer; None without
        `n_samples`.
    """

    true_f1: tuple[float, float]
    logged: tuple[float, float]
    true_gap: float
    logged_gap: float
    sd: float
    counts: tuple[Counts, Counts] | None = None

    @property
    def true_choice(self) -> int:
        """1 or 2, the classifier with the larger true value; 0 where they are equal."""
        return _larger(self.true_gap)

    @property
    def logged_choice(self) -> int:
        """1 or 2, the classifier with the larger expected logged value; 0 where they are equal."""
        return _larger(self.logged_gap)

    @property
    def agree(self) -> bool:
        """True if both values choose the same classifier, or both choose none."""
        return self.true_choice == self.logged_choice


def compare(
    first: Rates | tuple[float, float],
    second: Rates | tuple[float, float],
    prevalence: float,
    batch_size: int,
    n_samples: int | None = None,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    metric: Ratio = F1,
) -> Preference:
    """Compare two classifiers by the expected mean over batches and by the true value.

    Parameters
    ----------
    first, second : pair of floats
        Precision and recall of each classifier, in (0, 1].
    prevalence : float
        Share of positives of the data, in (0, 1].
    batch_size : int
        As in `expect`.
    n_samples : int, optional
        The rates become the nearest whole counts of so many samples
        (`batchf1.metrics.rates.nearest_counts`), whose rates differ where the samples are few.
        Without it the limit of large data is taken, and `sd` is 0.
    averaging, zero_division
        As in `expect`.
    metric : Ratio
        The metric, F1 by default.

    Returns
    -------
    Preference
        Exact but for `sd`.

    Raises
    ------
    InputError
        For other rates (a classifier without a true positive has no precision), rates that the
        samples cannot have, and as `expect`.

    Notes
    -----
    Source: `docs/decisions.md`.

    Examples
    --------
    >>> result = compare((0.9, 0.6), (0.3, 0.9), prevalence=0.01, batch_size=32)
    >>> result.true_choice, result.logged_choice
    (1, 2)
    """
    check_ratio(metric)
    check_averaging(averaging)
    rules = (averaging, zero_division, metric)
    pairs = [_checked(rates) for rates in (first, second)]
    if n_samples is None:
        counts = None
        limits = [large_data(prevalence, *pair, batch_size, *rules[1:]) for pair in pairs]
        values = [(limit.true_f1, limit.expected_f1, 0.0) for limit in limits]
    else:
        counts = [nearest_counts(n_samples, prevalence, *pair) for pair in pairs]
        values = [expect(each, batch_size, *rules)[:3] for each in counts]
    true, logged, sd = zip(*values, strict=True)
    gaps = (true[0] - true[1], logged[0] - logged[1], math.hypot(*sd))
    return Preference(true, logged, *gaps, None if counts is None else (counts[0], counts[1]))


def _checked(rates: tuple[float, float]) -> tuple[float, float]:
    pair = isinstance(rates, tuple) and len(rates) == 2
    checks.check_argument(pair, "classifier", "must be a pair of precision and recall", rates)
    return rates


def _larger(gap: float) -> int:
    if abs(gap) <= ROUNDING:
        return 0
    return 1 if gap > 0 else 2
