"""The metric objects that Keras makes of a model's `metrics`, called on batches of one's own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from batchf1.errors import one_line, require

Pair = tuple[NDArray[Any], NDArray[Any]]
"""Labels and outputs of a batch."""
Function = Callable[[Any, Any], float]
"""Of (y_true, y_pred)."""


def compiled(model: Any) -> Iterator[tuple[str, Any]]:
    """Name in the logs -> metric, of those in `metrics` and `weighted_metrics` that could be wrong.

    Those are functions, which Keras wraps, and classes that are not Keras' own.
    """
    for part in model.metrics:
        held, named = getattr(part, "metrics", ()), part.result()
        # what holds those given to `compile`, unless its names are ambiguous
        if isinstance(named, dict) and len(named) == len(held):
            yield from filter(_may_be_wrong, zip(named, held, strict=True))


def has_value_of_each_sample(metric: Any, batches: Iterable[Pair]) -> bool:
    """Whether Keras averages over samples what the metric gives for a batch, as for accuracy."""
    if not isinstance(metric, keras.metrics.Mean):
        return False
    y_true, y_pred = max(batches, key=lambda pair: len(pair[0]))
    as_function(metric)(y_true, y_pred)
    return len(y_true) > 1 and float(metric.count) == len(y_true)


def as_function(metric: Any) -> Function:
    """What a metric says of some samples alone, a function of (y_true, y_pred).

    Raises `ValueError` where the metric raises anything.
    """

    def value(y_true: Any, y_pred: Any) -> float:
        metric.reset_state()
        try:
            metric.update_state(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
        except Exception as error:  # of any backend
            raise ValueError(one_line(error)) from error
        return float(metric.result())

    value.__name__ = metric.name
    return value


def of_sizes(sizes: Collection[int], function: Function) -> Function:
    """The function of so many samples; `ValueError` for other numbers of them."""

    def value(y_true: Any, y_pred: Any) -> float:
        if len(y_true) not in sizes:
            raise ValueError(f"{len(y_true)} samples")
        return function(y_true, y_pred)

    value.__name__ = function.__name__
    return value


def _may_be_wrong(named: tuple[str, Any]) -> bool:
    kind = type(named[1])
    wrapped = issubclass(kind, keras.metrics.MeanMetricWrapper)
    return wrapped or not kind.__module__.startswith("keras.")


@contextmanager
def restored(metric: Any) -> Iterator[None]:
    """Give the metric back its state afterwards."""
    kept = [ops.convert_to_numpy(variable) for variable in metric.variables]
    try:
        yield
    finally:
        for variable, value in zip(metric.variables, kept, strict=True):
            variable.assign(value)


def pair(thing: str, y_true: Any, y_pred: Any) -> Pair:
    """Labels, floats in Keras' dtype, and the only output of as many samples.

    Labels (n,) become (n, 1) where the output is.
    """
    outputs = keras.tree.flatten(y_pred)
    require(len(outputs) == 1, thing, "needs a model of one output", f"{len(outputs)} outputs")
    scores, labels = (np.asarray(ops.convert_to_numpy(part)) for part in (outputs[0], y_true))
    require(len(labels) == len(scores), thing, f"needs {len(scores)} labels", len(labels))
    if labels.dtype.kind == "f":
        labels = labels.astype(keras.config.floatx())
    # Keras itself would make (n, n) of them in most functions
    return (labels[:, None] if is_widened(labels, scores) else labels), scores


def is_widened(labels: NDArray[Any], scores: NDArray[Any]) -> bool:
    """Whether (n,) meets (n, 1)."""
    return labels.ndim == 1 and scores.ndim == 2 and scores.shape[1] == 1
