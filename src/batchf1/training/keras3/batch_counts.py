"""Confusion counts of each batch of an epoch, recorded inside Keras' training loop."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from batchf1.errors import TraceError
from batchf1.keras.tensors import binary
from batchf1.metrics.counts import Counts, as_counts


def cells(y_true: Any, y_pred: Any, threshold: float) -> list[Any]:
    """Return (tp, fp, fn, tn) of a batch as float32 tensors; labels and scores are (n, 1)."""
    _, decided = binary(y_true, y_pred, threshold)
    labels = ops.cast(ops.reshape(y_true, (-1,)), "float32")
    parts = (labels * decided, (1 - labels) * decided, labels * (1 - decided))
    return [ops.sum(part) for part in (*parts, (1 - labels) * (1 - decided))]


class BatchTrace(keras.metrics.Metric):  # type: ignore[misc]
    """Metric that records (tp, fp, fn, tn) of each batch and logs the number of batches."""

    def __init__(self, capacity: int, threshold: float) -> None:
        super().__init__(name="n_batches", dtype="float32")
        self.threshold = threshold
        # int64: TensorFlow keeps int32 variables off the GPU
        self.rows = self.add_variable((capacity, 4), "zeros", dtype="int64", name="rows")
        self.filled = self.add_variable((), "zeros", dtype="int64", name="filled")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Record a batch."""
        row = ops.cast(ops.stack(cells(y_true, y_pred, self.threshold)), "int64")
        if keras.backend.backend() == "tensorflow":
            # in place: a functional update would copy all rows at every batch
            self.rows.value.scatter_nd_update([[self.filled.value]], [row])
        else:
            place = ops.reshape(self.filled.value, (1, 1))
            self.rows.assign(ops.scatter_update(self.rows.value, place, row[None]))
        self.filled.assign_add(1)

    def result(self) -> Any:
        """Return the number of batches recorded."""
        return ops.cast(self.filled.value, "float32")

    def counts(self) -> Counts:
        """Return the counts of the batches recorded since the last reset, shape (n_batches,).

        Raises `TraceError` where there were more than it has room for: XLA drops those.
        """
        filled, capacity = int(self.filled.value), self.rows.shape[0]
        if filled > capacity:
            raise TraceError(f"{self.name}: room for {capacity} batches, and Keras saw {filled}")
        return as_counts(*ops.convert_to_numpy(self.rows.value)[:filled].T)


class TraceReader(keras.callbacks.Callback):  # type: ignore[misc]
    """Callback that reads the counts of both splits of the current epoch.

    Keras resets metrics between training and validation; `on_test_begin` comes just before.
    """

    def __init__(self, trace: BatchTrace) -> None:
        super().__init__()
        self.trace = trace
        self.counts: dict[str, Counts] = {}

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Read the training batches."""
        self.counts["train"] = self.trace.counts()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Read the validation batches."""
        self.counts["validation"] = self.trace.counts()
