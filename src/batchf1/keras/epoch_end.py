"""The strategy of predicting at the end of the epoch and counting then (claim C4: the safe way).

Arrays go through `model.predict` and scikit-learn's `f1_score`, as in the article. Counts of a data
set are added up batch by batch, so that no label and no prediction stays in memory.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from batchf1.auditing.classes import score_threshold
from batchf1.errors import check, raise_input_error
from batchf1.keras.base import Strategy
from batchf1.keras.log_validator import LogValidator, write
from batchf1.keras.passes import (
    batches,
    check_repeatable,
    check_unmasked,
    is_arrays,
    predicted,
    unweighted,
    validated_samples,
    validation_batching,
)
from batchf1.keras.tensors import check_shape
from batchf1.metrics.averaging import Averaging, pooled
from batchf1.metrics.classes import class_counts
from batchf1.metrics.counts import Counts, Floats, predicted_positive
from batchf1.metrics.ratios import F1


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
        `metric`, `multilabel`, `from_logits` and `name` of `Strategy`.

    Raises
    ------
    InputError
        For another `validation_freq`, and as `Strategy`.

    Notes
    -----
    It costs a prediction of the whole split. Of arrays it holds all predictions in memory; of a
    data set a batch at a time. On the training split the value differs from that of the other
    strategies, since the weights no longer change during the pass.

    Examples
    --------
    >>> (callback,) = EpochEnd().callbacks(validation=([[0.5]], [1]))
    >>> sorted(callback.splits)
    ['val_f1_epoch_end']
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
        **options: Any,
    ) -> None:
        super().__init__(threshold, **options)
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
            pass waits for their end). In training for invalid shapes, labels or scores, for sample
            weights, for a model of several outputs, and for a model that masks samples, since
            predictions have no mask. At the end of the first epoch also for more validation samples
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

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats:
        """Compute the metric of the pass with the epoch's last weights."""
        return pooled(full_pass, metric=self.metric)


class PassAtEpochEnd(LogValidator):
    """Callback that adds the metric of each split to the logs."""

    strategy: EpochEnd

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
                check_unmasked(key, self.model)
                of_split = self._of_arrays if is_arrays(data) else self._streamed
                write(logs, key, of_split(key, data))

    def _check_length(self, key: str, n: int) -> None:
        """Raise `InputError` for more samples than `validation_steps` leaves."""
        steps, seen = validation_batching(self.model)[1], validated_samples(self.model)
        if key.startswith("val_") and steps and seen and not self.strategy.all_samples:
            rule = f"needs the {seen} samples of validation_steps={steps}, as data.take({steps})"
            rule = f"{rule} or x[:{seen}], or EpochEnd(all_samples=True)"
            check(n <= seen, key, rule, f"{n} samples or more")

    def _of_arrays(self, key: str, data: Any) -> float:
        """Predict all samples at once, and compute F1 by scikit-learn, as in the article."""
        x, y_true = unweighted(key, data)
        self._check_length(key, len(y_true))
        check(len(y_true) > 0, key, "needs data with at least one sample", len(y_true))
        scores = self._only_output(key, self.model.predict(x, verbose=0))
        if self.strategy.metric != F1:
            return float(self.strategy.metric.from_margins(*self._margins(y_true, scores)))
        from sklearn.metrics import f1_score

        # float32: scikit-learn takes it in 0.6 of the time of bool
        parts = (part.astype(np.float32) for part in self._binary(y_true, scores))
        return float(f1_score(*parts, zero_division=0.0))

    def _streamed(self, key: str, data: Any) -> float:
        """Compute the metric from counts added up over the batches, in any order."""
        n_batches = 0
        totals: Any = (0, 0, 0, 0)
        for batch in batches(data):
            x, y_true = unweighted(key, batch)
            scores = self._only_output(key, predicted(self.model, x))
            n_batches += 1
            margins = self._margins(y_true, scores)
            self._check_length(key, totals[3] + margins[3])
            totals = tuple(old + new for old, new in zip(totals, margins, strict=True))
        check(n_batches > 0, key, "needs data with at least one batch", n_batches)
        return float(self.strategy.metric.from_margins(*totals))

    def _only_output(self, key: str, scores: Any) -> Any:
        outputs = keras.tree.flatten(scores)
        rule = "needs a model of one output: take reconstructed or streaming for several"
        check(len(outputs) == 1, key, rule, f"{len(outputs)} outputs")
        return np.asarray(outputs[0])

    def _margins(self, y_true: Any, scores: Any) -> tuple[Any, Any, Any, int]:
        """Count TP, TP + FN and TP + FP, over classes in each, and the samples."""
        n_classes, multilabel, threshold, from_logits = self.strategy.form
        if n_classes is None:
            positive, decided = self._binary(y_true, scores)
            parts = (np.count_nonzero(part) for part in (positive & decided, positive, decided))
            return (*parts, len(positive))  # type: ignore[return-value]
        options: dict[str, Any] = {}
        if multilabel:
            self._check_probabilities(scores)
            options = {"multilabel": True, "threshold": score_threshold(threshold, from_logits)}
        counts = class_counts(y_true, scores, max(1, len(scores)), n_classes, **options).pooled()
        return counts.tp, counts.positives, counts.predicted_positives, len(scores)

    def _binary(self, y_true: Any, scores: Any) -> tuple[Any, Any]:
        """Return labels and predictions as bool, each of shape (n,)."""
        y_true = np.asarray(y_true)
        check_shape(y_true.shape, "labels")
        check_shape(scores.shape, "model output")
        check(
            len(y_true) == len(scores),
            "labels",
            f"must be as many as the scores, {len(scores)}",
            len(y_true),
        )
        positive = y_true == 1
        if not (positive | (y_true == 0)).all():
            raise_input_error("labels", "must be 0 or 1", np.unique(y_true))
        self._check_probabilities(scores)
        threshold = score_threshold(self.strategy.threshold, self.strategy.from_logits)
        return positive.ravel(), predicted_positive(scores.ravel(), threshold)

    def _check_probabilities(self, scores: Any) -> None:
        """Raise `InputError` for scores outside [0, 1] that are no logits."""
        if not self.strategy.from_logits and ((scores < 0) | (scores > 1)).any():
            rule = "must lie in [0, 1] (from_logits=True allows logits)"
            raise_input_error("scores", rule, f"{scores.min():.4g} to {scores.max():.4g}")
