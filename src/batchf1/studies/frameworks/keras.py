"""Logs of each Keras for a metric function, measured on a small example in the framework itself.

`batchf1 workflow probe keras224|tf_keras|keras` prints one framework's rows as JSON, and
`batchf1 workflow probe --write docs` measures all three and writes `docs/averaging.csv` and the
tables of `docs/averaging.md`.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchf1.errors import check, raise_input_error
from batchf1.metrics.averaging import average
from batchf1.metrics.counts import Floats, Integers
from batchf1.metrics.ratios import F1
from batchf1.studies.frameworks.example import BATCH_SIZE, BATCHES, LABELS, SCORES
from batchf1.studies.frameworks.rows import CASE, FRAMEWORKS, MARGINS, RETURNED, RULES, Row
from batchf1.training import keras_defaults

Fed = NDArray[np.float32]

SHAPES = {"column": (-1, 1), "flat": (-1,)}
"""Shape of the labels; the scores are a column."""

_WEIGHTS = np.array([1, 2, 4, 4, 1, 1, 1, 1, 2, 1], np.float32)
WEIGHTS: dict[str, tuple[str, Fed | None]] = {
    "none": ("metrics", None),
    "metrics": ("metrics", _WEIGHTS),
    "weighted_metrics": ("weighted_metrics", _WEIGHTS),
    "weighted_metrics_zero": (
        "weighted_metrics",
        _WEIGHTS * (np.arange(10, dtype=np.float32) != 3),
    ),
}
"""Case -> the argument of `compile` that takes the metric, and `sample_weight`."""

GROUPS: dict[str, list[tuple[str, ...]]] = {
    "metrics": [RETURNED],
    "weighted_metrics": [(returned,) for returned in RETURNED],
}
"""Argument of `compile` -> what is measured in one model; alone where it may raise."""

CALLS = ("fit", "generator")
SPLITS = {"train": "", "validation": "val_"}
"""Split -> what Keras puts before its names."""

TOLERANCE = 1e-6


def measure(framework: str) -> list[Row]:
    """Measure a framework in a fresh process and return its rows; takes some 20 seconds.

    Raises `InputError` for another name or where the framework cannot be used.
    """
    check(framework in FRAMEWORKS, "framework", f"must be one of {tuple(FRAMEWORKS)}", framework)
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(
        [sys.executable, "-m", "batchf1.cli.main", "workflow", "probe", framework],
        capture_output=True,
        text=True,
        env=os.environ
        | quiet
        | {"CUDA_VISIBLE_DEVICES": "-1"},  # so small an example: the same on every machine
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no word"]
        raise_input_error(framework, "must run in a process of its own", said[-1])
    return [Row(**row) for row in json.loads(done.stdout)]


def run(framework: str) -> list[Row]:
    """Measure a framework in this process, which must not have imported another Keras.

    Raises `InputError` for another name.
    """
    check(framework in FRAMEWORKS, "framework", f"must be one of {tuple(FRAMEWORKS)}", framework)
    keras, ops = _load(framework)
    rows: list[Row] = []
    for (weights, (argument, _)), labels, call in product(WEIGHTS.items(), SHAPES, CALLS):
        if labels == "flat" and weights != "none":
            continue
        case = Row(framework, keras.__version__, weights, labels, call=call)
        for group in GROUPS[argument]:
            metrics = [metric for returned in group for metric in metric_functions(ops, returned)]
            # a new model: Keras 3 raises where an old one meets data of another rank
            rows += _fits(case, identity_model(keras, argument, metrics), group)
    rows.sort(key=_order)
    return [_rounded(row) for row in _with_precision(_with_rule(rows))]


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

    def count(place: int) -> Callable[[Any, Any], Any]:
        reduce = {"sum": ops.sum, "mean": ops.mean, "per_sample": lambda each: each}[returned]
        return lambda y_true, y_pred: reduce(parts(y_true, y_pred)[place])

    def f1(y_true: Any, y_pred: Any) -> Any:
        tp, predicted, positives = (ops.sum(part) for part in parts(y_true, y_pred))
        return 2 * tp / (predicted + positives)  # no batch of the example is without positives

    places = range(len(MARGINS))
    found: list[Any] = [f1] if returned == "f1" else [count(place) for place in places]
    for name, metric in zip(_names(returned), found, strict=True):
        metric.__name__ = f"{returned}_{name}"  # the name that Keras logs
    return found


def _names(returned: str) -> tuple[str, ...]:
    return ("f1",) if returned == "f1" else MARGINS


def _fits(case: Row, model: Any, group: Sequence[str]) -> Iterator[Row]:
    for batches, n in BATCHES.items():
        data = _data(n, WEIGHTS[case.weights][1], SHAPES[case.labels])
        logs, raises = _logs(model, case.call, data, original=case.framework == "keras224")
        for returned, (split, prefix) in product(group, SPLITS.items()):
            found: dict[str, Any] = {"returned": returned, "split": split, "batches": batches}
            found |= {name: logs.get(f"{prefix}{returned}_{name}") for name in _names(returned)}
            yield _judged(replace(case, **found, raises=raises))


def _order(row: Row) -> tuple[int, ...]:
    places = (list(WEIGHTS), list(SHAPES), RETURNED, CALLS, list(SPLITS), list(BATCHES))
    values = (row.weights, row.labels, row.returned, row.call, row.split, row.batches)
    return tuple(place.index(value) for place, value in zip(places, values, strict=True))


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


def _judged(row: Row) -> Row:
    """Return the row with its F1, the true F1, and whether they agree."""
    n = BATCHES[row.batches]
    each, weights = spread("per_sample", n), _weights(row)
    true, weighted = (
        _f1(*(float(np.sum(each[name] * w)) for name in MARGINS)) for w in (np.ones(n), weights)
    )
    row = replace(row, true_f1=true, weighted_f1=weighted)
    if row.raises:
        return row
    found = _logged(row)[0] if row.returned == "f1" else _f1(*_logged(row))
    targets = {"unweighted": true, "weighted": weighted}
    equal = [name for name, target in targets.items() if abs(found - target) <= TOLERANCE]
    return replace(row, f1=found, exact=[*equal, "no"][0])


def _f1(tp: float, predicted: float, positives: float) -> float:
    return float(F1.from_margins(tp, positives, predicted))


def _weights(row: Row) -> Floats:
    n, weights = BATCHES[row.batches], WEIGHTS[row.weights][1]
    return np.ones(n) if weights is None else weights[:n].astype(np.float64)


def spread(returned: str, n: int) -> dict[str, Floats]:
    """Return the metrics' values on the example's first `n` samples, by name, for each sample.

    A scalar stands at each sample of its batch; arrays of shape (n,).
    """
    y, d = LABELS[:n].astype(np.float64), SCORES[:n].astype(np.float64)
    each = dict(zip(MARGINS, (y * d, d, y), strict=True))
    if returned == "per_sample":
        return each
    sizes = _sizes(n)
    sums = {name: _by_batch(values) for name, values in each.items()}
    if returned == "f1":
        sums = {"f1": 2 * sums["tp"] / (sums["predicted_positives"] + sums["positives"])}
    scale = sizes if returned == "mean" else np.ones_like(sizes)
    return {name: np.repeat(values / scale, sizes) for name, values in sums.items()}


def by_rules(values: Floats, weights: Floats) -> dict[str, float]:
    """Return what each of `RULES` logs for `values` and `weights` of the samples, both (n,)."""
    sizes = _sizes(len(values))
    means, weighted = _by_batch(values) / sizes, _by_batch(values * weights)
    nonzero = _by_batch((weights != 0).astype(np.float64))
    return {
        "per_batch": float(average(means, sizes, "per_batch")),
        "per_sample": float(average(means, sizes, "size_weighted")),
        "per_weight": float(weighted.sum() / weights.sum()),
        "per_nonzero_weight": float(average(weighted / nonzero, sizes, "size_weighted")),
    }


def _sizes(n: int) -> Integers:
    return np.diff(np.append(np.arange(0, n, BATCH_SIZE), n))


def _by_batch(values: Floats) -> Floats:
    return np.add.reduceat(values, np.arange(0, len(values), BATCH_SIZE))


def _with_rule(rows: list[Row]) -> list[Row]:
    """Return the rows with the first rule that explains all numbers of a case."""
    fitting = {case: list(RULES) for case in map(_case, rows)}
    for row in rows:
        for name, values in spread(row.returned, BATCHES[row.batches]).items():
            logged, rules = getattr(row, name), by_rules(values, _weights(row))
            left = fitting[_case(row)]
            fitting[_case(row)] = [
                r for r in left if row.raises or abs(rules[r] - logged) <= TOLERANCE
            ]
    return [replace(r, rule="" if r.raises else [*fitting[_case(r)], "other"][0]) for r in rows]


def _case(row: Row) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in CASE)


def _with_precision(rows: list[Row]) -> list[Row]:
    """Return the rows with the precision of their call and split, inferred from the logs."""

    def place(row: Row) -> tuple[str, str]:
        return row.call, row.split

    finer = {place(row) for row in rows for v in _logged(row) if float(np.float32(v)) != v}
    return [
        replace(r, precision="" if r.raises else "float64" if place(r) in finer else "float32")
        for r in rows
    ]


def _logged(row: Row) -> list[float]:
    return [] if row.raises else [getattr(row, name) for name in _names(row.returned)]


def _rounded(row: Row) -> Row:
    """Return the row rounded to seven digits, as further digits differ between machines."""
    numbers = {name: v for name, v in asdict(row).items() if isinstance(v, float)}
    rounded: dict[str, Any] = {name: round(value, 7) for name, value in numbers.items()}
    return replace(row, **rounded)
