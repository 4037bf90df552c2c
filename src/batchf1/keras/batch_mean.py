"""The naive strategy: a metric function, whose values Keras averages over the batches."""

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
    """Mean of the metric over the batches. It is not the metric of the epoch: measure, do not use.

    Parameters
    ----------
    threshold, metric, multilabel, from_logits, name
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
        of = (self.metric, self.multilabel)
        return [BatchRatio(self.threshold, self.key, None, self.from_logits, *of)]

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """Return the callback that validates the log; the metric works without it."""
        return [LogValidator(self)]

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats:
        """Average the values of the batches by the framework's rule, in float32 as Keras does."""
        return batch_mean(batches, averaging, dtype=np.float32, metric=self.metric)


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
    ) -> None:
        super().__init__(self._of_batch, name=name, dtype=dtype)
        self.metric = as_metric(metric)
        self.form = label_format_of(self.metric, multilabel, threshold, from_logits)

    def _of_batch(self, y_true: Any, y_pred: Any) -> Any:
        return value(self.metric, margins(*self.form.read(y_true, y_pred)))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch; `InputError` for weights or a mask, which a single number cannot respect."""
        weighted = weights(y_pred, sample_weight) is not None
        rule = "cannot be weighted: put it into metrics=, under a model without masks"
        check(not weighted, self.name, rule, "weights or a mask")
        super().update_state(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for rebuilding the metric when a saved model is loaded."""
        return config_of(self)
