"""Example of ten labels and scores in two batchings; needs NumPy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LABELS = np.array([1, 0, 1, 0, 1, 0, 0, 0, 1, 1], np.float32)
SCORES = np.array([1, 1, 0, 0, 1, 0, 0, 0, 1, 1], np.float32)
BATCH_SIZE = 4
BATCHES = {"4/4/2": 10, "4/4": 8}
"""Batch sizes -> number of samples. The second is the first without its short batch."""

_WEIGHTS = np.array([1, 2, 4, 4, 1, 1, 1, 1, 2, 1], np.float32)
WEIGHTS: dict[str, tuple[str, NDArray[np.float32] | None]] = {
    "none": ("metrics", None),
    "metrics": ("metrics", _WEIGHTS),
    "weighted_metrics": ("weighted_metrics", _WEIGHTS),
    "weighted_metrics_zero": (
        "weighted_metrics",
        _WEIGHTS * (np.arange(10, dtype=np.float32) != 3),
    ),
}
"""Case -> the argument of `compile` that takes the metric, and `sample_weight`."""


def batches(n: int, size: int = BATCH_SIZE) -> list[list[int]]:
    """Return the samples of each batch of the example's first `n`."""
    return [list(range(start, min(start + size, n))) for start in range(0, n, size)]


def f1(y_true: Any, y_pred: Any) -> float:
    """Return F1 of labels and scores (n,), as users write it for a batch; NaN for 0/0."""
    true, called = np.asarray(y_true) > 0.5, np.asarray(y_pred) > 0.5
    return float(2 * (true & called).sum() / (true.sum() + called.sum()))
