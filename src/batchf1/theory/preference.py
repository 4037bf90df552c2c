"""Which of two classifiers the logged value prefers, and which one the true value."""

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

EQUAL = 1e-12
"""A gap that is rounding."""


class Preference(NamedTuple):
    """What `compare` finds, of the first and the second classifier; `f1` stands for the metric.

    `logged` is what is expected in the log. The gaps are first minus second. `sd`: the standard
    deviation of the logged gap in one epoch, as if the two were cut into batches of their own. They
    share the batches, where both meet the same samples, so that the true one is usually smaller.
    `counts`: the whole counts nearest to the rates, which the rest is of; None without `n_samples`.
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
        """1 or 2, the one with the larger expected logged value; 0 where they are equal."""
        return _larger(self.logged_gap)

    @property
    def agree(self) -> bool:
        """Whether both choose the same one, or neither any."""
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
    """Which of two classifiers the mean over batches prefers, and which one the true value.

    `first`, `second`: precision and recall in (0, 1], on data of one prevalence in (0, 1]. Of
    `n_samples` they become the nearest whole counts (`nearest_counts`), whose rates differ where
    the samples are few; without it the samples are very many, and `sd` is 0. The other arguments
    as those of `expect`. Exact but for `sd`.

    Raises `InputError` for other rates (a classifier that finds nothing has no precision), rates
    that the samples cannot have, and whatever `expect` refuses. Source: `docs/decisions.md`.

    >>> found = prefer((0.9, 0.6), (0.3, 0.9), prevalence=0.01, batch_size=32)
    >>> found.true_choice, found.logged_choice
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
    if abs(gap) <= EQUAL:
        return 0
    return 1 if gap > 0 else 2
