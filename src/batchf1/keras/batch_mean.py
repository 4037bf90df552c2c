"""The naive strategy: an F1 function in `metrics`, which Keras averages over the batches."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from batchf1.errors import require
from batchf1.keras.base import Strategy, binary, weights
from batchf1.keras.guard import Guard
from batchf1.metrics.averaging import Averaging, batch_mean
from batchf1.metrics.counts import Counts


class BatchMean(Strategy):
    """The mean of the batches' F1. It is not the F1 of the epoch: here to be measured, not used.

    A batch without positives and predicted positives counts as 0, as the usual epsilon makes it.
    """

    name = "batch_mean"
    label = "batch mean (naive)"

    def metrics(self) -> list[Any]:
        """The F1 function, in what Keras wraps a function."""
        return [BatchF1(self.threshold, self.key, from_logits=self.from_logits)]

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """What refuses a log that is NaN or another's; the metric works without it."""
        return [Guard(self)]

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> float:
        """The framework's average of the batches' F1, added up in float32 as Keras does."""
        return float(batch_mean(batches, averaging, dtype=np.float32))


@keras.saving.register_keras_serializable("batchf1")
class BatchF1(keras.metrics.MeanMetricWrapper):  # type: ignore[misc]
    """The mean over the batches of a function's values, as Keras makes it of any function.

    NaN after a label that is neither 0 nor 1, a NaN score, or, without `from_logits`, a score
    outside [0, 1].
    """

    def __init__(
        self,
        threshold: float = 0.5,
        name: str = "f1",
        dtype: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(self._of_batch, name=name, dtype=dtype)
        self.threshold, self.from_logits = threshold, from_logits

    def _of_batch(self, y_true: Any, y_pred: Any) -> Any:
        labels, decided = binary(y_true, y_pred, self.threshold, self.from_logits)
        positives = ops.sum(labels) + ops.sum(decided)
        # not divide_no_nan: it would hide the NaN of a bad label
        return 2 * ops.sum(labels * decided) / ops.where(positives == 0, 1.0, positives)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch; `InputError` for weights or a mask, which one number cannot carry."""
        weighted = weights(y_pred, sample_weight) is not None
        rule = "has no weighted form: put it into metrics=, under a model without masks"
        require(not weighted, self.name, rule, "weights or a mask")
        super().update_state(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the metric when a saved model is loaded."""
        return {
            "threshold": self.threshold,
            "name": self.name,
            "dtype": self.dtype,
            "from_logits": self.from_logits,
        }
