"""Today's best practice: a stateful metric, Keras' own `F1Score`."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from batchf1.keras.base import Strategy, binary, check_kept, weights
from batchf1.keras.guard import Guard
from batchf1.metrics.averaging import Averaging, pooled
from batchf1.metrics.counts import Counts


class Streaming(Strategy):
    """F1 of the predictions that the epoch's batches saw, from counts that the metric keeps.

    Keras' epsilons make it at most 1e-7 too low; 0 for 0/0.
    """

    name = "streaming"
    label = "streaming metric"

    def metrics(self) -> list[Any]:
        """The stateful metric."""
        return [BinaryF1(self.threshold, self.key, from_logits=self.from_logits)]

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """What refuses a log that is NaN or another's; the metric works without it."""
        return [Guard(self)]

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> float:
        """F1 of the batches' counts added up."""
        return float(pooled(batches))


@keras.saving.register_keras_serializable("batchf1")
class BinaryF1(keras.metrics.F1Score):  # type: ignore[misc]
    """`keras.metrics.F1Score` for one binary output.

    Alone that metric needs (n, 1), calls every score positive unless given a threshold, returns a
    vector that EarlyStopping cannot read, and counts in float32, which stops at 2**24.

    NaN after a label that is neither 0 nor 1, a NaN score, or, without `from_logits`, a score
    outside [0, 1]. Raises `InputError` where the backend keeps no float64.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        name: str = "f1",
        dtype: str = "float64",
        from_logits: bool = False,
    ) -> None:
        check_kept(dtype, name)
        super().__init__(average="micro", threshold=threshold, name=name, dtype=dtype)
        self.from_logits = from_logits

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: labels, scores and weights of shape (n,) or (n, 1); masked ones not."""
        labels, decided = binary(y_true, y_pred, self.threshold, self.from_logits)
        # decided here, in the scores' dtype: widened to float64, a float32 score at the threshold
        # could come to lie above it
        counted = weights(y_pred, sample_weight)  # as (n, 1) Keras would broadcast them to (n, n)
        super().update_state(labels[:, None], ops.expand_dims(decided, 1), counted)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the metric when a saved model is loaded."""
        return {
            "threshold": self.threshold,
            "name": self.name,
            "dtype": self.dtype,
            "from_logits": self.from_logits,
        }
