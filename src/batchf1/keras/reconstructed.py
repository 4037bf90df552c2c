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
from batchf1.keras.log_validator import Logs, LogValidator, prefixes, write
from batchf1.keras.log_validator import read as read_log
from batchf1.keras.tensors import check_dtype, read
from batchf1.keras.values import SHAPES, as_list, as_metric
from batchf1.metrics.averaging import Averaging, Logged, reconstructed
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.elements import LabelFormat
from batchf1.metrics.ratios import ClassAveraged, Ratio
from batchf1.metrics.sums import COUNTS, PerImage, SumMetric

PLAIN = ("n_classes", "multilabel", "threshold", "from_logits")
"""Options of the label format that are arguments of `CountShare`."""


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
        `metric` and the other options of `Strategy`.

    Raises
    ------
    InputError
        For another `logged`; with `"sum"` or `"mean"` for a metric that is no ratio of counts, and
        with `"sum"` for one that counts true negatives (it needs the number of samples, which sums
        do not contain); and as `Strategy`; in `metrics()` where
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

    Of a metric of numbers, such as R2, it logs the means of the products that determine it, as
    `r2_<name>_yy`: of labels y, predictions p and errors e. Since squares of means are subtracted
    from them, of a mean m and a standard deviation s they keep a relative error of up to (b + 32)
    2**-53 (1 + m**2 / s**2) over b batches: 1e-9 to a mean of 300 times the spread. MSE and RMSE
    lose nothing; `Streaming` loses nothing at all.

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
        if logged != "per_sample":
            _check_ratio(self.metric, logged)
        # its weights are the classes' shares of all labels, of which each class has other ones
        shares_differ = self.form.multilabel and self.form.ignore_class is not None
        good = not (shares_differ and getattr(self.metric, "average", "") == "weighted")
        rule = "cannot be combined with multilabel and a weighted average: take Streaming"
        check(good, "ignore_class", rule, self.form.ignore_class)
        self.logged = logged

    def metrics(self) -> list[Any]:
        """Return the metrics of what samples add, of each class."""
        return [self._share(term, k) for k in self.classes for term in self.metric.terms]

    def _share(self, term: str, of_class: int | None) -> CountShare:
        options = {key: getattr(self.form, key) for key in PLAIN}
        shapes = {key: one for key, one in self.form.options().items() if key in SHAPES}
        kind = type(self.metric)
        known = kind.adds is SumMetric.adds and kind.rows is SumMetric.rows
        options |= {} if known else {"metric": self.options["metric"]}
        options |= {"shapes": shapes} if shapes else {}
        name = self.logs(term, of_class)
        return CountShare(term, name=name, logged=self.logged, of_class=of_class, **options)

    @property
    def classes(self) -> list[int | None]:
        """Columns whose sums are logged; [None] for their sums."""
        if getattr(self.metric, "average", "") == "micro":
            return [None]
        return [*range(self.form.columns if self.metric.over_classes else 1)]

    def logs(self, count: str, of_class: int | None = None) -> str:
        """Return the log key of what samples add, with the class if there is more than one."""
        if self.form.n_classes is None and count in COUNTS:
            return f"{count}_{self.name}"
        if of_class is None or self.form.n_classes is None or not self.metric.over_classes:
            return f"{self.key}_{count}"
        return f"{self.key}_{count}_{of_class + (not self.form.include_background)}"

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
        names = [[self.logs(term, k) for k in self.classes] for term in self.metric.terms]
        means = np.array([[read_log(logs, name, prefix) for name in row] for row in names])
        if np.isnan(means).any():
            return math.nan  # a metric over classes would leave such a class out
        decisions = self.form.columns if None in self.classes else 1  # of a sample
        means = np.vstack([means, np.full((1, means.shape[1]), decisions)])
        return float(self.metric.of_sums(self.metric.from_means(means)))

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats | None:
        """Compute the metric of the averaged counts, or of the pooled ones if logged per sample."""
        return (
            reconstructed(batches, averaging, self.logged, metric=self.metric)
            if self.of_counts
            else None
        )


def _check_ratio(metric: SumMetric, logged: str) -> None:
    """Raise `InputError` for a metric that sums or means of counts for a batch do not determine."""
    rule = "must be a ratio of counts, unless logged is per_sample"
    check(isinstance(metric, Ratio | ClassAveraged), "metric", rule, logged)
    ratio = metric.ratio if isinstance(metric, ClassAveraged) else metric
    counts_all = any(weights[3] for weights in (ratio.top, ratio.bottom))  # type: ignore[attr-defined]
    rule = "must not count true negatives, unless logged is per_sample or mean"
    check(logged != "sum" or not counts_all, "metric", rule, logged)


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
        metric: Any = None,
        shapes: dict[str, Any] | None = None,
    ) -> None:
        check_dtype(dtype, name or count)
        super().__init__(self._of_batch, name=name or count, dtype=dtype)
        self.count_name, self.logged, self.of_class = count, logged, of_class
        self.given: dict[str, Any] = {}
        self.given |= {} if metric is None else {"metric": as_list(as_metric(metric))}
        self.given |= {"shapes": shapes} if shapes else {}
        inner = SumMetric() if metric is None else as_metric(metric)
        numbers = inner.kind == "numbers"
        plain = (n_classes, multilabel, threshold, from_logits, numbers)
        self.form = LabelFormat(*plain, **(shapes or {}))
        self.metric = PerImage(inner) if self.form.per == "image" else inner

    def _of_batch(self, y_true: Any, y_pred: Any) -> Any:
        return self._logged(self._samples(y_true, y_pred)[0])

    def _logged(self, each: Any) -> Any:
        return {"per_sample": lambda x: x, "sum": ops.sum, "mean": ops.mean}[self.logged](each)

    def _samples(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, Any]:
        """Return what each sample adds, and weights or None, (n,) each."""
        batch = read(self.form, y_true, y_pred, self.dtype, sample_weight)
        rows, weight = self.metric.rows(*batch, ops)
        row, k = rows[self.metric.terms.index(self.count_name)], self.of_class
        if weight is None:
            return (ops.sum(row, axis=1) if k is None else row[:, k]), None
        row = ops.where(weight == 0, ops.zeros_like(row), row)
        if weight.shape[1] == 1:
            return (ops.sum(row, axis=1) if k is None else row[:, k]), weight[:, 0]
        if k is None:  # each class has weights of its own
            return ops.reshape(row * row.shape[1], (-1,)), ops.reshape(weight, (-1,))
        return row[:, k], weight[:, k]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch; `InputError` for weights or a mask where sums or means are logged."""
        each, weight = self._samples(y_true, y_pred, sample_weight)
        rule = "cannot take weights and masks without logged='per_sample'"
        check(weight is None or self.logged == "per_sample", self.name, rule, self.logged)
        keras.metrics.Mean.update_state(self, self._logged(each), weight)

    def result(self) -> Any:
        """Compute the mean, in float64; 0 for no samples."""
        # not Mean's own: on PyTorch its division rounds to float32
        total, count = (ops.convert_to_tensor(part) for part in (self.total, self.count))
        return total / ops.where(count == 0, ops.ones_like(count), count)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for rebuilding the metric when a saved model is loaded."""
        return {
            "count": self.count_name,
            "logged": self.logged,
            "name": self.name,
            "dtype": self.dtype,
            "of_class": self.of_class,
            **{key: getattr(self.form, key) for key in PLAIN},
            **self.given,
        }


class Rebuild(LogValidator):
    """Callback that adds the metric to the logs of both splits, and of each output with counts."""

    strategy: Reconstructed

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Read the counts of the epoch from the logs, and write the metric to them."""
        logs = {} if logs is None else logs
        first = self.strategy.logs(self.strategy.metric.terms[0], self.strategy.classes[0])
        for prefix in prefixes(logs, first) or [""]:
            write(logs, prefix + self.strategy.key, self.strategy.rebuild(logs, prefix))
        super().on_epoch_end(epoch, logs)
