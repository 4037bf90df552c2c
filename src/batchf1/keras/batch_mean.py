"""The naive strategy: a metric function, whose values Keras averages over the batches."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from batchf1.errors import raise_input_error
from batchf1.keras import legacy
from batchf1.keras.base import Strategy
from batchf1.keras.log_validator import LogValidator
from batchf1.keras.tensors import given_weights, read
from batchf1.keras.values import as_metric, config_of, format_of
from batchf1.metrics.averaging import Averaging, batch_mean
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import F1


class BatchMean(Strategy):
    """Mean of the metric over the batches. It is not the metric of the epoch: measure, do not use.

    Parameters
    ----------
    threshold, **options
        As for `Strategy`.

    Raises
    ------
    InputError
        As `Strategy`; in training for weights and masks.

    Notes
    -----
    A batch in which the metric is 0/0 counts as 0, as with the usual epsilon; for F1 that is a
    batch without positives and predicted positives. Over classes, a class counts as 0 in such a
    batch. The values are averaged by the rule of the Keras version, see
    `batchf1.metrics.averaging`.

    Examples
    --------
    >>> s = BatchMean()
    >>> s.key, len(s.metrics())
    ('f1_batch_mean', 1)
    """

    name = "batch_mean"
    label = "batch mean (naive)"
    any_metric = True

    def metrics(self) -> list[Any]:
        """Return the metric function, in the class in which Keras wraps any function."""
        return [BatchRatio(name=self.key, **self.options)]

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """Return the callback that validates the log; the metric works without it."""
        return [LogValidator(self)]

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats | None:
        """Average the values of the batches by the framework's rule, in float32 as Keras does."""
        return (
            batch_mean(batches, averaging, dtype=np.float32, metric=self.metric)
            if self.of_counts
            else None
        )


@keras.saving.register_keras_serializable("batchf1")
class BatchRatio(legacy.Metric, keras.metrics.MeanMetricWrapper):  # type: ignore[misc]
    """Keras metric: mean over the batches of a metric, as of any function.

    NaN after an invalid label or score, see `LabelFormat.read`.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        name: str = "f1",
        dtype: Any = None,
        from_logits: bool = False,
        metric: Any = F1,
        multilabel: bool = False,
        **shapes: Any,
    ) -> None:
        super().__init__(self._of_batch, name=name, dtype=dtype)
        options = (multilabel, threshold, from_logits)
        self.metric, self.form = format_of(as_metric(metric), *options, **shapes)

    def _of_batch(self, y_true: Any, y_pred: Any) -> Any:
        sums = self.metric.summary(*read(self.form, y_true, y_pred, self.dtype), ops)
        return self.metric.of_sums(sums, ops)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch; `InputError` for weights or a mask, which a single number cannot respect."""
        weights = given_weights(y_pred, sample_weight)
        if weights:
            self.form.read(y_true, y_pred, weights, ops, self.dtype)  # refuses other shapes first
            rule = "cannot be weighted: put it into metrics=, under a model without masks"
            raise_input_error(self.name, rule, "weights or a mask")
        super().update_state(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for rebuilding the metric when a saved model is loaded."""
        return config_of(self)
