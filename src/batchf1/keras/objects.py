"""The compiled metric objects of a Keras model, and calls of them on given batches."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from keras.src.backend.common.masking import set_keras_mask

from batchf1.auditing.broadcast import Pair
from batchf1.errors import check, one_line

Function = Callable[[Any, Any], float]
"""Metric function of (y_true, y_pred)."""


class Compiled(NamedTuple):
    """Metric given to `compile`, with the key of the logged value."""

    metric: Any
    key: str | None = None
    """Key of a metric with a dict of values."""
    is_weighted: bool = False
    """Whether Keras hands it sample weights."""


def compiled(model: Any) -> dict[str, Compiled]:
    """Map log names to the metrics in `metrics` and `weighted_metrics`.

    In a model of several outputs the name begins with that of the metric's output. Metrics to which
    Keras gives one name are left out.
    """
    by_name: dict[str, Compiled] = {}
    for part in model.metrics:
        held, named = getattr(part, "metrics", ()), part.result()
        lists = getattr(part, "_flat_weighted_metrics", None) or ()  # one for each output
        weighted = [id(metric) for one in lists for metric in getattr(one, "metrics", ())]
        # the container of the compiled metrics, unless its names are ambiguous
        if isinstance(named, dict) and len(named) == len(held):
            for (name, value), metric in zip(named.items(), held, strict=True):
                keys = (
                    dict(zip(value, value, strict=True))
                    if isinstance(value, dict)
                    else {name: None}
                )
                takes = id(metric) in weighted
                by_name |= {logged: Compiled(metric, key, takes) for logged, key in keys.items()}
    return by_name


def is_keras_own(metric: Any) -> bool:
    """Return True for a metric class of Keras that is no wrapper of a function."""
    kind = type(metric)
    return kind.__module__.startswith("keras.") and not issubclass(
        kind, keras.metrics.MeanMetricWrapper
    )


def has_value_of_each_sample(metric: Any, batches: Iterable[Pair]) -> bool:
    """Return True if the metric has a value for each sample of a batch, as accuracy.

    Batches of two sizes distinguish this from a value for each class.
    """
    if not isinstance(metric, keras.metrics.Mean):
        return False
    of_size = {len(pair[0]): pair for pair in batches}
    n = max(of_size)
    if n == 1:
        return False
    if len(of_size) == 1:
        of_size[n - 1] = (of_size[n][0][:-1], of_size[n][1][:-1])
    function = as_function(metric)
    for pair in (of_size[n], of_size[min(of_size)]):
        function(*pair)
        if ops.convert_to_numpy(metric.count) != len(pair[0]):
            return False
    return True


def as_function(metric: Any, key: str | None = None) -> Function:
    """Wrap a metric object as a function of (y_true, y_pred), which resets it first.

    `key`: of a metric with a dict of values. The function raises `ValueError` where the metric
    raises anything.
    """

    def value(y_true: Any, y_pred: Any) -> float:
        return replayed(metric, [(y_true, y_pred)], key)

    value.__name__ = key or metric.name
    return value


def replayed(
    metric: Any,
    batches: Iterable[Sequence[Any]],
    key: str | None = None,
    masks: Iterable[Any] = (),
) -> float:
    """Compute the metric of batches, with weights or without, added one by one as by Keras.

    `masks`: those of the outputs of each batch, if they have any. Raises `ValueError` where the
    metric raises anything.
    """
    try:
        updated(metric, batches, masks)
        result = metric.result()
        return float(result if key is None else result[key])
    except Exception as error:  # of any backend
        raise ValueError(one_line(error)) from error


def updated(metric: Any, batches: Iterable[Sequence[Any]], masks: Iterable[Any] = ()) -> None:
    """Reset the metric and add the batches, one after the other."""
    metric.reset_state()
    for batch, mask in zip_longest(batches, masks):
        y_true, y_pred, *weights = map(ops.convert_to_tensor, batch)
        if mask is not None:
            set_keras_mask(y_pred, ops.convert_to_tensor(mask))
        metric.update_state(y_true, y_pred, *weights)


def of_sizes(sizes: Collection[int], function: Function) -> Function:
    """Restrict the function to these numbers of samples; it raises `ValueError` for others."""

    def value(y_true: Any, y_pred: Any) -> float:
        if len(y_true) not in sizes:
            raise ValueError(f"{len(y_true)} samples")
        return function(y_true, y_pred)

    value.__name__ = function.__name__
    return value


def output_of(name: str, metric: Any, outputs: Iterable[str]) -> str | None:
    """Return the output of a metric, by its name in the logs; None if it is none of `outputs`.

    Keras numbers further metrics of one name: `a_f1`, `a_f1_1`.
    """
    after = re.compile(rf"_{re.escape(metric.name)}(_\d+)?")
    matching = (one for one in outputs if after.fullmatch(name.removeprefix(one)))
    return next(matching, None)


def by_output(name: str, model: Any, y_true: Any, y_pred: Any) -> dict[str, Pair]:
    """Map each output with labels to its labels and scores; the only output is "".

    `name`: prefix of messages. Raises `InputError` for other numbers of labels than outputs, and
    for labels without names where the outputs have names.
    """
    outputs = keras.tree.flatten(y_pred)
    if len(outputs) == 1:
        labels = keras.tree.flatten(y_true) if isinstance(y_true, dict) else [y_true]
        check(len(labels) == 1, name, "must have labels for its only output", list(y_true))
        return {"": _pair(name, labels[0], outputs[0])}
    named, scores = isinstance(y_pred, dict), by_name(model, y_pred)
    if not isinstance(y_true, dict):
        how = " by name" if named else ""
        rule = f"must have labels for each of {len(scores)} outputs{how}"
        listed = isinstance(y_true, list | tuple) and len(y_true) == len(scores)
        check(listed and not named, name, rule, type(y_true).__name__)
        y_true = dict(zip(scores, y_true, strict=True))
    return {key: _pair(name, y_true[key], scores[key]) for key in scores if key in y_true}


def by_name(model: Any, y_pred: Any) -> dict[str, Any]:
    """Map the name of each output to it; the only output is ""."""
    outputs = keras.tree.flatten(y_pred)
    if len(outputs) == 1:
        return {"": outputs[0]}
    if isinstance(y_pred, dict):
        return y_pred
    return dict(zip(model.output_names, outputs, strict=True))


def _pair(name: str, y_true: Any, y_pred: Any) -> Pair:
    """Convert labels, floats in Keras' dtype, and scores to arrays of as many samples."""
    scores, labels = (np.asarray(ops.convert_to_numpy(part)) for part in (y_pred, y_true))
    check(len(labels) == len(scores), name, f"must have {len(scores)} labels", len(labels))
    if labels.dtype.kind == "f":
        labels = labels.astype(keras.config.floatx())
    return labels, scores
