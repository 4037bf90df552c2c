"""The article's proposal (C5): log what is additive, and rebuild the metric from the logs."""

from __future__ import annotations

from typing import Any, get_args

import keras
from keras import ops

from batchf1.errors import require
from batchf1.keras.base import Strategy
from batchf1.keras.guard import Guard, Logs, prefixes, read, write
from batchf1.keras.tensors import binary, check_kept, quotient, weights
from batchf1.metrics.averaging import Averaging, Logged, reconstructed
from batchf1.metrics.counts import Counts, Floats

LOGGED = ("true_positives", "possible_positives", "predicted_positives")
"""The article's names for TP, TP + FN and TP + FP."""


class Reconstructed(Strategy):
    """F1 of the predictions that the epoch's batches saw, from three logged counts; 0 for 0/0.

    Each count metric returns a value per sample, so that every version of Keras averages it over
    the samples and a short last batch does no harm. It adds up in float64: float32, Keras' default,
    stops counting at 2**24.

    Of another `metric` too; one that counts true negatives needs the number of samples, which sums
    do not tell. Raises `InputError` for such a metric with `logged="sum"`.

    `logged`: what a count metric returns for a batch. `per_sample` is exact; `sum` (the article's)
    and `mean` are there to be measured: with a short last batch Keras >= 2.3 makes means wrong,
    Keras 2.2.4 sums.

    The counts are logged as `<count>_<name>`, for the article's own names are Keras' too: its
    `TruePositives` logs `true_positives`.

    >>> s = Reconstructed()
    >>> [metric.name for metric in s.metrics()][:2]
    ['true_positives_reconstructed', 'possible_positives_reconstructed']
    >>> logs = dict.fromkeys((metric.name for metric in s.metrics()), 0.25)
    >>> s.rebuild(logs)
    1.0
    """

    name = "reconstructed"
    label = "reconstructed from counts"

    def __init__(
        self, threshold: float = 0.5, logged: Logged = "per_sample", **options: Any
    ) -> None:
        super().__init__(threshold, **options)
        require(logged in get_args(Logged), "logged", f"is one of {get_args(Logged)}", logged)
        counts_all = any(weights[3] for weights in (self.metric.top, self.metric.bottom))
        good = logged != "sum" or not counts_all
        require(good, "metric", "of true negatives needs logged per_sample or mean", logged)
        self.logged = logged

    def metrics(self) -> list[Any]:
        """The three count metrics."""
        return [
            CountShare(
                count,
                self.threshold,
                self.logged,
                f"{count}_{self.name}",
                from_logits=self.from_logits,
            )
            for count in LOGGED
        ]

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """The callback that rebuilds the metric at the end of an epoch."""
        return [Rebuild(self)]

    def rebuild(self, logs: Logs, prefix: str = "") -> float:
        """The metric of logged counts, F1 = 2 TP / (possible + predicted positives); 0 for 0/0.

        `logs`: an epoch's, or what `evaluate` and `train_on_batch` return with `return_dict=True`;
        `prefix`: what Keras puts before the names, `val_` or an output's name with `_`. Raises
        `InputError` if a count is missing, or if two strategies of one name logged it.
        """
        tp, possible, predicted = (read(logs, f"{count}_{self.name}", prefix) for count in LOGGED)
        return float(self.metric.of_margins(tp, possible, predicted, 1.0))

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats:
        """The metric of the batches' averaged counts; of the pooled ones, if logged per sample."""
        return reconstructed(batches, averaging, self.logged, metric=self.metric)


@keras.saving.register_keras_serializable("batchf1")
class CountShare(keras.metrics.MeanMetricWrapper):  # type: ignore[misc]
    """Share of the samples that a count of `LOGGED` counts, in [0, 1]; for sums, count a batch.

    NaN after a label that is neither 0 nor 1, a NaN score, or, without `from_logits`, a score
    outside [0, 1]. Raises `InputError` where the backend keeps no float64.
    """

    def __init__(
        self,
        count: str,
        threshold: float = 0.5,
        logged: Logged = "per_sample",
        name: str | None = None,
        dtype: str = "float64",
        from_logits: bool = False,
    ) -> None:
        check_kept(dtype, name or count)
        super().__init__(self._of_batch, name=name or count, dtype=dtype)
        self.count_name, self.threshold, self.logged = count, threshold, logged
        self.from_logits = from_logits

    def _of_batch(self, y_true: Any, y_pred: Any) -> Any:
        each = self._each_sample(y_true, y_pred)
        return {"per_sample": lambda x: x, "sum": ops.sum, "mean": ops.mean}[self.logged](each)

    def _each_sample(self, y_true: Any, y_pred: Any) -> Any:
        labels, decided = binary(y_true, y_pred, self.threshold, self.from_logits)
        bad = labels - labels  # 0, or NaN, which predicted positives alone would not show
        parts = {
            "true_positives": labels * decided,
            "possible_positives": labels,
            "predicted_positives": decided + bad,
        }
        return parts[self.count_name]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch; `InputError` for weights or a mask where sums or means are logged."""
        counted = weights(y_pred, sample_weight)
        good = counted is None or self.logged == "per_sample"
        require(good, self.name, "takes weights and masks with logged='per_sample'", self.logged)
        super().update_state(y_true, y_pred, counted)

    def result(self) -> Any:
        """The mean, in float64; 0 of no samples."""
        # not Mean's own: on PyTorch its division rounds to float32
        return quotient(ops.convert_to_tensor(self.total), ops.convert_to_tensor(self.count))

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the metric when a saved model is loaded."""
        return {
            "count": self.count_name,
            "threshold": self.threshold,
            "logged": self.logged,
            "name": self.name,
            "dtype": self.dtype,
            "from_logits": self.from_logits,
        }


class Rebuild(Guard):
    """Adds the rebuilt F1 to the logs of both splits, and of each output that has the counts."""

    strategy: Reconstructed

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Read the counts of the epoch and write F1 beside them."""
        logs = {} if logs is None else logs
        for prefix in prefixes(logs, f"{LOGGED[0]}_{self.strategy.name}") or [""]:
            write(logs, prefix + self.strategy.key, self.strategy.rebuild(logs, prefix))
        super().on_epoch_end(epoch, logs)
