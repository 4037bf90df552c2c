"""Metrics and label formats in the configuration of saved models."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from batchf1.errors import check
from batchf1.metrics.elements import LabelFormat, label_format_of
from batchf1.metrics.ratios import ClassAveraged, Ratio, check_metric
from batchf1.metrics.sums import PerImage, SumMetric


def format_of(metric: SumMetric, *args: Any, **options: Any) -> tuple[SumMetric, LabelFormat]:
    """Return a metric, as `label_format_of` takes it, and its label format.

    With `per="image"` the metric is its mean over images.
    """
    form = label_format_of(metric, *args, **options)
    return (PerImage(metric) if form.per == "image" else metric), form


def as_metric(metric: Any) -> SumMetric:
    """Return a metric as it is, or rebuild it from `as_list`."""
    rebuilt = metric if isinstance(metric, SumMetric) else _rebuilt(*metric)
    check_metric(rebuilt)
    return rebuilt


def as_list(metric: SumMetric) -> list[Any]:
    """Convert a metric to a list for a saved model, which `as_metric` reads."""
    if isinstance(metric, ClassAveraged):
        return [as_list(metric.ratio), metric.average, metric.n_classes]
    if isinstance(metric, Ratio):
        return [list(metric.top), list(metric.bottom), metric.name]
    kind = type(metric)
    names: list[str] = [field.name for field in fields(metric)] if is_dataclass(metric) else []
    options = {name: getattr(metric, name) for name in names}
    return [f"{kind.__module__}.{kind.__qualname__}", options]


def config_of(metric: Any) -> dict[str, Any]:
    """Return the arguments for rebuilding a Keras metric that has a `metric` and a `form`."""
    form = metric.form
    given = {key: getattr(form, key) for key in ("threshold", "from_logits", "multilabel")}
    given |= {"name": metric.name, "dtype": metric.dtype}
    shapes = {key: one for key, one in form.options().items() if key in SHAPES}
    inner = metric.metric.metric if isinstance(metric.metric, PerImage) else metric.metric
    return given | {"metric": as_list(inner)} | shapes


SHAPES = ("of_class", "ignore_class", "include_background", "axis", "per")
"""Options of a `LabelFormat` for other than one label a sample."""


def _rebuilt(first: Any, second: Any, third: Any = None) -> SumMetric:
    if isinstance(first, str):
        kind = SumMetric._KINDS.get(first)
        rule = "must be defined, by importing its module, before the model is loaded"
        check(kind is not None, "metric", rule, first)
        assert kind is not None
        return kind(**second)
    if isinstance(second, str):
        return ClassAveraged(_rebuilt(*first), second, third)  # type: ignore[arg-type]
    return Ratio(tuple(first), tuple(second), third)
