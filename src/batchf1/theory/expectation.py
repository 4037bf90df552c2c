"""Expectation and standard deviation of the mean over batches of F1, without training.

A pool of N samples, whose (TP, FP, FN, TN) are known, is divided at random into batches: as many of
one size as fit, and a shorter last one for the remainder. Under that assumption all is exact unless
a docstring states otherwise. Derivations: `docs/theory.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchf1.metrics.arithmetic import dot, safe_divide
from batchf1.metrics.averaging import Averaging, average
from batchf1.metrics.counts import Counts, Floats, checked
from batchf1.metrics.flat_labels import Labels, Written, check_labels
from batchf1.metrics.ratios import F1, ClassAveraged, Metric, Ratio, RatioMetric, check_ratio
from batchf1.theory.chunks import map_pools
from batchf1.theory.classes import joined, parts
from batchf1.theory.expected_error import Epoch, parts_of_error
from batchf1.theory.flat_labels import check_flat, check_poles, logged_pool
from batchf1.theory.pool import Batching, Pool, checked_batching, checked_counts, grouped
from batchf1.theory.spread import standard_deviation

NORMAL_95 = 1.959963984540054
"""Quantile of the normal distribution for a two-sided interval of 95 %."""


class Expectation(NamedTuple):
    """Result of `expect`; `f1` in a name stands for the metric that was asked for.

    Floats and an int for a single pool; for several, float64 and int64 arrays of their shape. All
    but `n_batches` lie in [-1, 1], except for labels of shape (n,) and a function by margins.

    Attributes
    ----------
    true_f1 : float or array
        The metric of the whole pool.
    expected_f1 : float or array
        Expectation of the mean over batches.
    sd : float or array
        Standard deviation of the mean over batches of one epoch.
    error : float or array
        `expected_f1` - `true_f1`.
    error_empty : float or array
        Part of `error` due to batches in which the metric is 0/0: their expected weight times
        (`zero_division` - `true_f1`), and 0 for NaN.
    error_curvature : float or array
        The rest of `error`; with labels of shape (n,) the part of batches that are not 0/0, due to
        comparing each prediction with every label.
    n_batches : int or array
        Number of batches of an epoch.
    interval95 : pair of floats or arrays
        `expected_f1` -+ 1.96 `sd`, a normal approximation, clipped to [0, 1] where the logged value
        lies in it.
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
    labels: Labels = "column",
    written: Written = "margins",
) -> Expectation:
    """Compute mean, standard deviation and error of the logged value for random batches.

    Parameters
    ----------
    counts : Counts
        Counts of the whole pool: four single whole numbers of Python or NumPy, as in
        `Counts(tp=160, fp=40, fn=40, tn=9760)`; or those of many pools, arrays that broadcast to
        one shape, each element a pool of its own with its own number of samples N. With a
        `ClassAveraged` metric the classes are on an axis before all others.
    batch_size : int
        From 1 to the smallest N.
    averaging : {"per_batch", "size_weighted"}
        Weights of the batches in the mean, see `batchf1.metrics.averaging.average`.
    zero_division : {0, 1, NaN}
        Value of a batch in which the metric is 0/0; NaN leaves the batch out of the mean. Where the
        whole pool is 0/0 it is every value.
    metric : Ratio or ClassAveraged
        The metric, F1 by default.
    labels : {"column", "flat"}
        Shape of the labels: (n, 1), or (n,). With the latter Keras 3 hands a metric function all
        pairs of a prediction and a label of the batch, so that it logs another value, see
        `batchf1.metrics.flat_labels.flat_value`.
    written : {"margins", "cells"}
        How the function computes the metric; it matters for labels of shape (n,) alone.

    Returns
    -------
    Expectation
        Each field has the shape of the pools, without the axis of the classes. All but `interval95`
        are exact to rounding. For `macro` and `weighted` averages `sd` and `interval95` are NaN,
        unless there is one batch or the metric is weighted recall; `error_empty` is then the mean
        over the classes, each with its weight in the batches in which it is 0/0.

    Raises
    ------
    InputError
        For counts that are no whole numbers >= 0 or of shapes that do not broadcast, a pool without
        samples, another batch size, rule, `zero_division` or metric; for NaN with macro averages
        and weighted precision, and for micro and weighted averages where samples have other than
        one class. With labels of shape (n,) also for a `ClassAveraged` metric, and for one by
        margins that counts true negatives or, as the Jaccard index, may be infinite in a batch.

    Notes
    -----
    Other metrics than ratios of counts, as `mcc()`, are refused, since no law of theirs is known:
    `batchf1.simulate` and `batchf1.audit` estimate the same by random cuts.

    Formulas: `docs/theory.md`, sections 1 to 5; labels of shape (n,): section 11.

    Counts of classes do not determine how often classes occur together, on which `sd` depends;
    `batchf1.simulate` estimates it from the samples. For `micro` and `weighted`
    each sample is assumed to have one class and one predicted class, which is checked on the sums
    of the counts; `macro` is for any number of labels.

    One call with many pools is much faster than many calls, as equal pools are computed once and
    others together; beyond arguments and result it takes about 100 bytes a pool and 50 MB. Where
    empty batches are left out it is faster by no more than a half to twice.

    Examples
    --------
    >>> result = expect(Counts(tp=160, fp=40, fn=40, tn=9760), batch_size=32)
    >>> round(result.true_f1, 3), round(result.expected_f1, 3)
    (0.8, 0.374)
    >>> expect(Counts(tp=160, fp=[0, 40], fn=40, tn=9760), batch_size=32).expected_f1.round(3)
    array([0.389, 0.374])
    >>> classes = Counts(tp=[60, 20], fp=[10, 10], fn=[10, 10], tn=[20, 60])
    >>> round(expect(classes, batch_size=10, metric=ClassAveraged(F1, "macro")).error, 3)
    -0.028
    >>> flat = expect(Counts(tp=160, fp=40, fn=40, tn=9760), batch_size=256, labels="flat")
    >>> round(flat.true_f1, 3), round(flat.expected_f1, 3)
    (0.8, 4.893)
    """
    how = (averaging, zero_division, metric)
    counts, batching, ratio, flat = _checked(counts, batch_size, *how, labels, written)
    fields = _fields(counts, batching, ratio, flat)
    expected, sd = fields[1:3]
    low, high = (expected + side * NORMAL_95 * sd for side in (-1, 1))
    if flat != "margins":
        low, high = np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)
    batches = batching.batches.reshape(counts.tp.shape).astype(np.int64)
    batches = batches[0] if isinstance(ratio, ClassAveraged) else batches
    plain = [_plain(values) for values in (*fields, batches)]
    return Expectation._make([*plain, (_plain(low), _plain(high))])


def expected_f1(
    counts: Counts,
    batch_size: int,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    metric: Metric = F1,
    labels: Labels = "column",
    written: Written = "margins",
) -> Any:
    """Compute `expect(...).expected_f1` alone, in a third of the time.

    Arguments and errors are those of `expect`.
    """
    how = (averaging, zero_division, metric)
    counts, batching, ratio, flat = _checked(counts, batch_size, *how, labels, written)
    if isinstance(ratio, ClassAveraged):
        return _plain(_fields(counts, batching, ratio, flat)[1])
    return _plain(_map(counts, batching, ratio, flat, _mean, [batching.zero_division])[0])


def covariance_identity(
    counts: Counts, averaging: Averaging = "per_batch", metric: Ratio = F1
) -> Floats:
    """Compute the mean over observed batches minus the pooled value, as a covariance.

    Parameters
    ----------
    counts : Counts, arrays of shape (..., n_batches)
        Counts of each batch.
    averaging : {"per_batch", "size_weighted"}
        Weights of the batches in the mean.
    metric : Ratio
        The metric, F1 by default.

    Returns
    -------
    float64 array, shape (...)
        In [-1, 1]; NaN where the denominator is 0 in every batch.

    Raises
    ------
    InputError
        For another rule or metric, no batch, or a batch without samples.

    Notes
    -----
    With D_b the denominator of batch b, F_b its value (0 where D_b = 0) and n_b its size:
    -Cov(D_b, F_b) / mean(D_b) over the batches, or, size-weighted, -Cov(D_b/n_b, F_b) /
    mean(D_b/n_b) with weights n_b. Source: `docs/theory.md`, section 6.
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
    counts: Counts,
    batch_size: int,
    averaging: str,
    zero_division: float,
    metric: Metric,
    labels: Labels,
    written: Written,
) -> tuple[Counts, Batching, RatioMetric, Written | None]:
    """Return the checked arguments, and how the function is written if the labels are flat."""
    check_labels(labels)
    flat = written if labels == "flat" else None
    if flat is not None:
        check_flat(metric, flat, zero_division)
    counts, ratio = joined(counts, metric)
    counts = checked_counts(counts)
    batching = checked_batching(counts.n, batch_size, averaging, zero_division)
    if flat is not None and isinstance(ratio, Ratio):
        check_poles(counts, batching, ratio, flat)
    return counts, batching, ratio, flat


def _fields(
    counts: Counts, batching: Batching, metric: RatioMetric, flat: Written | None
) -> Floats:
    """Return the first six fields of an `Expectation`, stacked along the first axis."""
    if isinstance(metric, ClassAveraged):
        true, empty, curvature = parts(counts, batching, metric)
        error = empty + curvature
        one_batch = batching.batches.reshape(counts.n.shape)[0] == 1
        sd = np.where(one_batch, 0.0 * true, np.nan)
        return np.stack([true, true + error, sd, error, empty, curvature])
    undefined = [batching.zero_division] * 2 + [0.0 * batching.zero_division] * 4
    return _map(counts, batching, metric, flat, _moments, undefined)


def _map(
    counts: Counts,
    batching: Batching,
    metric: Ratio,
    flat: Written | None,
    function: Callable[[Epoch], tuple[Floats, ...]],
    undefined: Sequence[float],
) -> Floats:
    """Apply `function` to every pool: (k, ...) with the shape of the pools."""
    pool: Pool = grouped(counts.n, counts, metric)
    if flat is not None:
        pool = logged_pool(counts, metric, flat, batching.zero_division)
    found = map_pools(pool, batching, function, undefined)
    return found.reshape(len(undefined), *counts.tp.shape)


def _moments(epoch: Epoch) -> tuple[Floats, ...]:
    """Return the first six fields of an `Expectation`, (p, 1) each."""
    empty, curvature = parts_of_error(epoch)
    error, true = empty + curvature, epoch.pool.true
    return true, true + error, standard_deviation(epoch, error), error, empty, curvature


def _mean(epoch: Epoch) -> tuple[Floats, ...]:
    return (epoch.pool.true + sum(parts_of_error(epoch)),)


def _plain(values: NDArray[Any]) -> Any:
    """Return a number of Python for an array without axes, else the array."""
    return values.item() if values.ndim == 0 else values
