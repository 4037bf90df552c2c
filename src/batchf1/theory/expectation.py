"""What the mean over batches of F1 is expected to be, and how far it strays: no training needed.

An epoch cuts a pool of N samples, whose (TP, FP, FN, TN) are known, at random into batches: as many
of one size as fit, and a shorter last one for what remains. Under that assumption all is exact but
for what a docstring says. Derivations: `docs/theory.md`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from batchf1.metrics.averaging import Averaging, average
from batchf1.metrics.counts import Counts, Floats, checked
from batchf1.metrics.ratios import F1, Ratio, check_metric, dot, safe_divide
from batchf1.theory.pool import checked_cut, checked_pool, parts_of_error
from batchf1.theory.spread import standard_deviation

NORMAL_95 = 1.959963984540054


class Expectation(NamedTuple):
    """What `expect` finds; `f1` stands for the metric that was asked for."""

    true_f1: float
    expected_f1: float
    sd: float
    error: float
    error_empty: float
    error_curvature: float
    n_batches: int
    interval95: tuple[float, float]


def expect(
    counts: Counts,
    batch_size: int,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    metric: Ratio = F1,
) -> Expectation:
    """Mean, standard deviation and error of the logged value, for a pool cut at random.

    `counts`: those of the whole pool, four single whole numbers of Python or NumPy, as in
    `Counts(tp=160, fp=40, fn=40, tn=9760)`. Values lie in [0, 1]. `zero_division` is the value of a
    batch in which the metric is 0/0: 0, 1, or NaN to leave the batch out of the mean; where the
    whole pool is 0/0 it is every value. `error` = expected - true. `error_empty` is the expected
    weight of the empty batches times (`zero_division` - true), and 0 for NaN; `error_curvature` is
    the rest. `interval95` is expected -+ 1.96 sd cut to [0, 1], a normal approximation; the others
    are exact to rounding.

    Raises `InputError` for a count that is no single whole number >= 0, no sample, a batch size
    outside 1 .. N, or another rule, `zero_division` or metric. Formulas: `docs/theory.md`,
    sections 1 to 5.

    >>> found = expect(Counts(tp=160, fp=40, fn=40, tn=9760), batch_size=32)
    >>> round(found.true_f1, 3), round(found.expected_f1, 3)
    (0.8, 0.374)
    """
    pool = checked_pool(counts, metric)
    cut = checked_cut(pool.total, batch_size, averaging, zero_division)
    if not pool.groups:
        same, none = cut.zero_division, 0.0 * cut.zero_division
        return Expectation(same, same, none, none, none, none, cut.batches, (same, same))
    empty, curvature = parts_of_error(pool, cut)
    error = empty + curvature
    expected, sd = pool.true + error, standard_deviation(pool, cut, error)
    interval = max(expected - NORMAL_95 * sd, 0.0), min(expected + NORMAL_95 * sd, 1.0)
    return Expectation(pool.true, expected, sd, error, empty, curvature, cut.batches, interval)


def expected_f1(
    counts: Counts,
    batch_size: int,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    metric: Ratio = F1,
) -> float:
    """`expect(...).expected_f1` alone, in a third of the time; the same arguments and errors."""
    pool = checked_pool(counts, metric)
    cut = checked_cut(pool.total, batch_size, averaging, zero_division)
    return pool.true + sum(parts_of_error(pool, cut)) if pool.groups else cut.zero_division


def covariance_identity(
    counts: Counts, averaging: Averaging = "per_batch", metric: Ratio = F1
) -> Floats:
    """Mean over observed batches minus the pooled value, as a covariance.

    With D_b the denominator of batch b, F_b its value (0 where D_b = 0) and n_b its size:
    -Cov(D_b, F_b) / mean(D_b) over the batches, or, size-weighted, -Cov(D_b/n_b, F_b) /
    mean(D_b/n_b) with weights n_b. `counts`: last axis batches; float64 of the shape of the axes
    before it, in [-1, 1]; NaN where every D_b = 0. Raises `InputError` for another rule or metric,
    no batch, or a batch without samples. Source: `docs/theory.md`, section 6.
    """
    check_metric(metric)
    counts = checked(counts)
    bottom = np.asarray(dot(metric.bottom, counts), np.float64)
    value = safe_divide(dot(metric.top, counts), bottom)
    rate = bottom / np.maximum(counts.n, 1) if averaging == "size_weighted" else bottom
    mean_rate, mean_value = (average(part, counts.n, averaging) for part in (rate, value))
    moved = (rate - mean_rate[..., None]) * (value - mean_value[..., None])
    return safe_divide(-average(moved, counts.n, averaging), mean_rate, np.nan)
