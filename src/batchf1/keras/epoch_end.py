"""The strategy of predicting at the end of the epoch and counting then (claim C4: the safe way).

Arrays go through `model.predict` and scikit-learn's `f1_score`, as in the article. Counts of a data
set are added up batch by batch, so that no label and no prediction stays in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

from batchf1.errors import check, raise_input_error
from batchf1.keras.base import Strategy
from batchf1.keras.log_validator import LogValidator, write
from batchf1.keras.of_all import OfAll, Part
from batchf1.keras.passes import (
    batches,
    check_repeatable,
    is_arrays,
    masks,
    predicted_with_mask,
    validated_samples,
    validation_batching,
    weighted,
)
from batchf1.metrics.averaging import Averaging, pooled
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.elements import Elements, LabelFormat
from batchf1.metrics.ratios import F1
from batchf1.metrics.sums import SumMetric

SIZE = 32
"""Batch size of arrays under a model that masks."""
MAX_FLOAT32 = 2**24
"""Greatest count up to which float32 holds every one."""


class EpochEnd(Strategy):
    """F1, or another metric, of a pass over the data with the epoch's last weights; 0 for 0/0.

    Parameters
    ----------
    threshold
        As for `Strategy`.
    validation_freq
        As in `fit`; give it here too if it is given there, since callbacks cannot read it. The
        validation split is predicted every so many epochs, or in the listed ones (from 1).
    all_samples
        Predict also the validation samples that `validation_steps` of `fit` leaves out.
    **options
        `metric` and the other options of `Strategy`. `metric` may also be any function of (y_true,
        y_pred) that gives a number, as scikit-learn's and SciPy's, of sums or not.

    Raises
    ------
    InputError
        For another `validation_freq`, and as `Strategy`.

    Notes
    -----
    It costs a prediction of the whole split. Of arrays it holds all predictions in memory; of a
    data set a batch at a time, unless the metric is a function. On the training split the value
    differs from that of the other strategies, since the weights no longer change during the pass.

    A function gets the labels and outputs of all samples as arrays, (n,) for (n, 1). If it raises
    `ValueError` for these outputs, as `sklearn.metrics.f1_score` does, it gets predicted labels:
    whether a score is above the threshold, or the class of the largest score.

    Data (x, y, sample_weight) give the weighted metric, whether or not `fit` weighs its metrics.
    What the model masks is left out.

    Examples
    --------
    >>> (callback,) = EpochEnd().callbacks(validation=([[0.5]], [1]))
    >>> sorted(callback.splits)
    ['val_f1_epoch_end']
    >>> from sklearn.metrics import roc_auc_score
    >>> EpochEnd(metric=roc_auc_score).key
    'roc_auc_score_epoch_end'
    """

    name = "epoch_end"
    label = "epoch end (predict again)"
    any_metric = True

    def __init__(
        self,
        threshold: float = 0.5,
        validation_freq: int | list[int] = 1,
        *,
        all_samples: bool = False,
        metric: Any = F1,
        **options: Any,
    ) -> None:
        if not isinstance(metric, SumMetric) and callable(metric):
            metric = OfAll(metric)
        super().__init__(threshold, metric=metric, **options)
        listed = validation_freq if isinstance(validation_freq, list) else [validation_freq]
        good = all(isinstance(n, int) and n >= 1 for n in listed)
        rule = "must be a whole number >= 1 or a list of epochs, as in fit"
        check(good, "validation_freq", rule, validation_freq)
        self.validation_freq, self.all_samples = validation_freq, all_samples

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """Return the callback that makes the pass over the splits, at least one of them.

        Parameters
        ----------
        train, validation
            As in `Strategy.callbacks`. A data set is iterated once an epoch, so it may shuffle.

        Raises
        ------
        InputError
            For no split, for a generator, which cannot be iterated anew, and for a
            `tf.data.Dataset` or `PyDataset` without end (other iterables have no known length: the
            pass waits for their end). In training for invalid shapes, labels or scores, and for a
            model of several outputs. At the end of the first epoch also for more validation samples
            than `validation_steps` of `fit` leaves, unless `all_samples`.
        """
        splits = {self.key: train, f"val_{self.key}": validation}
        given = {key: data for key, data in splits.items() if data is not None}
        check(bool(given), self.key, "needs train or validation data", "neither")
        return [PassAtEpochEnd(self, given)]

    def validates(self, epoch: int) -> bool:
        """Return True if the validation split is predicted at the end of an epoch (from 0)."""
        freq = self.validation_freq
        return epoch + 1 in freq if isinstance(freq, list) else (epoch + 1) % freq == 0

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats | None:
        """Compute the metric of the pass with the epoch's last weights."""
        return pooled(full_pass, metric=self.metric) if self.of_counts else None


class PassAtEpochEnd(LogValidator):
    """Callback that adds the metric of each split to the logs."""

    strategy: EpochEnd
    takes_masks = False

    def __init__(self, strategy: EpochEnd, splits: dict[str, Any]) -> None:
        super().__init__(strategy)
        for key, data in splits.items():
            if not is_arrays(data):
                check_repeatable(key, data)
        self.splits = splits

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Predict each split and write its metric."""
        logs = {} if logs is None else logs
        for key, data in self.splits.items():
            if not key.startswith("val_") or self.strategy.validates(epoch):
                of_split = self._of_arrays if is_arrays(data) else self._streamed
                write(logs, key, of_split(key, data))

    def _check_length(self, key: str, n: int) -> None:
        """Raise `InputError` for more samples than `validation_steps` leaves."""
        steps = validation_batching(self.model)[1]
        if not key.startswith("val_") or not steps or self.strategy.all_samples:
            return
        seen = validated_samples(self.model)
        if seen:
            rule = f"needs the {seen} samples of validation_steps={steps}, as data.take({steps})"
            rule = f"{rule} or x[:{seen}], or EpochEnd(all_samples=True)"
            check(n <= seen, key, rule, f"{n} samples or more")

    def _of_arrays(self, key: str, data: Any) -> float:
        """Predict all samples at once, and compute F1 by scikit-learn, as in the article."""
        x, y_true, weight = weighted(key, data)
        self._check_length(key, len(y_true))
        check(len(y_true) > 0, key, "needs data with at least one sample", len(y_true))
        if masks(self.model):
            return self._streamed(key, _batched(data))
        scores = self._only_output(key, self.model.predict(x, verbose=0))
        plain = self.strategy.form == LabelFormat(threshold=self.strategy.threshold)
        if self.strategy.metric != F1 or weight is not None or not plain:
            return self._of_parts(key, [(y_true, scores, {"sample_weight": weight})])
        from sklearn.metrics import f1_score

        read = self._read(key, y_true, scores, {})
        # float32: scikit-learn takes it in 0.6 of the time of bool
        parts = (part[:, 0].astype(np.float32) for part in read[:2])
        return float(f1_score(*parts, zero_division=0.0))

    def _streamed(self, key: str, data: Any) -> float:
        """Compute the metric from sums over the batches, in any order."""
        return self._of_parts(key, self._predicted(key, data))

    def _predicted(self, key: str, data: Any) -> Iterator[Part]:
        """Yield labels, outputs and weights of each batch."""
        n_samples = 0
        for batch in batches(data):
            x, y_true, weight = weighted(key, batch)
            outputs, mask = predicted_with_mask(self.model, x)
            scores = self._only_output(key, outputs)
            n_samples += len(scores)
            self._check_length(key, n_samples)
            yield y_true, scores, {"sample_weight": weight, "mask": mask}
        check(n_samples > 0, key, "needs data with at least one batch", n_samples)

    def _of_parts(self, key: str, parts: Iterable[Part]) -> float:
        """Compute the metric of labels, outputs and weights."""
        metric, sums = self.strategy.metric, None
        if isinstance(metric, OfAll):
            return metric.of_all(key, parts, self.strategy.form)
        for part in parts:
            added = np.asarray(metric.summary(*self._read(key, *part)), np.float64)
            sums = added if sums is None else metric.merge(sums, added)
        return float(metric.of_sums(sums))

    def _read(self, key: str, y_true: Any, scores: Any, weights: dict[str, Any]) -> Elements:
        """Read labels and outputs; `InputError` for an invalid one."""
        y_true = keras.ops.convert_to_numpy(y_true)
        read = self.strategy.form.read(y_true, scores, weights, dtype=self._dtype(y_true, weights))
        counted = True if read.weight is None else read.weight != 0
        bad = ~np.isfinite(read.labels + read.predicted) & counted
        if bad.any():
            raise_input_error(key, self.strategy.form.requirement, _first(bad, y_true, scores))
        return read

    def _dtype(self, y_true: Any, weights: dict[str, Any]) -> str:
        """Return float32 where it holds every sum, in a quarter of the time."""
        weighs = any(weight is not None for weight in weights.values())
        exact = self.strategy.of_counts and not weighs and y_true.size <= MAX_FLOAT32
        return "float32" if exact else "float64"

    def _only_output(self, key: str, scores: Any) -> Any:
        outputs = keras.tree.flatten(scores)
        rule = "needs a model of one output: take reconstructed or streaming for several"
        check(len(outputs) == 1, key, rule, f"{len(outputs)} outputs")
        return keras.ops.convert_to_numpy(outputs[0])


def _first(bad: Any, y_true: Any, scores: Any) -> str:
    """Describe label and output of the first sample with an invalid element."""
    sample = int(np.argmax(bad.ravel())) * len(scores) // bad.size
    label, output = (np.array2string(part[sample], threshold=8) for part in (y_true, scores))
    return f"label {label} with output {output}"


def _batched(data: Any) -> Iterator[Any]:
    """Yield batches of arrays."""
    n = len(keras.tree.flatten(data)[0])
    for start in range(0, n, SIZE):
        rows = slice(start, start + SIZE)
        yield keras.tree.map_structure(lambda part, rows=rows: part[rows], data)
