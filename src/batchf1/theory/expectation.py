"""What the mean over batches of F1 is expected to be, and how far it strays: no training needed.

An epoch cuts a pool of N samples, whose (TP, FP, FN, TN) are known, at random into batches: as many
of one size as fit, and a shorter last one for what remains. Under that assumption all is exact but
for what a docstring says. Derivations: `docs/theory.md`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchf1.metrics.arithmetic import dot, safe_divide
from batchf1.metrics.averaging import Averaging, average
from batchf1.metrics.counts import Counts, Floats, checked
from batchf1.metrics.ratios import F1, ClassAveraged, Metric, Ratio, check_ratio
from batchf1.theory.chunks import map_pools
from batchf1.theory.classes import joined, parts
from batchf1.theory.expected_error import Epoch, parts_of_error
from batchf1.theory.pool import Cut, checked_counts, checked_cut
from batchf1.theory.spread import standard_deviation

NORMAL_95 = 1.959963984540054


class Expectation(NamedTuple):
    """What `expect` finds; `f1` stands for the metric that was asked for.

    Floats and an int for a single pool; for several, float64 and int64 arrays of their shape.
    """

    true_f1: Any
    expected_f1: Any
    sd: Any
    error: Any
    error_empty: Any
    error_curvature: Any
    n_batches: Any
    interval95: tuple[Any, Any]


def expect(
    counts: Counts,
    batch_size: int,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    metric: Metric = F1,
) -> Expectation:
    """Mean, standard deviation and error of the logged value, for a pool cut at random.

    `counts`: those of the whole pool, four single whole numbers of Python or NumPy, as in
    `Counts(tp=160, fp=40, fn=40, tn=9760)`; or those of many pools, arrays of one shape or that
    broadcast to one, each place a pool of its own with its own number of samples N. Every field of
    the answer then has that shape. One call is much faster than many, as equal pools are computed
    once and others together; beyond arguments and answer it takes about 100 bytes a pool and 50 MB.
    Where empty batches are left out it is faster by no more than a half to twice.

    Values lie in [0, 1]. `zero_division` is the value of a batch in which the metric is 0/0: 0, 1,
    or NaN to leave the batch out of the mean; where the whole pool is 0/0 it is every value.
    `error` = expected - true. `error_empty` is the expected weight of the empty batches times
    (`zero_division` - true), and 0 for NaN; `error_curvature` is the rest. `interval95` is
    expected -+ 1.96 sd cut to [0, 1], a normal approximation; the others are exact to rounding.

    A metric over classes takes counts with the classes on an axis before all others, which the
    answer lacks. They do not say how the classes go together, so that `sd` and `interval95` of
    `macro` and `weighted` are NaN, unless there is one batch or it is weighted recall;
    `batchf1.theory.simulation.simulate` finds them from the samples, by trying. For `micro`
    and `weighted` each sample is taken to have and get one class, which the sums of the counts must
    bear out; `macro` is for any number of labels. `error_empty` is the mean over the classes, each
    with its weight in the batches in which it is 0/0.

    Raises `InputError` for counts that are no whole numbers >= 0 or of shapes that do not go
    together, a pool without samples, a batch size outside 1 .. the smallest N, or another rule,
    `zero_division` or metric; for NaN with macro averages and weighted precision, and for micro and
    weighted averages where samples have other than one class. Formulas: `docs/theory.md`, sections
    1 to 5.

    >>> found = expect(Counts(tp=160, fp=40, fn=40, tn=9760), batch_size=32)
    >>> round(found.true_f1, 3), round(found.expected_f1, 3)
    (0.8, 0.374)
    >>> expect(Counts(tp=160, fp=[0, 40], fn=40, tn=9760), batch_size=32).expected_f1.round(3)
    array([0.389, 0.374])
    >>> classes = Counts(tp=[60, 20], fp=[10, 10], fn=[10, 10], tn=[20, 60])
    >>> round(expect(classes, batch_size=10, metric=ClassAveraged(F1, "macro")).error, 3)
    -0.028
    """
    counts, cut, metric = _checked(counts, batch_size, averaging, zero_division, metric)
    found = _found(counts, cut, metric)
    expected, sd = found[1:3]
    low, high = (np.clip(expected + side * NORMAL_95 * sd, 0.0, 1.0) for side in (-1, 1))
    batches = cut.batches.reshape(counts.tp.shape).astype(np.int64)
    batches = batches[0] if isinstance(metric, ClassAveraged) else batches
    fields = [_plain(values) for values in (*found, batches)]
    return Expectation._make([*fields, (_plain(low), _plain(high))])


def expected_f1(
    counts: Counts,
    batch_size: int,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    metric: Metric = F1,
) -> Any:
    """`expect(...).expected_f1` alone, in a third of the time; the same arguments and errors."""
    counts, cut, metric = _checked(counts, batch_size, averaging, zero_division, metric)
    if isinstance(metric, ClassAveraged):
        return _plain(_found(counts, cut, metric)[1])
    return _plain(map_pools(counts, cut, metric, _mean, [cut.zero_division])[0])


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
    check_ratio(metric)
    counts = checked(counts)
    bottom = np.asarray(dot(metric.bottom, counts), np.float64)
    value = safe_divide(dot(metric.top, counts), bottom)
    rate = bottom / np.maximum(counts.n, 1) if averaging == "size_weighted" else bottom
    mean_rate, mean_value = (average(part, counts.n, averaging) for part in (rate, value))
    moved = (rate - mean_rate[..., None]) * (value - mean_value[..., None])
    return safe_divide(-average(moved, counts.n, averaging), mean_rate, np.nan)


def _checked(
    counts: Counts, batch_size: int, averaging: str, zero_division: float, metric: Metric
) -> tuple[Counts, Cut, Metric]:
    counts, metric = joined(counts, metric)
    whole = checked_counts(counts)
    return whole, checked_cut(whole.n, batch_size, averaging, zero_division), metric


def _found(counts: Counts, cut: Cut, metric: Metric) -> Floats:
    """The first six fields of an `Expectation`, in an array for each."""
    if isinstance(metric, ClassAveraged):
        true, empty, curvature = parts(counts, cut, metric)
        error = empty + curvature
        alone = cut.batches.reshape(counts.n.shape)[0] == 1
        sd = np.where(alone, 0.0 * true, np.nan)
        return np.stack([true, true + error, sd, error, empty, curvature])
    undefined = [cut.zero_division] * 2 + [0.0 * cut.zero_division] * 4
    return map_pools(counts, cut, metric, _moments, undefined)


def _moments(epoch: Epoch) -> tuple[Floats, ...]:
    """The first six fields of an `Expectation`."""
    empty, curvature = parts_of_error(epoch)
    error, true = empty + curvature, epoch.pool.true
    return true, true + error, standard_deviation(epoch, error), error, empty, curvature


def _mean(epoch: Epoch) -> tuple[Floats, ...]:
    return (epoch.pool.true + sum(parts_of_error(epoch)),)


def _plain(values: NDArray[Any]) -> Any:
    """As a number of Python if it is one."""
    return values.item() if values.ndim == 0 else values
