"""The naive strategy: an F1 function in `metrics`, which Keras averages over the batches."""

from __future__ import annotations

from typing import Any

from keras import ops

from batchf1.strategies import Strategy, binary


class BatchMean(Strategy):
    """The mean of the batches' F1. It is not the F1 of the epoch: here to be measured, not used.

    A batch without positives and predicted positives counts as 0, as the usual epsilon makes it.
    """

    def metrics(self) -> list[Any]:
        """The F1 function."""

        def batch_f1(y_true: Any, y_pred: Any) -> Any:
            labels, decided = binary(y_true, y_pred, self.threshold)
            positives = ops.sum(labels) + ops.sum(decided)
            # not divide_no_nan: it would hide the NaN of a bad label
            return 2 * ops.sum(labels * decided) / ops.where(positives == 0, 1.0, positives)

        batch_f1.__name__ = f"f1_{self.name}"  # the name that Keras logs
        return [batch_f1]
