"""The value of an epoch from the counts of its batches, by each averaging rule of the frameworks.

Every function takes `Counts` whose last axis runs over the batches and returns float64 of the
shape of the axes before it. With a metric over classes the first axis runs over the classes, and is
gone from the result.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from batchf1.errors import check
from batchf1.metrics import checks
from batchf1.metrics.arithmetic import safe_divide
from batchf1.metrics.counts import Counts, Floats, Integers, checked
from batchf1.metrics.ratios import F1, ClassAveraged, Metric, check_metric

Averaging = Literal["per_batch", "size_weighted"]
Logged = Literal["sum", "mean", "per_sample"]


def average(
    values: Floats, sizes: Integers, averaging: Averaging, dtype: type[np.floating] = np.float64
) -> Floats:
    """Average the values of the batches as a framework does before it logs them.

    Parameters
    ----------
    values : array_like of float, shape (..., n_batches)
        Value of the metric in each batch. NaN values are left out.
    sizes : array_like of int, shape (..., n_batches)
        Number of samples of each batch, at least 1. Broadcasts with `values`.
    averaging : {"per_batch", "size_weighted"}
        `per_batch`: each batch counts once (Keras >= 2.3, `MeanMetricWrapper`). `size_weighted`:
        each counts by its size (Keras 2.2.4, `BaseLogger`).
    dtype : NumPy floating type
        Type of the running sum. Keras keeps float32, whose rounding reaches 1e-6 after a thousand
        batches.

    Returns
    -------
    float64 array, shape (...)
        The mean along the last axis; NaN where all values are NaN.

    Raises
    ------
    InputError
        For another rule, no batch, or a batch without samples.
    """
    check_averaging(averaging)
    values = checks.array("values", "must be numbers", values)
    sizes = checks.check_integers("batch sizes", sizes, least=1)
    values, sizes = checks.broadcast("values and batch sizes", values, sizes)
    _need_a_batch("values", values.shape)
    weights = np.ones_like(sizes) if averaging == "per_batch" else sizes
    defined = ~np.isnan(values)
    terms = np.where(defined, values * weights, 0.0)
    total = np.cumsum(terms, axis=-1, dtype=dtype)[..., -1]  # one by one, as a framework adds
    return safe_divide(total, np.where(defined, weights, 0).sum(axis=-1), np.nan)


def batch_mean(
    counts: Counts,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    dtype: type[np.floating] = np.float64,
    metric: Metric = F1,
) -> Floats:
    """Return the naive value: the mean over the batches of the metric of each batch.

    Parameters
    ----------
    counts : Counts, arrays of shape (..., n_batches)
        Counts of each batch; with a `ClassAveraged` metric (n_classes, ..., n_batches).
    averaging : {"per_batch", "size_weighted"}
        Weights of the batches in the mean, see `batchf1.metrics.averaging.average`.
    zero_division : {0, 1, NaN}
        Value of a batch where the metric is 0/0: 0 (what the usual epsilon makes of it), 1, or NaN
        to leave the batch out.
    dtype : NumPy floating type
        Type of the running sum; Keras keeps float32.
    metric : Ratio, ClassAveraged or other SumMetric of counts
        The metric, F1 by default.

    Returns
    -------
    float64 array, shape (...)
        In [0, 1]; NaN where every batch is left out.

    Raises
    ------
    InputError
        For counts, a rule, a metric or a `zero_division` other than these, no batch, or a batch
        without samples.

    Examples
    --------
    >>> batches = Counts(tp=[2, 0], fp=[0, 1], fn=[0, 1], tn=[2, 2])
    >>> float(batch_mean(batches)), float(pooled(batches))
    (0.5, 0.6666666666666666)
    """
    counts = _of_batches(counts, metric)
    return average(metric(counts, zero_division), metric.sizes(counts), averaging, dtype)


def reconstructed(
    counts: Counts,
    averaging: Averaging = "per_batch",
    logged: Logged = "per_sample",
    zero_division: float = 0.0,
    metric: Metric = F1,
) -> Floats:
    """Rebuild the metric from averaged counts, as if TP, positives and predictions were logged.

    Parameters
    ----------
    counts : Counts, arrays of shape (..., n_batches)
        Counts of each batch; with a `ClassAveraged` metric (n_classes, ..., n_batches).
    averaging : {"per_batch", "size_weighted"}
        The framework's rule, see `batchf1.metrics.averaging.average`.
    logged : {"per_sample", "sum", "mean"}
        What the count metrics return for a batch: one value per sample, their sum or their mean.
    zero_division : {0, 1, NaN}
        Value where the rebuilt metric is 0/0.
    metric : Ratio, ClassAveraged or other SumMetric of counts
        The metric, F1 by default.

    Returns
    -------
    float64 array, shape (...)
        The rebuilt value of each epoch.

    Raises
    ------
    InputError
        As `batch_mean`, and for another `logged`.

    Notes
    -----
    The construction is claim C5 of the article. A per-sample vector is exact under either rule;
    sums are exact under `per_batch`, means under `size_weighted`; each is wrong under the other
    rule when the last batch is short.

    Examples
    --------
    >>> float(reconstructed(Counts(tp=[2, 0], fp=[0, 1], fn=[0, 1], tn=[2, 2])))
    0.6666666666666666
    """
    check_averaging(averaging)
    check(logged in get_args(Logged), "logged", f"must be one of {get_args(Logged)}", logged)
    if logged == "per_sample":
        return pooled(counts, zero_division, metric)
    counts, undefined = _of_batches(counts, metric), checks.zero_division(zero_division)
    sizes = counts.n
    scale = np.ones(sizes.shape) if logged == "sum" else safe_divide(1, sizes)
    margins = (counts.tp, counts.positives, counts.predicted_positives, sizes)
    tp, positives, predicted, n = (average(part * scale, sizes, averaging) for part in margins)
    return np.asarray(metric.from_margins(tp, positives, predicted, n, undefined))


def pooled(counts: Counts, zero_division: float = 0.0, metric: Metric = F1) -> Floats:
    """Return the true value: the metric of the counts of all batches added up.

    The order of the samples and their division into batches do not matter.

    Parameters
    ----------
    counts : Counts, arrays of shape (..., n_batches)
        Counts of each batch; with a `ClassAveraged` metric (n_classes, ..., n_batches).
    zero_division : {0, 1, NaN}
        Value where the metric is 0/0.
    metric : Ratio, ClassAveraged or other SumMetric of counts
        The metric, F1 by default.

    Returns
    -------
    float64 array, shape (...)
        In [0, 1], or `zero_division`.

    Raises
    ------
    InputError
        For counts without a batch, and as `Ratio` or `ClassAveraged` when called.

    Examples
    --------
    >>> float(pooled(Counts(tp=[2, 0], fp=[0, 1], fn=[0, 1], tn=[2, 2])))
    0.6666666666666666
    """
    counts = _of_batches(counts, metric)
    _need_a_batch("counts", counts.tp.shape)
    return np.asarray(metric(counts.pooled(), zero_division))


def check_averaging(averaging: object) -> None:
    """Raise `InputError` unless this is an averaging rule."""
    rules = get_args(Averaging)
    check(averaging in rules, "averaging", f"must be one of {rules}", averaging)


def _of_batches(counts: Counts, metric: Metric) -> Counts:
    """Check the counts together with the metric."""
    check_metric(metric)
    metric.check_counts()
    counts = checked(counts)
    if isinstance(metric, ClassAveraged) or metric.n_classes is not None:
        metric.check_shape(counts.tp.shape)
        _need_a_batch("counts of a class", counts.tp.shape[1:])
    return counts


def _need_a_batch(name: str, shape: tuple[int, ...]) -> None:
    check(
        len(shape) > 0 and shape[-1] > 0,
        name,
        "must have at least one batch along the last axis",
        shape,
    )
