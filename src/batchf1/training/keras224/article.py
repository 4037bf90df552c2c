"""The article's metrics and its two callbacks, reimplemented for Keras 2.2.4.

Import it after `keras224.activate()`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import backend as K  # noqa: N812
from sklearn.metrics import f1_score

from batchf1.datasets.base import Split
from batchf1.metrics.averaging import Logged, batch_mean, pooled, reconstructed
from batchf1.training.base import Expected

NAMES = ("true_positives", "possible_positives", "predicted_positives")
LOGGED: dict[str, Callable[[Any], Any]] = {
    "sum": K.sum,  # as the article has it
    "mean": K.mean,
    "per_sample": lambda x: x,
}
"""Value of `input_pipeline.counts` -> what a count metric returns for a batch."""

Metric = Callable[[Any, Any], Any]


def f1_batch_mean(y_true: Any, y_pred: Any) -> Any:
    """Compute the naive metric: F1 of a batch from precision and recall, each with an epsilon."""
    tp, possible, predicted = (K.sum(part) for part in _parts(y_true, y_pred))
    precision, recall = tp / (predicted + K.epsilon()), tp / (possible + K.epsilon())
    return 2 * precision * recall / (precision + recall + K.epsilon())


def count_metrics(logged: Logged) -> list[Metric]:
    """Return C5's three count metrics, with values per `logged`; the article returns sums."""

    def metric(index: int, name: str) -> Metric:
        def count(y_true: Any, y_pred: Any) -> Any:
            return LOGGED[logged](_parts(y_true, y_pred)[index])

        count.__name__ = name  # the name that Keras logs
        return count

    return [metric(index, name) for index, name in enumerate(NAMES)]


def expected(logged: Logged) -> dict[str, Expected]:
    """Return each strategy's rule: what it must log, given the counts of batches and full pass."""
    return {
        "batch_mean": lambda batches, _, rule: batch_mean(batches, rule, dtype=np.float32),
        "epoch_end": lambda _, full_pass, __: pooled(full_pass),
        "reconstructed": lambda batches, _, rule: reconstructed(batches, rule, logged),
    }


def cells(threshold: float) -> list[Metric]:
    """Return metrics that give TP, FP, FN and TN of a batch as sums."""

    def metric(name: str, positive: bool, predicted: bool) -> Metric:
        def cell(y_true: Any, y_pred: Any) -> Any:
            decided = K.cast(K.greater(y_pred, threshold), "float32")
            label = y_true if positive else 1 - y_true
            return K.sum(label * (decided if predicted else 1 - decided))

        cell.__name__ = name
        return cell

    kinds = {"tp": (True, True), "fp": (False, True), "fn": (True, False), "tn": (False, False)}
    return [metric(f"cell_{name}", *kind) for name, kind in kinds.items()]


def _parts(y_true: Any, y_pred: Any) -> list[Any]:
    """Return true, possible and predicted positives of a batch, per sample."""
    return [K.round(K.clip(part, 0, 1)) for part in (y_true * y_pred, y_true, y_pred)]


class F1Callback(keras.callbacks.Callback):  # type: ignore[misc]
    """C5, "From log": rebuilds F1 from the logged counts of both splits."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add F1 to the logs."""
        logs = {} if logs is None else logs
        for prefix in ("", "val_"):
            tp, possible, predicted = (float(logs[prefix + name]) for name in NAMES)
            precision = tp / predicted if predicted else 0.0
            recall = tp / possible if possible else 0.0
            total = precision + recall
            logs[f"{prefix}f1_reconstructed"] = 2 * precision * recall / total if total else 0.0


class VerifyCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """C4, "Verify": predicts both splits whole and asks scikit-learn."""

    def __init__(self, train: Split, validation: Split) -> None:
        super().__init__()
        self.splits = {"": train, "val_": validation}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add F1 of both splits to the logs."""
        logs = {} if logs is None else logs
        for prefix, split in self.splits.items():
            decided = self.model.predict(split.x, batch_size=len(split.x)).round()
            logs[f"{prefix}f1_epoch_end"] = float(
                f1_score(split.y.ravel(), decided.ravel(), zero_division=0.0)
            )
