"""The strategy of a stateful metric, which adds up counts over the epoch: best practice today."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from batchf1.keras import legacy
from batchf1.keras.base import Strategy
from batchf1.keras.label_formats import config_of, label_format_of
from batchf1.keras.log_validator import LogValidator
from batchf1.keras.tensors import check_dtype, weights
from batchf1.keras.values import as_metric, margins, value
from batchf1.metrics.averaging import Averaging, pooled
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import F1


class Streaming(Strategy):
    """F1, or another metric, of the predictions during the epoch, from a metric's counts.

    Parameters
    ----------
    threshold, metric, multilabel, from_logits, name
        As for `Strategy`.

    Raises
    ------
    InputError
        As `Strategy`; in `metrics()` where the backend has no float64: on JAX without
        `JAX_ENABLE_X64=1`.

    Notes
    -----
    Exact up to 2**53 samples, since the counts are float64; 0 for 0/0, over classes in each.

    Examples
    --------
    >>> (metric,) = Streaming().metrics()
    >>> metric.update_state([1, 0, 1], [0.9, 0.8, 0.7])
    >>> float(metric.result())
    0.8
    """

    name = "streaming"
    label = "streaming metric"
    any_metric = True

    def metrics(self) -> list[Any]:
        """Return the stateful metric."""
        of = (self.metric, self.multilabel)
        return [StreamingRatio(self.threshold, self.key, "float64", self.from_logits, *of)]

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """Return the callback that validates the log; the metric works without it."""
        return [LogValidator(self)]

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats:
        """Compute the metric of the batches' counts added up."""
        return pooled(batches, metric=self.metric)


@keras.saving.register_keras_serializable("batchf1")
class StreamingRatio(legacy.Metric):
    """Keras metric of counts of each class, added up over the batches; binary is one class.

    Keras' own `F1Score` needs (n, 1) or one-hot labels, calls every score positive unless given a
    threshold, returns a vector that EarlyStopping cannot read, counts in float32, which stops at
    2**24, and is up to 1e-7 too low.

    NaN after an invalid label or score, see `LabelFormat.read`. Raises `InputError` where the
    backend has no float64.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        name: str = "f1",
        dtype: Any = "float64",
        from_logits: bool = False,
        metric: Any = F1,
        multilabel: bool = False,
    ) -> None:
        check_dtype(dtype, name)
        super().__init__(name=name, dtype=dtype)
        self.metric = as_metric(metric)
        self.form = label_format_of(self.metric, multilabel, threshold, from_logits)
        shape = (4, self.form.n_classes or 1)  # of `margins`
        self.counted = self.add_variable(shape, "zeros", dtype=self.dtype, name="counted")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch, with weights (n,) or (n, 1), and without masked samples."""
        # decided in the scores' dtype: widened to float64, a float32 score at the threshold could
        # come to lie above it
        labels, decided = self.form.read(y_true, y_pred)
        labels, decided = (ops.cast(part, self.dtype) for part in (labels, decided))
        self.counted.assign_add(margins(labels, decided, weights(y_pred, sample_weight)))

    def result(self) -> Any:
        """Compute the metric of all samples since the last reset, in float64; 0 for 0/0."""
        return value(self.metric, ops.convert_to_tensor(self.counted))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for rebuilding the metric when a saved model is loaded."""
        return config_of(self)
