"""One measurement, in this process: an epoch with one strategy, or with none."""

from __future__ import annotations

import gc
import resource
import sys
import time
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import sklearn.metrics  # noqa: F401  # so that no epoch imports it
import tensorflow as tf

from batchf1.config import registry
from batchf1.keras.base import Strategy
from batchf1.studies.cost.config import ENGINES, NONE, Measurement
from batchf1.studies.cost.source import Source
from batchf1.training import devices
from batchf1.training.keras3 import model as network

LEARNING_RATE = 0.01
WARM_UP = 2
"""Batches of the fit before the one that is measured; it traces the steps."""


def gpus() -> int:
    """Return the number of GPUs that TensorFlow sees."""
    return len(devices.visible_gpus())


def peak_bytes() -> int:
    """Return the peak memory of this process so far, as the operating system accounts it."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # KiB, but bytes on macOS


def measure(cell: Measurement) -> dict[str, Any]:
    """Measure a cell; call it in a fresh process, since a peak of memory never falls.

    A fit of a few batches traces everything first; then comes an epoch for memory, the first of
    those for time.

    Returns
    -------
    dict
        A row of `rows.COST`.
    """
    devices.configure(cell.device, cell.threads)
    keras.utils.set_random_seed(cell.repetition)
    bench = Bench(cell)
    gc.collect()  # the first adds 4 MB, and would come after any number of rows
    start = peak_bytes()
    first, logs = bench.fit(cell.n_batches)
    memory = {
        "start_bytes": start,
        "peak_bytes": peak_bytes(),
        "device_peak_bytes": _device_peak(cell),
    }
    f1 = logs.get(f"val_f1_{cell.plugin}", [np.nan])[-1]
    return {
        "cell_id": cell.cell_id,
        "study": cell.study,
        "device": cell.device,
        "model": cell.model,
        "engine": cell.engine,
        "batch_size": cell.batch_size,
        "n_samples": cell.n_samples,
        "n_rows": cell.n_rows,
        "strategy": cell.strategy,
        "repetition": cell.repetition,
        "n_epochs": cell.epochs,
        **_seconds(bench, first),
        **memory,
        "f1": float(f1),
    }


def _seconds(bench: Bench, first: Stopwatch) -> dict[str, float]:
    """Return median seconds of an epoch with and without the strategy, measured in turns.

    The first epoch with the strategy has been; the other bench was not to be in its memory.
    """
    alone, n_batches = Bench(replace(bench.cell, strategy=NONE)), bench.cell.n_batches
    watches = {"": [first], "none_": [alone.fit(n_batches)[0]]}
    for _ in range(bench.cell.epochs - 1):
        for prefix, each in (("", bench), ("none_", alone)):
            watches[prefix].append(each.fit(n_batches)[0])
    medians = {}
    for prefix, mine in watches.items():
        medians[f"{prefix}train_seconds"] = float(np.median([w.train for w in mine]))
        medians[f"{prefix}validation_seconds"] = float(np.median([w.validation for w in mine]))
    return medians


def _device_peak(cell: Measurement) -> float:
    if cell.device == "cpu":
        return float("nan")
    return float(tf.config.experimental.get_memory_info("GPU:0")["peak"])


class Bench:
    """Compiled model with the cell's strategy, its steps traced, and data of any size."""

    def __init__(self, cell: Measurement) -> None:
        self.cell, self.source = cell, Source(cell.n_features, cell.prevalence)
        self.strategy = registry.strategy(cell.plugin)() if cell.plugin else Strategy()
        self.model = network.build(cell.hidden, cell.n_features)
        self.model.compile(
            keras.optimizers.Adam(LEARNING_RATE),
            "binary_crossentropy",
            metrics=[*self.strategy.metrics()],
            steps_per_execution=ENGINES[cell.engine],
        )
        self.fit(WARM_UP)

    def fit(self, n_batches: int) -> tuple[Stopwatch, dict[str, list[float]]]:
        """Train and validate an epoch of `n_batches` each; return its times and Keras' logs."""
        watch, size = Stopwatch(), self.cell.batch_size
        history = self.model.fit(
            self.source.batches(n_batches, size, "train"),
            shuffle=False,
            validation_data=self.source.batches(n_batches, size, "validation"),
            callbacks=[*self._callbacks(n_batches), watch],  # last, to end after the strategy
            verbose=0,
        )
        return watch, history.history

    def _callbacks(self, n_batches: int) -> list[Any]:
        if self.cell.plugin is None:
            return []
        make = self.source.arrays if self.cell.in_arrays else self.source.batches
        validation = make(n_batches, self.cell.batch_size, "validation")
        return self.strategy.callbacks(validation=validation)


class Stopwatch(keras.callbacks.Callback):  # type: ignore[misc]
    """Seconds of an epoch: `train`, and `validation` with the callbacks at the epoch's end.

    Keras calls it at a batch, or at the first and the last of a block, by the batch's number.
    """

    # or Keras would wait at the end of each batch for its logs, the longer the more metrics it has
    async_safe = True

    def __init__(self) -> None:
        super().__init__()
        self.train = self.validation = 0.0
        self.began = self.ended = self.turned = 0.0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Start with the first batch."""
        if batch == 0:
            self.began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Record the time; that of the last batch remains."""
        self.ended = time.perf_counter()

    def on_test_begin(self, logs: Any = None) -> None:
        """Record the start of validation."""
        self.turned = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compute both times."""
        self.train = self.ended - self.began
        self.validation = time.perf_counter() - self.turned
