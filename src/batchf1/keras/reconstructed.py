"""The strategy of logging counts and computing the metric from the logs (claim C5)."""

from __future__ import annotations

import math
from typing import Any, get_args

import keras
import numpy as np
from keras import ops

from batchf1.errors import check
from batchf1.keras import legacy
from batchf1.keras.base import Strategy
from batchf1.keras.label_formats import LabelFormat
from batchf1.keras.log_validator import Logs, LogValidator, prefixes, read, write
from batchf1.keras.tensors import check_dtype, weights
from batchf1.keras.values import average_of, quotient, ratio_of
from batchf1.metrics.averaging import Averaging, Logged, reconstructed
from batchf1.metrics.counts import Counts, Floats

LOGGED = ("true_positives", "possible_positives", "predicted_positives")
"""The article's names of TP, TP + FN and TP + FP."""


class Reconstructed(Strategy):
    """F1, or another metric, of the predictions during the epoch, from three logged counts.

    Parameters
    ----------
    threshold
        As for `Strategy`.
    logged
        The value of a count metric for a batch. `"per_sample"` is exact; `"sum"` (the article's)
        and `"mean"` exist to be measured: with a short last batch means are wrong in Keras >= 2.3,
        sums in Keras 2.2.4.
    **options
        `metric`, `multilabel`, `from_logits` and `name` of `Strategy`.

    Raises
    ------
    InputError
        For another `logged`, for a metric that counts true negatives with `logged="sum"` (it needs
        the number of samples, which sums do not contain), and as `Strategy`; in `metrics()` where
        the backend has no float64: on JAX without `JAX_ENABLE_X64=1`.

    Notes
    -----
    F1 = 2 TP / (possible positives + predicted positives), as in the article; 0 for 0/0. By default
    each count metric returns a value per sample, which every version of Keras averages over the
    samples, so that a short last batch does no harm. The sums are float64: float32, Keras' default,
    stops counting at 2**24.

    The counts are logged as `<count>_<name>`, since Keras uses the article's names, too: its
    `TruePositives` logs `true_positives`. Over classes each class has three, as
    `f1_macro_<name>_true_positives_0`, each a metric that Keras compiles: for many classes use
    `Streaming`. A micro average needs their sums over the classes only, and logs
    `f1_micro_<name>_true_positives`.

    Examples
    --------
    >>> s = Reconstructed()
    >>> [metric.name for metric in s.metrics()][:2]
    ['true_positives_reconstructed', 'possible_positives_reconstructed']
    >>> logs = dict.fromkeys((metric.name for metric in s.metrics()), 0.25)
    >>> s.rebuild(logs)
    1.0
    """

    name = "reconstructed"
    label = "reconstructed from counts"
    any_metric = True

    def __init__(
        self, threshold: float = 0.5, logged: Logged = "per_sample", **options: Any
    ) -> None:
        super().__init__(threshold, **options)
        check(logged in get_args(Logged), "logged", f"must be one of {get_args(Logged)}", logged)
        ratio = ratio_of(self.metric)
        counts_all = any(weights[3] for weights in (ratio.top, ratio.bottom))
        good = logged != "sum" or not counts_all
        check(
            good,
            "metric",
            "must not count true negatives, unless logged is per_sample or mean",
            logged,
        )
        self.logged = logged

    def metrics(self) -> list[Any]:
        """Return the three count metrics of each class."""
        return [self._share(count, k) for k in self.classes for count in LOGGED]

    def _share(self, count: str, of_class: int | None) -> CountShare:
        options = self.form._asdict() | {"logged": self.logged, "of_class": of_class}
        return CountShare(count, name=self.logs(count, of_class), **options)

    @property
    def classes(self) -> list[int | None]:
        """Classes whose counts are logged; [None] for their sums."""
        if average_of(self.metric) == "micro":
            return [None]
        return [*range(self.form.n_classes or 1)]

    def logs(self, count: str, of_class: int | None = None) -> str:
        """Return the log key of a count of `LOGGED`, with the class if there is more than one."""
        if self.form.n_classes is None:
            return f"{count}_{self.name}"
        return f"{self.key}_{count}" + ("" if of_class is None else f"_{of_class}")

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """Return the callback that computes the metric at the end of an epoch."""
        return [Rebuild(self)]

    def rebuild(self, logs: Logs, prefix: str = "") -> float:
        """Compute the metric from logged counts.

        Parameters
        ----------
        logs
            Logs of an epoch, or the result of `evaluate` or `train_on_batch` with
            `return_dict=True`.
        prefix
            Prefix of the names in the logs: `val_`, or an output's name with `_`.

        Returns
        -------
        float
            The metric; 0 for 0/0, NaN if a count is NaN.

        Raises
        ------
        InputError
            If a count is missing, or if two strategies of one name logged it.
        """
        names = [[self.logs(count, k) for k in self.classes] for count in LOGGED]
        tp, possible, predicted = (np.array([read(logs, x, prefix) for x in row]) for row in names)
        if np.isnan(tp + possible + predicted).any():
            return math.nan  # a metric over classes would leave such a class out
        if None not in self.classes:
            return float(self.metric.from_margins(tp, possible, predicted, 1.0))
        n = float(self.form.n_classes or 1)  # decisions a sample
        return float(ratio_of(self.metric).from_margins(tp[0], possible[0], predicted[0], n))

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats:
        """Compute the metric of the averaged counts, or of the pooled ones if logged per sample."""
        return reconstructed(batches, averaging, self.logged, metric=self.metric)


@keras.saving.register_keras_serializable("batchf1")
class CountShare(legacy.Metric, keras.metrics.MeanMetricWrapper):  # type: ignore[misc]
    """Keras metric: share of samples in a count of `LOGGED`, in [0, 1]; for sums, count per batch.

    Of the class `of_class`; None adds up the classes. NaN after an invalid label or score, see
    `LabelFormat.read`. Raises `InputError` where the backend has no float64.
    """

    def __init__(
        self,
        count: str,
        threshold: float = 0.5,
        logged: Logged = "per_sample",
        name: str | None = None,
        dtype: str = "float64",
        from_logits: bool = False,
        n_classes: int | None = None,
        multilabel: bool = False,
        of_class: int | None = None,
    ) -> None:
        check_dtype(dtype, name or count)
        super().__init__(self._of_batch, name=name or count, dtype=dtype)
        self.count_name, self.logged, self.of_class = count, logged, of_class
        self.form = LabelFormat(n_classes, multilabel, threshold, from_logits)

    def _of_batch(self, y_true: Any, y_pred: Any) -> Any:
        each = self._each_sample(y_true, y_pred)
        return {"per_sample": lambda x: x, "sum": ops.sum, "mean": ops.mean}[self.logged](each)

    def _each_sample(self, y_true: Any, y_pred: Any) -> Any:
        labels, decided = self.form.read(y_true, y_pred)
        bad = labels - labels  # 0, or NaN, which predicted positives alone would not show
        parts = {
            "true_positives": labels * decided,
            "possible_positives": labels,
            "predicted_positives": decided + bad,
        }
        part = parts[self.count_name]
        return ops.sum(part, axis=1) if self.of_class is None else part[:, self.of_class]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch; `InputError` for weights or a mask where sums or means are logged."""
        counted = weights(y_pred, sample_weight)
        good = counted is None or self.logged == "per_sample"
        check(
            good,
            self.name,
            "cannot take weights and masks without logged='per_sample'",
            self.logged,
        )
        super().update_state(y_true, y_pred, counted)

    def result(self) -> Any:
        """Compute the mean, in float64; 0 for no samples."""
        # not Mean's own: on PyTorch its division rounds to float32
        return quotient(ops.convert_to_tensor(self.total), ops.convert_to_tensor(self.count))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for rebuilding the metric when a saved model is loaded."""
        return {
            "count": self.count_name,
            "logged": self.logged,
            "name": self.name,
            "dtype": self.dtype,
            "of_class": self.of_class,
            **self.form._asdict(),
        }


class Rebuild(LogValidator):
    """Callback that adds the metric to the logs of both splits, and of each output with counts."""

    strategy: Reconstructed

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Read the counts of the epoch from the logs, and write the metric to them."""
        logs = {} if logs is None else logs
        first = self.strategy.logs(LOGGED[0], self.strategy.classes[0])
        for prefix in prefixes(logs, first) or [""]:
            write(logs, prefix + self.strategy.key, self.strategy.rebuild(logs, prefix))
        super().on_epoch_end(epoch, logs)
