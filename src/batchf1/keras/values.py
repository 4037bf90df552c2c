"""Metrics of counts as tensors, with a column for each class."""

from __future__ import annotations

from typing import Any

from keras import ops

from batchf1.metrics.arithmetic import dot, margin_weights
from batchf1.metrics.ratios import ClassAveraged, Metric, Ratio, check_metric


def margins(labels: Any, decided: Any, weight: Any = None) -> Any:
    """Count TP, TP + FN, TP + FP and samples in each class: (4, n_classes), dtype of `labels`.

    `labels` and `decided`: (n, n_classes), each 0, 1 or NaN, which makes its class NaN; `weight`:
    weights of the samples, (n,), or None for 1.
    """
    bad = labels - labels  # 0, or NaN, which predicted positives alone would not show
    parts = [labels * decided, labels, decided + bad, 1 + bad]
    if weight is not None:
        column = ops.expand_dims(ops.cast(weight, labels.dtype), 1)
        parts = [column * part for part in parts]
    return ops.stack([ops.sum(part, axis=0) for part in parts])


def value(metric: Metric, counted: Any) -> Any:
    """Compute the metric of `margins`, a scalar of their dtype; 0 for 0/0, NaN of NaN."""
    ratio, average = ratio_of(metric), average_of(metric)
    if average == "micro":
        return _ratio(ratio, ops.sum(counted, axis=1))
    each = _ratio(ratio, counted)
    weights = counted[1] if average == "weighted" else ops.ones_like(each)
    # as scikit-learn: without a label in any class they count alike
    weights = ops.where(ops.sum(weights) == 0, ops.ones_like(each), weights)
    return ops.sum(weights * each) / ops.sum(weights)


def quotient(top: Any, bottom: Any) -> Any:
    """Divide, with 0 for 0/0, and NaN if either is NaN."""
    # not divide_no_nan: it would hide the NaN of a bad label
    return top / ops.where(bottom == 0, ops.ones_like(bottom), bottom)


def ratio_of(metric: Metric) -> Ratio:
    """Return the ratio that is computed of each class."""
    return metric.ratio if isinstance(metric, ClassAveraged) else metric


def average_of(metric: Metric) -> str:
    """Return the average over classes; `micro` for a binary output, which is one class."""
    return metric.average if isinstance(metric, ClassAveraged) else "micro"


def as_metric(metric: Any) -> Metric:
    """Return a metric as it is, or rebuild it from `as_list`."""
    rebuilt = metric if isinstance(metric, (Ratio, ClassAveraged)) else _rebuilt(*metric)
    check_metric(rebuilt)
    return rebuilt


def as_list(metric: Metric) -> list[Any]:
    """Convert a metric to a list for a saved model, which `as_metric` reads."""
    if isinstance(metric, ClassAveraged):
        return [as_list(metric.ratio), metric.average, metric.n_classes]
    return [list(metric.top), list(metric.bottom), metric.name]


def _rebuilt(first: Any, second: Any, third: Any) -> Metric:
    if isinstance(second, str):
        return ClassAveraged(_rebuilt(*first), second, third)  # type: ignore[arg-type]
    return Ratio(tuple(first), tuple(second), third)


def _ratio(ratio: Ratio, counted: Any) -> Any:
    parts = (counted[0], counted[1], counted[2], counted[3])  # a tensor cannot be iterated over
    top, bottom = (dot(margin_weights(weights), parts) for weights in (ratio.top, ratio.bottom))
    return quotient(top, bottom)
