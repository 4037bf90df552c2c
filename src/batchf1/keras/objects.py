"""The metric objects that Keras makes of a model's `metrics`, called on batches of one's own."""

from __future__ import annotations

import re
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

    Those are functions, which Keras wraps, and classes that are not Keras' own. Of a model of
    several outputs the name begins with that of the metric's output.
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


def output_of(name: str, metric: Any, outputs: Iterable[str]) -> str | None:
    """Which of several outputs a metric judges, by its name in the logs; None if it is another's.

    Keras numbers further metrics of one name: `a_f1`, `a_f1_1`.
    """
    after = re.compile(rf"_{re.escape(metric.name)}(_\d+)?")
    judged = (one for one in outputs if after.fullmatch(name.removeprefix(one)))
    return next(judged, None)


def by_output(thing: str, model: Any, y_true: Any, y_pred: Any) -> dict[str, Pair]:
    """Output -> its labels and scores, for each output that has labels; "" for the only one.

    Raises `InputError` for other numbers of labels than outputs, and for labels without names where
    the outputs have them.
    """
    outputs = keras.tree.flatten(y_pred)
    if len(outputs) == 1:
        labels = keras.tree.flatten(y_true) if isinstance(y_true, dict) else [y_true]
        require(len(labels) == 1, thing, "needs labels for its only output", list(y_true))
        return {"": _pair(thing, labels[0], outputs[0])}
    named = isinstance(y_pred, dict)
    scores = y_pred if named else dict(zip(model.output_names, outputs, strict=True))
    if not isinstance(y_true, dict):
        how = " by name" if named else ""
        rule = f"needs labels for each of {len(scores)} outputs{how}"
        listed = isinstance(y_true, list | tuple) and len(y_true) == len(scores)
        require(listed and not named, thing, rule, type(y_true).__name__)
        y_true = dict(zip(scores, y_true, strict=True))
    return {name: _pair(thing, y_true[name], scores[name]) for name in scores if name in y_true}


def _pair(thing: str, y_true: Any, y_pred: Any) -> Pair:
    """Labels, floats in Keras' dtype, and the scores of as many samples.

    Labels (n,) become (n, 1) where the scores are.
    """
    scores, labels = (np.asarray(ops.convert_to_numpy(part)) for part in (y_pred, y_true))
    require(len(labels) == len(scores), thing, f"needs {len(scores)} labels", len(labels))
    if labels.dtype.kind == "f":
        labels = labels.astype(keras.config.floatx())
    # Keras itself would make (n, n) of them in most functions
    return (labels[:, None] if is_widened(labels, scores) else labels), scores


def is_widened(labels: NDArray[Any], scores: NDArray[Any]) -> bool:
    """Whether (n,) meets (n, 1)."""
    return labels.ndim == 1 and scores.ndim == 2 and scores.shape[1] == 1
