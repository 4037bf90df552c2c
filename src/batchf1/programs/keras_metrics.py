"""Each Keras for a metric function: `keras224`, `tf_keras` or `keras`, in `fit` and generators."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from batchf1.metrics.averaging import Logged
from batchf1.programs.example import (
    BATCH_SIZE,
    BATCHES,
    LABELS,
    SCORES,
    WEIGHTS,
)
from batchf1.programs.protocol import send
from batchf1.training import keras_defaults

Fed = NDArray[np.float32]
Case = dict[str, Any]
"""Measured fields of `studies.frameworks.rows.MetricRow`, without framework and version."""

MARGINS = ("tp", "predicted_positives", "positives")
RETURNED: tuple[str, ...] = (*get_args(Logged), "f1")
"""Form of the value that a metric function returns for a batch."""

SHAPES = {"column": (-1, 1), "flat": (-1,)}
"""Shape of the labels; the scores are a column."""

GROUPS: dict[str, list[tuple[str, ...]]] = {
    "metrics": [RETURNED],
    "weighted_metrics": [(returned,) for returned in RETURNED],
}
"""Argument of `compile` -> what is measured in one model; alone where it may raise."""

CALLS = ("fit", "generator")
SPLITS = {"train": "", "validation": "val_"}
"""Split -> what Keras puts before its names."""


def names(returned: str) -> tuple[str, ...]:
    """Return the names under which a metric function that returns this is logged."""
    return ("f1",) if returned == "f1" else MARGINS


def measured(keras: Any, ops: Any, original: bool) -> list[Case]:
    """Return the logs of each case and batching of the example, in the order of the table.

    Parameters
    ----------
    keras, ops
        The framework and the module of its tensor operations.
    original
        Whether it is the article's Keras, which has `fit_generator`.
    """
    cases: list[Case] = []
    for (weights, (argument, _)), labels, call in product(WEIGHTS.items(), SHAPES, CALLS):
        if labels == "flat" and weights != "none":
            continue
        case = {"weights": weights, "labels": labels, "call": call}
        for group in GROUPS[argument]:
            metrics = [metric for returned in group for metric in metric_functions(ops, returned)]
            # a new model: Keras 3 raises where an old one meets data of another rank
            cases += _fits(case, identity_model(keras, argument, metrics), group, original)
    orders = {
        "weights": list(WEIGHTS),
        "labels": list(SHAPES),
        "returned": list(RETURNED),
        "call": list(CALLS),
        "split": list(SPLITS),
        "batches": list(BATCHES),
    }
    return sorted(cases, key=lambda case: [of.index(case[name]) for name, of in orders.items()])


def _load(framework: str) -> tuple[Any, Any]:
    """Import the framework; return it and the module of its tensor operations."""
    if framework == "keras224":
        from batchf1.training.keras224 import software as keras224

        keras224.activate()
    with keras_defaults.environment():
        keras = importlib.import_module("tf_keras" if framework == "tf_keras" else "keras")
    return keras, keras.ops if framework == "keras" else keras.backend


def identity_model(keras: Any, argument: str, metrics: list[Any]) -> Any:
    """Return a model whose output is its input, whatever it is trained on."""
    scores = keras.layers.Input((1,))
    same = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(scores)
    model = keras.models.Model(scores, same)
    model.compile(keras.optimizers.SGD(0.0), "mse", **{argument: metrics})
    return model


def metric_functions(ops: Any, returned: str) -> list[Callable[[Any, Any], Any]]:
    """Return functions of F1 or the three counts of a batch, in the framework's operations.

    `ops`: where it keeps them; `returned`: one of `RETURNED`.
    """

    def parts(y_true: Any, y_pred: Any) -> list[Any]:
        decided = ops.cast(ops.greater(y_pred, 0.5), "float32")
        return [y_true * decided, decided, y_true]

    def count(index: int) -> Callable[[Any, Any], Any]:
        reduce = {"sum": ops.sum, "mean": ops.mean, "per_sample": lambda each: each}[returned]
        return lambda y_true, y_pred: reduce(parts(y_true, y_pred)[index])

    def f1(y_true: Any, y_pred: Any) -> Any:
        tp, predicted, positives = (ops.sum(part) for part in parts(y_true, y_pred))
        return 2 * tp / (predicted + positives)  # no batch of the example is without positives

    functions: list[Any] = (
        [f1] if returned == "f1" else [count(index) for index in range(len(MARGINS))]
    )
    for name, metric in zip(names(returned), functions, strict=True):
        metric.__name__ = f"{returned}_{name}"  # the name that Keras logs
    return functions


def _fits(case: Case, model: Any, group: Sequence[str], original: bool) -> Iterator[Case]:
    for batches, n in BATCHES.items():
        data = _data(n, WEIGHTS[case["weights"]][1], SHAPES[case["labels"]])
        logs, raises = _logs(model, case["call"], data, original)
        for returned, (split, prefix) in product(group, SPLITS.items()):
            logged = {name: logs.get(f"{prefix}{returned}_{name}") for name in names(returned)}
            of_case = {"returned": returned, "split": split, "batches": batches, "raises": raises}
            yield case | of_case | logged


def _data(n: int, weights: Fed | None, shape: tuple[int, ...]) -> tuple[Fed, ...]:
    columns = (SCORES[:n, None], LABELS[:n].reshape(shape))
    return columns if weights is None else (*columns, weights[:n])


def _logs(
    model: Any, call: str, data: tuple[Fed, ...], original: bool
) -> tuple[dict[str, float], str]:
    """Return the logs of one epoch, and the name of the exception if it raised."""
    try:
        if call == "fit":
            weights = data[2] if len(data) > 2 else None
            options = {"sample_weight": weights, "batch_size": BATCH_SIZE, "shuffle": False}
            done = model.fit(*data[:2], **options, validation_data=data, verbose=0)
        else:
            fit = model.fit_generator if original else model.fit
            steps = {"validation_steps": -(-len(data[0]) // BATCH_SIZE)}
            steps["steps_per_epoch"] = steps["validation_steps"]
            done = fit(_endless(data), **steps, validation_data=_endless(data), verbose=0)
    except Exception as error:  # whatever it is: it is the finding
        return {}, type(error).__name__
    # Keras 2.2.4 puts a prefix before the name of a weighted metric
    return {k.replace("weighted_", ""): float(v[-1]) for k, v in done.history.items()}, ""


def _endless(data: tuple[Fed, ...]) -> Iterator[tuple[Fed, ...]]:
    while True:
        for start in range(0, len(data[0]), BATCH_SIZE):
            yield tuple(part[start : start + BATCH_SIZE] for part in data)


if __name__ == "__main__":
    (framework,) = sys.argv[1:]
    loaded = _load(framework)
    send(framework, loaded[0].__version__, measured(*loaded, original=framework == "keras224"))
