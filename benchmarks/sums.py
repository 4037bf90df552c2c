"""Time that metrics which are functions of sums add to a training step of Keras' `fit`.

`python benchmarks/sums.py` makes benchmarks/sums.csv. Each task (a binary output, numbers, pixels,
a softmax) is fitted without a metric and with each of its metrics, by `Streaming` and by
`Reconstructed`, and the binary one with metrics of Keras too. The models of a task and batch size
take turns in one process: a round is a block of steps of each, in random order, by the function
that `fit` calls for each batch, and each block is divided by that of its round without a metric.
"""

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from scipy.stats import quantile_test

from batchf1 import F1, f_beta, kappa, mcc, pearson, r2, rmse
from batchf1.keras import Reconstructed, Streaming
from batchf1.records import tables
from schemas import SUMS

HERE = Path(__file__).resolve().parent
SIZES = (32, 512)
SIDE, CLASSES, IGNORED = 8, 3, 255
"""Pixels along a side of a picture, classes of a softmax, label that does not count."""
PLAIN = "plain"
TASKS: dict[str, dict[str, dict[str, Any]]] = {
    "binary": {"f1": {"metric": F1}, "mcc": {"metric": mcc()}, "kappa": {"metric": kappa()}},
    "numbers": {
        "r2": {"metric": r2()},
        "rmse": {"metric": rmse()},
        "pearson": {"metric": pearson()},
    },
    "pixels": {"dice": {"metric": F1}},
    "softmax": {
        "f1 of class 1": {"of_class": 1},
        "macro f1, ignore_class": {
            "metric": f_beta(1, "macro", n_classes=CLASSES),
            "ignore_class": IGNORED,
        },
    },
}
"""Task -> its metrics, as options of a strategy."""
KINDS = {"streaming": Streaming, "reconstructed": Reconstructed}


class Compared(NamedTuple):
    """A model that is timed, with its metric."""

    metric: str
    by: str
    model: Any


def arrays(task: str, n: int) -> tuple[Any, Any]:
    """Return inputs and labels of a task."""
    rng = np.random.default_rng(0)
    shape = (n, SIDE, SIDE, 1) if task == "pixels" else (n, 10)
    x = rng.random(shape, np.float32)
    if task == "numbers":
        return x, x.sum(axis=1, keepdims=True)
    if task == "softmax":
        return x, rng.integers(0, CLASSES, n)
    return x, ((x if task == "pixels" else x[:, :1]) < 0.3).astype(np.float32)


def built(task: str, metrics: list[Any]) -> Any:
    """Return a compiled model of a task."""
    if task == "pixels":
        parts = [keras.layers.Conv2D(4, 3, padding="same", activation="relu")]
        parts.append(keras.layers.Conv2D(1, 1, activation="sigmoid"))
    else:
        last = {"numbers": None, "softmax": "softmax"}.get(task, "sigmoid")
        units = CLASSES if task == "softmax" else 1
        parts = [keras.layers.Dense(64, "relu"), keras.layers.Dense(units, last)]
    model = keras.Sequential(parts)
    loss: Any = "mse" if task == "numbers" else "binary_crossentropy"
    if task == "softmax":
        loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=IGNORED)
    model.compile("adam", loss, metrics=metrics)
    return model


def compared(task: str) -> Iterator[Compared]:
    """Make the models of a task, the first without a metric."""
    yield Compared("none", PLAIN, built(task, []))
    for metric, options in TASKS[task].items():
        for by, kind in KINDS.items():
            yield Compared(metric, by, built(task, kind(**options).metrics()))
    if task == "binary":
        own = keras.metrics.F1Score(threshold=0.5)
        yield Compared("f1", "keras", built(task, [own]))
        both = [keras.metrics.Precision(), keras.metrics.Recall()]
        yield Compared("precision and recall", "keras", built(task, both))


def seconds(model: Any, batches: Iterator[Any], steps: int) -> float:
    """Return the seconds of some training steps."""
    start = time.perf_counter()
    for _ in range(steps):
        logs = model.train_function(batches)
    float(logs["loss"])  # waits for the last step
    return time.perf_counter() - start


def rows(task: str, size: int, rounds: int, steps: int) -> list[dict[str, Any]]:
    """Measure a task in batches of one size."""
    batch, models = arrays(task, size), [*compared(task)]
    batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
    for one in models:
        one.model.fit(*batch, size, verbose=0)  # makes the function of a step
        seconds(one.model, batches, steps)
    draw, times = np.random.default_rng(0), np.empty((rounds, len(models)))
    for turn in times:
        for i in draw.permutation(len(models)):
            turn[i] = seconds(models[i].model, batches, steps)
    made = []
    for one, own in zip(models[1:], times.T[1:], strict=True):
        ratios = own / times[:, 0]
        known = quantile_test(ratios).confidence_interval(0.95)  # of the median
        row = {"task": task, "metric": one.metric, "by": one.by, "batch_size": size}
        row |= {"steps": steps, "rounds": rounds}
        row["step_ms"] = 1000 * float(np.median(times[:, 0])) / steps
        row |= {"ratio_median": float(np.median(ratios))}
        row |= {"ratio_low": float(known.low), "ratio_high": float(known.high)}
        made.append({name: _rounded(value) for name, value in row.items()})
    return made


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main() -> None:
    """Measure, print, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--output", type=Path, default=HERE / "sums.csv")
    parsed = parser.parse_args()
    made = []
    for task in TASKS:
        for size in SIZES:
            for row in rows(task, size, parsed.rounds, parsed.steps):
                interval = f"{row['ratio_low']} to {row['ratio_high']}"
                name = f"{task}, {row['metric']}, {row['by']}, batches of {size}"
                print(f"{name}: x {row['ratio_median']} ({interval})", flush=True)  # noqa: T201
                made.append(row)
    table = tables.validate(pd.DataFrame(made), SUMS, str(parsed.output))
    tables.write_csv(table, parsed.output)


if __name__ == "__main__":
    main()
