"""From the counts of an epoch's batches to one value, by each rule that a framework may follow.

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
    """What the framework logs for a metric that returned the scalar `values` for the batches.

    `per_batch`: each batch counts once (Keras >= 2.3, `MeanMetricWrapper`). `size_weighted`: each
    counts by its size (Keras 2.2.4, `BaseLogger`). NaN values are left out; if all are NaN the
    result is NaN. `dtype` is that of the running sum: Keras keeps float32, whose rounding reaches
    1e-6 after a thousand batches. `values` and `sizes` broadcast to one shape. Raises `InputError`
    for another rule, no batch, or a batch without samples.
    """
    check_averaging(averaging)
    values = checks.array("values", "must be numbers", values)
    sizes = checks.check_integers("batch sizes", sizes, least=1)
    values, sizes = checks.broadcast("values and batch sizes", values, sizes)
    _need_a_batch("values", values.shape)
    weights = np.ones_like(sizes) if averaging == "per_batch" else sizes
    known = ~np.isnan(values)
    terms = np.where(known, values * weights, 0.0)
    total = np.cumsum(terms, axis=-1, dtype=dtype)[..., -1]  # one by one, as a framework adds
    return safe_divide(total, np.where(known, weights, 0).sum(axis=-1), np.nan)


def batch_mean(
    counts: Counts,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    dtype: type[np.floating] = np.float64,
    metric: Metric = F1,
) -> Floats:
    """The naive value: the framework's average of the batches' values.

    `zero_division` is the value of a batch where the metric is 0/0: 0 (what the usual epsilon makes
    of it), 1, or NaN to leave the batch out. `dtype` is that of the running sum, see `average`.
    Raises `InputError` as `average` and `Ratio`.

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
    """The metric rebuilt from logged counts (the article's C5).

    `logged` is what the count metrics returned for a batch: their `sum`, their `mean`, or one
    value per sample. A per-sample vector is exact under either rule; sums are exact under
    `per_batch`, means under `size_weighted`; each is wrong under the other rule when the last
    batch is short. 0/0 gives `zero_division`. Raises `InputError` as `batch_mean`, and for another
    `logged`.

    >>> float(reconstructed(Counts(tp=[2, 0], fp=[0, 1], fn=[0, 1], tn=[2, 2])))
    0.6666666666666666
    """
    check_averaging(averaging)
    check(logged in get_args(Logged), "logged", f"is one of {get_args(Logged)}", logged)
    if logged == "per_sample":
        return pooled(counts, zero_division, metric)
    counts, undefined = _of_batches(counts, metric), checks.zero_division(zero_division)
    sizes = counts.n
    scale = np.ones(sizes.shape) if logged == "sum" else safe_divide(1, sizes)
    margins = (counts.tp, counts.positives, counts.predicted_positives, sizes)
    tp, positives, predicted, n = (average(part * scale, sizes, averaging) for part in margins)
    return metric.from_margins(tp, positives, predicted, n, undefined)


def pooled(counts: Counts, zero_division: float = 0.0, metric: Metric = F1) -> Floats:
    """The true value: of all batches' counts added up. Order and cut do not matter.

    Raises `InputError` for counts without a batch, and as `Ratio`.

    >>> float(pooled(Counts(tp=[2, 0], fp=[0, 1], fn=[0, 1], tn=[2, 2])))
    0.6666666666666666
    """
    counts = _of_batches(counts, metric)
    _need_a_batch("counts", counts.tp.shape)
    return metric(counts.pooled(), zero_division)


def check_averaging(averaging: object) -> None:
    """Raise `InputError` unless this is an averaging rule."""
    rules = get_args(Averaging)
    check(averaging in rules, "averaging", f"is one of {rules}", averaging)


def _of_batches(counts: Counts, metric: Metric) -> Counts:
    """The counts, checked together with the metric."""
    check_metric(metric)
    counts = checked(counts)
    if isinstance(metric, ClassAveraged):
        metric.check_shape(counts.tp.shape)
        _need_a_batch("counts of a class", counts.tp.shape[1:])
    return counts


def _need_a_batch(name: str, shape: tuple[int, ...]) -> None:
    check(len(shape) > 0 and shape[-1] > 0, name, "need a batch along the last axis", shape)
