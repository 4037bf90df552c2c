"""Formats of labels and scores, each converted to tensors with a column for each class.

Binary: labels and scores (n,) or (n, 1). Of one class a sample: scores (n, n_classes), labels whole
numbers (n,) or (n, 1), or one-hot (n, n_classes). Multilabel: both (n, n_classes).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from batchf1.errors import check
from batchf1.keras.tensors import binary, check_as_many, nan_where_invalid, thresholded
from batchf1.keras.values import as_list
from batchf1.metrics.ratios import ClassAveraged, Metric


class LabelFormat(NamedTuple):
    """Format of labels and scores, with the options that turn scores into predictions."""

    n_classes: int | None = None
    """None for a binary output."""
    multilabel: bool = False
    threshold: float = 0.5
    from_logits: bool = False

    @property
    def one_class(self) -> bool:
        """Whether each sample has one of several classes."""
        return self.n_classes is not None and not self.multilabel

    @property
    def requirement(self) -> str:
        """Requirement on labels and scores, for error messages; without it the metric is NaN."""
        scores = "no NaN" if self.from_logits else "in [0, 1], or from_logits=True"
        if self.one_class:
            labels = f"0 .. {self.n_classes - 1} or one-hot"  # type: ignore[operator]
            return f"needs labels {labels} and as many scores, no NaN"
        return f"needs labels 0 or 1 and as many scores, {scores}"

    def read(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Convert labels and scores of a batch to labels and predictions, each 0 or 1.

        Both are float32 (n, n_classes); a binary output is one class. With one class a sample, the
        predicted class is that of the largest score, the first of equal ones. An invalid label
        becomes NaN, with one class a sample in every class. So does the label of a score that is
        NaN or, where a probability is compared with the threshold, outside [0, 1]. Raises
        `InputError` for other shapes and numbers, as `binary`.
        """
        if self.n_classes is None:
            both = binary(y_true, y_pred, self.threshold, self.from_logits)
            return ops.expand_dims(both[0], 1), ops.expand_dims(both[1], 1)
        labels, scores = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        self._check_shapes(labels.shape, scores.shape)
        if self.multilabel:
            return thresholded(labels, scores, self.threshold, self.from_logits)
        check_as_many(labels, scores)
        return _of_one_class(labels, scores, self.n_classes)

    def _check_shapes(self, labels: Sequence[int | None], scores: Sequence[int | None]) -> None:
        n = self.n_classes
        good = len(scores) == 2 and scores[1] == n
        check(good, "model output", f"must have a column for each of {n} classes", tuple(scores))
        good = len(labels) == 2 and labels[1] == n
        good = good or (not self.multilabel and (len(labels) == 1 or labels[1:] == (1,)))
        either = "" if self.multilabel else "(n,), (n, 1) or "
        check(good, "labels", f"must have shape {either}(n, {n})", tuple(labels))


def label_format_of(
    metric: Metric, multilabel: bool, threshold: float, from_logits: bool
) -> LabelFormat:
    """Return the label format of a metric; `InputError` for options that do not fit the metric."""
    n_classes = None
    if isinstance(metric, ClassAveraged):
        n_classes = metric.n_classes
        check(n_classes is not None, "metric", "must have n_classes in a model", metric.name)
    form = LabelFormat(n_classes, multilabel, threshold, from_logits)
    rule = "must be combined with a metric over classes, such as f_beta(1, 'macro', n_classes=5)"
    check(n_classes is not None or not multilabel, "multilabel", rule, multilabel)
    rule = "must be at least 2, or have multilabel=True beside it"
    check(not form.one_class or n_classes != 1, "n_classes", rule, n_classes)
    good = not form.one_class or threshold == 0.5
    check(
        good,
        "threshold",
        "cannot be set for a metric over classes without multilabel=True",
        threshold,
    )
    return form


def config_of(metric: Any) -> dict[str, Any]:
    """Return the arguments for rebuilding a metric that has a `metric` and a `form`."""
    _, multilabel, threshold, from_logits = metric.form
    given = {"threshold": threshold, "from_logits": from_logits, "multilabel": multilabel}
    return given | {"name": metric.name, "dtype": metric.dtype, "metric": as_list(metric.metric)}


def _of_one_class(labels: Any, scores: Any, n_classes: int) -> tuple[Any, Any]:
    """Convert labels and scores with one class a sample."""
    # 0 and -0 are equal to NumPy, not to Keras on TensorFlow
    scores = ops.where(scores == 0, ops.zeros_like(scores), scores)
    decided = ops.one_hot(ops.argmax(scores, axis=1), n_classes, dtype="float32")
    labels = _one_hot(labels, n_classes)
    each = ops.logical_or(ops.equal(labels, 0), ops.equal(labels, 1))
    once = ops.logical_and(ops.all(each, axis=1), ops.equal(ops.sum(labels, axis=1), 1))
    valid = ops.logical_and(once, ops.all(ops.equal(scores, scores), axis=1))
    return nan_where_invalid(labels, ops.expand_dims(valid, 1), scores), decided


def _one_hot(labels: Any, n_classes: int) -> Any:
    """Convert labels to float32 (n, n_classes); all 0 for a number that is no class."""
    if len(labels.shape) == 2 and labels.shape[1] == n_classes:
        return ops.cast(labels, "float32")
    kind = keras.backend.standardize_dtype(labels.dtype)
    check(kind != "bool", "labels", f"must be whole numbers from 0 to {n_classes - 1}", "bools")
    column = ops.reshape(ops.cast(labels, "float32"), (-1, 1))  # whole up to 2**24
    return ops.cast(ops.equal(column, ops.arange(n_classes, dtype="float32")), "float32")
