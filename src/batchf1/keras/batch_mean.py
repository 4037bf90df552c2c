"""The naive strategy: a function in `metrics`, whose values Keras averages over the batches."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from batchf1.errors import check
from batchf1.keras import legacy
from batchf1.keras.base import Strategy
from batchf1.keras.label_formats import config_of, label_format_of
from batchf1.keras.log_validator import LogValidator
from batchf1.keras.tensors import weights
from batchf1.keras.values import as_metric, margins, value
from batchf1.metrics.averaging import Averaging, batch_mean
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import F1


class BatchMean(Strategy):
    """The mean of the batches' values. It is not the epoch's: here to be measured, not used.

    A batch in which the metric is 0/0 counts as 0, as the usual epsilon makes it; for F1 that is
    one without positives and predicted positives. Over classes a class counts as 0 in such a batch.

    >>> s = BatchMean()
    >>> s.key, len(s.metrics())
    ('f1_batch_mean', 1)
    """

    name = "batch_mean"
    label = "batch mean (naive)"

    def metrics(self) -> list[Any]:
        """The metric of a batch, in what Keras wraps a function."""
        of = (self.metric, self.multilabel)
        return [BatchRatio(self.threshold, self.key, None, self.from_logits, *of)]

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """What refuses a log that is NaN or another's; the metric works without it."""
        return [LogValidator(self)]

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats:
        """The framework's average of the batches' values, added up in float32 as Keras does."""
        return batch_mean(batches, averaging, dtype=np.float32, metric=self.metric)


@keras.saving.register_keras_serializable("batchf1")
class BatchRatio(legacy.Metric, keras.metrics.MeanMetricWrapper):  # type: ignore[misc]
    """The mean over the batches of a metric's values, as Keras makes it of any function.

    NaN after a label or a score that `Form.read` makes NaN.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        name: str = "f1",
        dtype: Any = None,
        from_logits: bool = False,
        metric: Any = F1,
        multilabel: bool = False,
    ) -> None:
        super().__init__(self._of_batch, name=name, dtype=dtype)
        self.metric = as_metric(metric)
        self.form = label_format_of(self.metric, multilabel, threshold, from_logits)

    def _of_batch(self, y_true: Any, y_pred: Any) -> Any:
        return value(self.metric, margins(*self.form.read(y_true, y_pred)))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch; `InputError` for weights or a mask, which one number cannot carry."""
        weighted = weights(y_pred, sample_weight) is not None
        rule = "cannot be weighted: put it into metrics=, under a model without masks"
        check(not weighted, self.name, rule, "weights or a mask")
        super().update_state(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the metric when a saved model is loaded."""
        return config_of(self)
