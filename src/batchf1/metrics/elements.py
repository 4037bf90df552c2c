"""Labels and outputs of any shape, read as columns of labels and predictions with weights.

One reader for arrays of NumPy and tensors of Keras. Elements are samples, or the pixels and tokens
of samples:

- Binary, and numbers: labels and outputs (n,) or (n, 1), or of one shape (n, ...), where a last
  axis of 1 does not matter. Two axes are taken as elements with `per` only, since outputs (n, 2)
  may as well be those of two classes.
- One class an element: outputs (n, ..., n_classes), or with the classes on another `axis`; labels
  whole numbers (n, ...) or (n, ..., 1), or one-hot, as the outputs.
- Multilabel: both (n, ..., n_classes).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from batchf1.errors import check, raise_input_error
from batchf1.metrics import checks
from batchf1.metrics.ratios import ClassAveraged
from batchf1.metrics.sums import SumMetric

Per = Literal["pixel", "image"]
Shape = tuple[int | None, ...]


class _NumPy:
    """NumPy, with the names of `keras.ops` that it lacks."""

    convert_to_tensor, asarray = np.asarray, np.asarray

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def cast(values: Any, dtype: Any) -> Any:
        return np.asarray(values).astype(dtype)


NUMPY = _NumPy()


class Elements(NamedTuple):
    """Labels and predictions, (n, columns) each, and weights, (n, 1), (n, columns) or None.

    With `per="image"` the shapes are (n, elements, columns). Both are 0 or 1, or numbers; NaN where
    a label or an output is invalid.
    """

    labels: Any
    predicted: Any
    weight: Any


class LabelFormat(NamedTuple):
    """Format of labels and outputs, with the options that turn outputs into predictions."""

    n_classes: int | None = None
    """None for a binary output, and for numbers."""
    multilabel: bool = False
    threshold: float = 0.5
    from_logits: bool = False
    numbers: bool = False
    of_class: int | None = None
    """The one class of several that is positive."""
    ignore_class: int | None = None
    """Label of elements that do not count."""
    include_background: bool = True
    """Whether class 0 counts."""
    axis: int = -1
    """Axis of the classes in the outputs."""
    per: Per | None = None

    @property
    def one_class(self) -> bool:
        """Whether each element has one of several classes."""
        several = self.n_classes is not None and not self.multilabel
        return several or self.of_class is not None

    @property
    def has_threshold(self) -> bool:
        """Whether scores are compared with the threshold."""
        return not (self.one_class or self.numbers)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return (self.n_classes or 1) - (not self.include_background)

    @property
    def requirement(self) -> str:
        """Requirement on labels and outputs, for error messages; without it the metric is NaN."""
        if self.numbers:
            return "needs labels and as many outputs, all finite"
        scores = "no NaN" if self.from_logits else "in [0, 1], or from_logits=True"
        if self.one_class:
            classes = "of its classes" if self.n_classes is None else f"0 .. {self.n_classes - 1}"
            return f"needs labels {classes} or one-hot and as many scores, no NaN"
        return f"needs labels 0 or 1 and as many scores, {scores}"

    def options(self) -> dict[str, Any]:
        """Return the options that differ from their defaults."""
        default = LabelFormat()._asdict()
        return {key: one for key, one in self._asdict().items() if one != default[key]}

    def read(
        self,
        y_true: Any,
        y_pred: Any,
        weights: Mapping[str, Any] | None = None,
        xp: Any = NUMPY,
        dtype: Any = "float64",
    ) -> Elements:
        """Read labels and outputs of a batch.

        `weights`: name -> weights of samples (n,) or (n, 1), or of elements, which are multiplied;
        None are left out. An invalid label becomes NaN, with one class an element in every class.
        So does the label of an output that is NaN or, where a probability is compared with the
        threshold, outside [0, 1]. Scores are compared in their own dtype; of equal ones the first
        class is predicted. Raises `InputError` for other shapes and numbers of samples.
        """
        labels, outputs = xp.convert_to_tensor(y_true), xp.convert_to_tensor(y_pred)
        if self.one_class or self.multilabel:
            labels, outputs = _channel_last(labels, outputs, self.axis, xp)
            self._check_channels(tuple(labels.shape), tuple(outputs.shape))
            of_element = outputs[..., 0]
            flat = xp.reshape(outputs, (-1, outputs.shape[-1]))
        else:
            labels, outputs = self._without_last_one(labels, outputs, xp)
            of_element = outputs
            flat = xp.reshape(outputs, (-1, 1))
        has_axis = len(labels.shape) == len(outputs.shape) and of_element is not outputs
        one_hot = has_axis and labels.shape[-1] == outputs.shape[-1]
        shape = tuple(labels.shape)
        _check_as_many(shape[:-1] if has_axis else shape, tuple(of_element.shape))
        if self.n_classes is not None and not one_hot:
            rule = f"must be whole numbers from 0 to {self.n_classes - 1}"
            check("bool" not in str(labels.dtype), "labels", rule, "bools")
        labels = xp.cast(labels, dtype if self.numbers else "float32")  # classes up to 2**24
        labels = xp.reshape(labels, (-1, flat.shape[-1] if one_hot else 1))
        read = self._numbers if self.numbers else self._classes if self.one_class else self._scores
        true, predicted, valid, ignored = read(labels, flat, xp)
        weight = _element_weight(weights or {}, of_element, xp, dtype)
        if ignored is not None:
            valid = None if valid is None else xp.logical_or(valid, ignored)
            kept = xp.cast(xp.logical_not(ignored), dtype)
            weight = kept if weight is None else weight * kept
        true = _nan_where_invalid(true, valid, flat, xp)
        true, predicted = (xp.cast(part, dtype) for part in (true, predicted))
        if ignored is not None:  # whatever stands there, as NaN of numbers
            true, predicted = (
                xp.where(ignored, xp.zeros_like(part), part) for part in (true, predicted)
            )
        return self._shaped(Elements(true, predicted, weight), outputs, xp)

    def _shaped(self, read: Elements, outputs: Any, xp: Any) -> Elements:
        """Leave out the background, and give each image an axis of its elements."""
        if not self.include_background:
            weight = read.weight
            several = weight is not None and weight.shape[-1] > 1
            kept = weight[:, 1:] if several else weight
            read = Elements(read.labels[:, 1:], read.predicted[:, 1:], kept)
        if self.per != "image":
            return read
        n = xp.shape(outputs)[0]
        return Elements(
            *(part if part is None else xp.reshape(part, (n, -1, part.shape[-1])) for part in read)
        )

    def _numbers(self, labels: Any, outputs: Any, xp: Any) -> tuple[Any, Any, Any, Any]:
        return labels, outputs, None, self._ignored(labels, xp)

    def _scores(self, labels: Any, scores: Any, xp: Any) -> tuple[Any, Any, Any, Any]:
        """Read labels 0 or 1, and scores that are compared with the threshold."""
        if "float" not in str(scores.dtype):
            scores = xp.cast(scores, "float32")  # the threshold is no whole number
        limit = score_threshold(self.threshold, self.from_logits)
        decided = scores > xp.cast(limit, scores.dtype)
        valid = xp.logical_and(_is_zero_or_one(labels, xp), scores == scores)
        if not self.from_logits and 0 < self.threshold < 1:
            valid = xp.logical_and(valid, xp.logical_and(scores >= 0, scores <= 1))
        return labels, decided, valid, self._ignored(labels, xp)

    def _classes(self, labels: Any, scores: Any, xp: Any) -> tuple[Any, Any, Any, Any]:
        """Read classes, of which each element has one; the largest score decides."""
        n = scores.shape[-1]
        # 0 and -0 are equal to NumPy, not to Keras on TensorFlow
        scores = xp.where(scores == 0, xp.zeros_like(scores), scores)
        classes = xp.cast(xp.arange(n), "float32")
        predicted = xp.cast(xp.argmax(scores, axis=1), "float32")[:, None] == classes
        ignored = self._ignored(labels, xp)
        if labels.shape[-1] == 1:
            labels = xp.cast(labels == classes, "float32")
        elif ignored is not None:
            ignored = xp.all(ignored, axis=1)[:, None]
            if 0 <= (self.ignore_class or 0) < n:
                ignored = xp.logical_or(ignored, labels[:, self.ignore_class :][:, :1] == 1)
        once = xp.logical_and(
            xp.all(_is_zero_or_one(labels, xp), axis=1), xp.sum(labels, axis=1) == 1
        )
        valid = xp.logical_and(once, xp.all(scores == scores, axis=1))[:, None]
        if self.of_class is not None:
            one = slice(self.of_class, self.of_class + 1)
            labels, predicted = labels[:, one], predicted[:, one]
        return labels, predicted, valid, ignored

    def _ignored(self, labels: Any, xp: Any) -> Any:
        return None if self.ignore_class is None else labels == self.ignore_class

    def _without_last_one(self, labels: Any, outputs: Any, xp: Any) -> tuple[Any, Any]:
        """Return labels and outputs without a last axis of 1."""
        kept = []
        for name, part in (("labels", labels), ("model output", outputs)):
            shape = tuple(part.shape)
            rule = NUMBERS if self.numbers else BINARY
            wide = len(shape) == 2 and shape[1] != 1 and self.per is None
            several = (
                max(len(labels.shape), len(outputs.shape)) > 2
            )  # one may have a last axis of 1
            check(len(shape) > 0 and not (wide and not several), name, rule, shape)
            last = len(shape) > 1 and shape[-1] == 1
            kept.append(xp.squeeze(part, axis=-1) if last else part)
        return kept[0], kept[1]

    def _check_channels(self, labels: Shape, outputs: Shape) -> None:
        n = outputs[-1] if self.n_classes is None and len(outputs) > 1 else self.n_classes
        good = len(outputs) > 1 and outputs[-1] == n
        check(good, "model output", f"must have a column for each of {n} classes", outputs)
        if self.of_class is not None:
            good = n is not None and max(1, self.of_class) < n
            rule = f"must have a column for each class, and class {self.of_class} among them"
            check(good, "model output", rule, outputs)
        good = len(labels) == len(outputs) and labels[-1] == n
        if not self.multilabel:
            good = good or len(labels) == len(outputs) - 1 or labels[len(outputs) - 1 :] == (1,)
        if len(outputs) == 2:
            either = "" if self.multilabel else "(n,), (n, 1) or "
            rule = f"must have shape {either}(n, {n})"
        else:
            either = "" if self.multilabel else ", with or without the axis of classes"
            rule = f"must have the shape of the outputs, {outputs}{either}"
        check(good, "labels", rule, labels)


BINARY = (
    "must have shape (n,) or (n, 1) (or set of_class=1 for a softmax, per='pixel' for elements)"
    " for a binary metric"
)
NUMBERS = "must have shape (n,) or (n, 1), or set per='pixel' for elements"


def score_threshold(threshold: float, from_logits: bool) -> float:
    """Return the threshold on the scale of the scores: the probability, or its logit."""
    return math.log(threshold / (1 - threshold)) if from_logits else threshold


def label_format_of(
    metric: SumMetric,
    multilabel: bool = False,
    threshold: float = 0.5,
    from_logits: bool = False,
    **options: Any,
) -> LabelFormat:
    """Return the label format of a metric; `InputError` for options that do not fit the metric.

    `options`: `of_class`, `ignore_class`, `include_background`, `axis` and `per` of `LabelFormat`.
    """
    n_classes, numbers = metric.n_classes, metric.kind == "numbers"
    if isinstance(metric, ClassAveraged):
        check(n_classes is not None, "metric", "must have n_classes in a model", metric.name)
    form = LabelFormat(n_classes, multilabel, threshold, from_logits, numbers, **options)
    rule = "must be combined with a metric over classes, such as f_beta(1, 'macro', n_classes=5)"
    averaged = isinstance(metric, ClassAveraged)
    check(averaged or not multilabel, "multilabel", rule, multilabel)
    check(averaged or form.include_background, "include_background", rule, form.include_background)
    rule = "must be at least 2, or have multilabel=True beside it"
    check(not form.one_class or n_classes != 1, "n_classes", rule, n_classes)
    rule = "must be at least 2 without the background"
    check(form.columns > 0, "n_classes", rule, n_classes)
    rule = "cannot be set for a metric over classes without multilabel=True"
    rule = "cannot be set for a metric of numbers" if numbers else rule
    rule = "cannot be combined with of_class" if form.of_class is not None else rule
    check(form.has_threshold or threshold == 0.5, "threshold", rule, threshold)
    check(not (numbers and from_logits), "from_logits", rule, from_logits)
    _check_options(form)
    return form


def _check_options(form: LabelFormat) -> None:
    if form.of_class is not None:
        checks.check_integer("of_class", form.of_class, least=0)
        rule = "must be combined with a binary metric, such as f_beta(1)"
        check(form.n_classes is None and not form.numbers, "of_class", rule, form.of_class)
    if form.ignore_class is not None:
        good = isinstance(form.ignore_class, int | np.integer)
        good = good and not isinstance(form.ignore_class, bool)
        checks.check_argument(good, "ignore_class", "must be a whole number", form.ignore_class)
    good = isinstance(form.axis, int) and form.axis != 0
    check(good, "axis", "must be a whole number other than 0, the axis of samples", form.axis)
    rule = "must be combined with classes: n_classes of the metric, or of_class"
    check(form.axis == -1 or form.one_class or form.multilabel, "axis", rule, form.axis)
    valid = (None, *get_args(Per))
    check(form.per in valid, "per", f"must be one of {valid}", form.per)


def _channel_last(labels: Any, outputs: Any, axis: int, xp: Any) -> tuple[Any, Any]:
    """Move the axis of classes to the end, of labels too if they have it."""
    n = len(outputs.shape)
    if axis in (-1, n - 1):
        return labels, outputs
    check(-n < axis < n, "axis", f"must be one of {n} axes", axis)
    if len(labels.shape) == n:
        labels = xp.moveaxis(labels, axis, -1)
    return labels, xp.moveaxis(outputs, axis, -1)


def _is_zero_or_one(labels: Any, xp: Any) -> Any:
    return xp.logical_or(labels == 0, labels == 1)


def _check_as_many(labels: Shape, outputs: Shape) -> None:
    """Raise `InputError` for different numbers of labels and outputs, as far as they are static."""
    n, n_outputs = labels[0], outputs[0]
    rule = f"must be as many as the scores, {n_outputs}"
    check(_agree(n, n_outputs), "labels", rule, n)
    good = len(labels) == len(outputs) and all(map(_agree, labels, outputs))
    check(good, "labels", f"must have the shape of the outputs, {outputs}", labels)


def _agree(one: int | None, other: int | None) -> bool:
    """Return True for equal lengths, or if one is not static."""
    return None in (one, other) or one == other


def _nan_where_invalid(labels: Any, valid: Any, outputs: Any, xp: Any) -> Any:
    """Set invalid labels to NaN, and all labels if their number is not that of the outputs."""
    if None in (labels.shape[0], outputs.shape[0]):
        # the shape is not static: a single label would be broadcast to any number of outputs
        same = xp.equal(xp.shape(labels)[0], xp.shape(outputs)[0])
        valid = same if valid is None else xp.logical_and(valid, same)
    if valid is None:
        return labels
    return xp.where(valid, labels, xp.full_like(labels, math.nan))


def _element_weight(weights: Mapping[str, Any], of_element: Any, xp: Any, dtype: Any) -> Any:
    """Return the weight of each element, (n, 1): the product of those given, or None."""
    product, shape = None, tuple(of_element.shape)
    for name, given in weights.items():
        if given is None:
            continue
        weight = xp.cast(xp.convert_to_tensor(given), dtype)
        has = tuple(weight.shape)
        if len(has) > 1 and has[-1] == 1 and len(has) in (2, len(shape) + 1):
            weight, has = xp.squeeze(weight, axis=-1), has[:-1]
        good = 0 < len(has) <= len(shape)
        good = good and all(map(_agree, has, shape))
        first = "(n,) or (n, 1)" + f", or {shape}" * (len(shape) > 1)
        if not good:
            raise_input_error(name, f"must have shape {first}", tuple(given.shape))
        for _ in range(len(shape) - len(has)):
            weight = xp.expand_dims(weight, -1)
        weight = weight + xp.cast(xp.zeros_like(of_element), dtype)
        weight = xp.reshape(weight, (-1, 1))
        product = weight if product is None else product * weight
    return product
