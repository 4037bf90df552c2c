"""The strategy of a stateful metric, which adds up counts over the epoch: best practice today."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from batchf1.errors import check
from batchf1.keras import legacy
from batchf1.keras.base import Strategy
from batchf1.keras.log_validator import LogValidator
from batchf1.keras.tensors import check_dtype, n_replicas, read
from batchf1.keras.values import as_metric, config_of, format_of
from batchf1.metrics.averaging import Averaging, pooled
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import F1
from batchf1.metrics.sums import PerImage, SumMetric


class Streaming(Strategy):
    """F1, or another metric, of the predictions during the epoch, from a metric's counts.

    Parameters
    ----------
    threshold, **options
        As for `Strategy`.

    Raises
    ------
    InputError
        As `Strategy`; in `metrics()` where the backend has no float64: on JAX without
        `JAX_ENABLE_X64=1`.

    Notes
    -----
    Exact up to 2**53 samples, since the sums are float64; 0 for 0/0 of counts, over classes in
    each. Moments are merged as by Chan, Golub and LeVeque, on one device; several are refused.

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
        return [StreamingRatio(name=self.key, **self.options)]

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """Return the callback that validates the log; the metric works without it."""
        return [LogValidator(self)]

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats | None:
        """Compute the metric of the batches' counts added up."""
        return pooled(batches, metric=self.metric) if self.of_counts else None


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
        **shapes: Any,
    ) -> None:
        check_dtype(dtype, name)
        super().__init__(name=name, dtype=dtype)
        options = (multilabel, threshold, from_logits)
        self.metric, self.form = format_of(as_metric(metric), *options, **shapes)
        one = self.is_additive or n_replicas() == 1
        rule = f"cannot be merged over {n_replicas()} devices: take Reconstructed"
        check(one, self.name, rule, self.metric.name)
        n_sums = len(self.metric.summary(*[np.zeros((1, 1, 1))] * 2))
        shape = (n_sums, 1 if isinstance(self.metric, PerImage) else self.form.columns)
        self.counted = self.add_variable(shape, "zeros", dtype=self.dtype, name="counted")

    @property
    def is_additive(self) -> bool:
        """Whether sums of batches are added, as Keras adds those of several devices."""
        return type(self.metric).merge is SumMetric.merge

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch, with weights, and without masked samples."""
        batch = read(self.form, y_true, y_pred, self.dtype, sample_weight)
        sums = self.metric.summary(*batch, ops)
        if self.is_additive:
            self.counted.assign_add(sums)
        else:
            so_far = ops.convert_to_tensor(self.counted)
            self.counted.assign(self.metric.merge(so_far, sums, ops))

    def result(self) -> Any:
        """Compute the metric of all samples since the last reset, in float64."""
        return self.metric.of_sums(ops.convert_to_tensor(self.counted), ops)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for rebuilding the metric when a saved model is loaded."""
        return config_of(self)
