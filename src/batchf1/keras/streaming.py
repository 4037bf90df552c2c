"""Today's best practice: a stateful metric that keeps counts and forgets nothing in an epoch."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from batchf1.keras.base import Strategy
from batchf1.keras.guard import Guard
from batchf1.keras.tensors import (
    as_ratio,
    binary,
    check_kept,
    config_of,
    quotient,
    top_and_bottom,
    weights,
)
from batchf1.metrics.averaging import Averaging, pooled
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import F1


class Streaming(Strategy):
    """F1 of the predictions that the epoch's batches saw, from counts that the metric keeps.

    Exact up to 2**52 samples, rounded in the last digits where the metric's weights are no whole
    numbers; 0 for 0/0.

    >>> (metric,) = Streaming().metrics()
    >>> metric.update_state([1, 0, 1], [0.9, 0.8, 0.7])
    >>> float(metric.result())
    0.8
    """

    name = "streaming"
    label = "streaming metric"

    def metrics(self) -> list[Any]:
        """The stateful metric."""
        return [StreamingRatio(self.threshold, self.key, "float64", self.from_logits, self.metric)]

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """What refuses a log that is NaN or another's; the metric works without it."""
        return [Guard(self)]

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats:
        """The metric of the batches' counts added up."""
        return pooled(batches, metric=self.metric)


@keras.saving.register_keras_serializable("batchf1")
class StreamingRatio(keras.metrics.Metric):  # type: ignore[misc]
    """A ratio of counts that add up over the batches, for one binary output.

    Keras' own `F1Score` needs (n, 1), calls every score positive unless given a threshold, returns
    a vector that EarlyStopping cannot read, counts in float32, which stops at 2**24, and is up to
    1e-7 too low.

    NaN after a label that is neither 0 nor 1, a NaN score, or, without `from_logits`, a score
    outside [0, 1]. Raises `InputError` where the backend keeps no float64.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        name: str = "f1",
        dtype: Any = "float64",
        from_logits: bool = False,
        metric: Any = F1,
    ) -> None:
        check_kept(dtype, name)
        super().__init__(name=name, dtype=dtype)
        self.threshold, self.from_logits = threshold, from_logits
        self.metric = as_ratio(metric)
        self.top = self.add_variable((), "zeros", dtype=self.dtype, name="top")
        self.bottom = self.add_variable((), "zeros", dtype=self.dtype, name="bottom")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: labels, scores and weights of shape (n,) or (n, 1); masked ones not."""
        # decided in the scores' dtype: widened to float64, a float32 score at the threshold could
        # come to lie above it
        labels, decided = binary(y_true, y_pred, self.threshold, self.from_logits)
        labels, decided = (ops.cast(part, self.dtype) for part in (labels, decided))
        top, bottom = top_and_bottom(self.metric, labels, decided, weights(y_pred, sample_weight))
        self.top.assign_add(ops.cast(top, self.dtype))
        self.bottom.assign_add(ops.cast(bottom, self.dtype))

    def result(self) -> Any:
        """The ratio of all samples since the last reset, in float64; 0 for 0/0."""
        return quotient(ops.convert_to_tensor(self.top), ops.convert_to_tensor(self.bottom))

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the metric when a saved model is loaded."""
        return config_of(self)
