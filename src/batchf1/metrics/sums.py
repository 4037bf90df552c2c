"""The contract of a metric: what each sample adds, how sums are merged, a function of the whole.

Any metric that is a function of sums over samples can be logged exactly by a framework that
averages: log the means of what samples add, and compute the metric of these. So can ratios of
counts, functions of the confusion matrix, and functions of moments. No sums of a fixed number give
what depends on the order of all scores (AUC, average precision, Kendall's tau, Spearman's rho), or
a median: compute these of all predictions.

A metric of your own is a subclass, here of the counts of a binary output::

    class Informedness(SumMetric):
        name, lowest = "informedness", -1.0

        def value(self, sums, xp):
            tp, positives, predicted, n = sums
            return tp / positives - (predicted - tp) / (n - positives)
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from batchf1.errors import check, raise_input_error
from batchf1.metrics import checks
from batchf1.metrics.counts import Counts, Floats, Integers, checked
from batchf1.metrics.labels import Columns, columns_of, numbers_of

Kind = Literal["labels", "numbers"]
COUNTS = ("true_positives", "possible_positives", "predicted_positives")
"""The article's names of TP, TP + FN and TP + FP."""


class SumMetric:
    """Base class of a metric that is a function of sums over samples.

    A subclass has a `name` and a `value`; with `adds` and `terms` it has sums of its own. A
    subclass with parameters is a frozen dataclass, which a saved Keras model can hold.

    Attributes
    ----------
    name : str
        Name of the metric in logs.
    kind : {"labels", "numbers"}
        What `adds` gets: labels and predictions, each 0 or 1, with a column for each class and one
        for a binary output; or numbers, as in a regression, in one column.
    terms : tuple of str
        Names of what `adds` returns, for logs. By default the counts TP, TP + FN and TP + FP.
    n_classes : int or None
        Number of classes; None for a binary output and for numbers.
    over_classes : bool
        Whether `value` gets sums with an axis of classes, before all others.
    lowest, highest : float
        Range of the metric.
    undefined : float
        Value where `value` is NaN though the sums are not, such as 0/0.

    Examples
    --------
    >>> class Nrmse(SumMetric):
    ...     name, kind, terms = "nrmse", "numbers", ("squared_errors", "labels")
    ...
    ...     def adds(self, y_true, y_pred, xp):
    ...         return (y_pred - y_true) ** 2, y_true
    ...
    ...     def value(self, sums, xp):
    ...         squared_errors, labels, n = sums
    ...         return xp.sqrt(squared_errors / n) / (labels / n)
    >>> Nrmse()([4.0, 4.0], [3.0, 5.0])
    0.25
    """

    __slots__ = ()

    name: str
    kind: ClassVar[Kind] = "labels"
    terms: tuple[str, ...] = COUNTS
    n_classes: int | None = None
    over_classes: ClassVar[bool] = False
    lowest: ClassVar[float] = 0.0
    highest: ClassVar[float] = 1.0
    undefined: ClassVar[float] = math.nan

    _KINDS: ClassVar[dict[str, type[SumMetric]]] = {}

    def __init_subclass__(cls) -> None:
        """Register the class under its name, by which a saved model finds it."""
        SumMetric._KINDS[f"{cls.__module__}.{cls.__qualname__}"] = cls

    def adds(self, y_true: Any, y_pred: Any, xp: Any) -> Sequence[Any]:
        """Return what each sample adds to each sum, in the order of `terms`.

        Parameters
        ----------
        y_true, y_pred
            Float arrays or tensors, both (n, 1), or (n, n_classes) of labels over classes.
        xp
            Namespace of array functions: NumPy, or `keras.ops`.

        Returns
        -------
        sequence
            An array of the shape of `y_true` for each of `terms`. The number of samples, or the sum
            of their weights, is added up besides, and is the last of the sums.
        """
        return y_true * y_pred, y_true, y_pred

    def rows(self, y_true: Any, y_pred: Any, weight: Any, xp: Any) -> tuple[list[Any], Any]:
        """Return what each sample adds, NaN of an invalid one, and weights as a framework averages.

        A label or prediction that is NaN or infinite makes the rows of its sample and class NaN.
        """
        with np.errstate(invalid="ignore"):
            bad = (y_true - y_true) + (y_pred - y_pred)  # 0, or NaN
            return [row + bad for row in self.adds(y_true, y_pred, xp)], weight

    def summary(self, y_true: Any, y_pred: Any, weight: Any = None, xp: Any = np) -> Any:
        """Return the sums of some samples, (number of terms + 1, n_classes).

        `weight`: weights that broadcast to `y_true`; samples of weight 0 do not count at all.
        """
        rows, weight = self.rows(y_true, y_pred, weight, xp)
        rows = [*rows, xp.where(rows[0] == rows[0], xp.ones_like(rows[0]), rows[0])]
        return xp.stack([xp.sum(weighted(row, weight, xp), axis=0) for row in rows])

    def merge(self, one: Any, other: Any, xp: Any = np) -> Any:
        """Merge the sums of two sets of samples: by default they are added."""
        return one + other

    def from_means(self, means: Any, xp: Any = np) -> Any:
        """Convert means of what samples add, then 1 for the samples, to what `of_sums` takes."""
        return means

    def value(self, sums: Any, xp: Any) -> Any:
        """Return the metric of the sums; NaN, as of 0/0, where it is undefined.

        `sums`: of each of `terms` and of the samples' weights; arrays (...), or (n_classes, ...)
        with `over_classes`. A common factor must not matter, as of means.
        """
        raise NotImplementedError

    def of_sums(self, sums: Any, xp: Any = np, zero_division: float | None = None) -> Any:
        """Return the metric of the sums, (terms + 1, n_classes, ...); NaN of NaN.

        `zero_division`: the value where it is undefined, by default `undefined`.
        """
        rows = [sums[i] for i in range(sums.shape[0])]  # a tensor cannot be iterated over
        if not self.over_classes:
            rows = [row[0] for row in rows]
        with np.errstate(all="ignore"):
            value = self.value(rows, xp)
        undefined = self.undefined if zero_division is None else zero_division
        if math.isnan(undefined):
            return value
        known = rows[-1] == rows[-1]
        known = xp.all(known, axis=0) if self.over_classes else known
        missing = xp.logical_and(known, value != value)
        return xp.where(missing, xp.full_like(value, undefined), value)

    def __call__(
        self,
        y_true: Any,
        y_pred: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        zero_division: float | None = None,
    ) -> Any:
        """Return the value for labels and predictions, as scikit-learn's functions do.

        Parameters
        ----------
        y_true
            Labels or numbers, (n, ...). Instead of arrays also `Counts`, of whole numbers from 0 to
            2**53, whose first axis runs over the classes where the metric has classes.
        y_pred
            Predictions of the same shape. Of labels: predicted labels, scores of the positive class
            in (0, 1), or scores with a last axis of classes. Beside `Counts`: `zero_division`.
        sample_weight
            Weights, of the shape of `y_true` or of its first axes.
        zero_division : {0, 1, NaN}
            Value where the metric is undefined, as 0/0; by default `undefined`.

        Returns
        -------
        float, or float64 array of the shape of the counts
            In [`lowest`, `highest`], or `zero_division`.

        Raises
        ------
        InputError
            For other shapes, labels, numbers, weights and counts, and another `zero_division`.

        Examples
        --------
        >>> from batchf1 import F1
        >>> F1([1, 0, 1, 1], [0.9, 0.8, 0.2, 0.7]) == F1(Counts(tp=2, fp=1, fn=1, tn=0))
        True
        """
        if isinstance(y_true, Counts):
            rule = "cannot be combined with a batchf1.Counts"
            check(sample_weight is None, "sample_weight", rule, type(sample_weight).__name__)
            undefined = self._undefined(y_pred if zero_division is None else zero_division)
            return self.from_counts(*checked(y_true), zero_division=undefined)
        rule = "must be given beside y_true, unless that is a batchf1.Counts"
        check(y_pred is not None, "y_pred", rule, y_pred)
        sums = self.summary(*self.columns(y_true, y_pred, sample_weight))
        return float(self.of_sums(sums, zero_division=self._undefined(zero_division)))

    def columns(self, y_true: Any, y_pred: Any, sample_weight: ArrayLike | None) -> Columns:
        """Convert labels, predictions and weights to the columns that `summary` takes."""
        if self.kind == "numbers":
            return numbers_of(y_true, y_pred, sample_weight)
        n_classes = self.n_classes if self.over_classes else 2
        true, predicted, weight = columns_of(y_true, y_pred, sample_weight, n_classes)
        first = 0 if self.over_classes else 1
        return true[:, first:], predicted[:, first:], weight

    def _undefined(self, zero_division: float | None) -> float:
        return self.undefined if zero_division is None else checks.zero_division(zero_division)

    def from_counts(
        self,
        tp: ArrayLike,
        fp: ArrayLike,
        fn: ArrayLike,
        tn: ArrayLike = 0,
        zero_division: float | None = None,
    ) -> Floats:
        """Return the value for counts, or means or shares of them, that broadcast, unchecked."""
        parts = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (tp, fp, fn, tn)))
        tp, fp, fn, tn = parts
        return self.from_margins(tp, tp + fn, tp + fp, tp + fp + fn + tn, zero_division)

    def from_margins(
        self,
        tp: ArrayLike,
        positives: ArrayLike,
        predicted_positives: ArrayLike,
        n: ArrayLike = 0,
        zero_division: float | None = None,
    ) -> Floats:
        """Return the value for TP, TP + FN, TP + FP and the number of samples, unchecked.

        With `n_classes` all but `n` have an axis of classes first. They may be means or shares.
        """
        self.check_counts()
        margins = np.stack(np.broadcast_arrays(tp, positives, predicted_positives, n))
        margins = margins.astype(np.float64)
        if self.n_classes is None:
            margins = margins[:, None]
        return np.asarray(self.of_sums(margins, zero_division=zero_division))

    def sizes(self, counts: Counts) -> Integers:
        """Return the number of samples behind each value."""
        return counts.n if self.n_classes is None else np.asarray(counts.n[0])

    def check_counts(self) -> None:
        """Raise `InputError` for a metric that counts of each class do not determine."""
        rule = "must be a function of the counts TP, FP, FN and TN of each class here"
        good = self.kind == "labels" and self.terms == COUNTS
        check(good, "metric", rule, self.name)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise `InputError` for counts whose first axis does not run over the classes."""
        good = len(shape) > 0 and shape[0] > 0 and self.n_classes in (None, shape[0])
        number = "" if self.n_classes is None else f"{self.n_classes} "
        rule = f"must have {number}classes on the first axis for {self.name}"
        check(good, "counts", rule, shape)


@dataclass(frozen=True)
class PerImage(SumMetric):
    """Mean over images of the metric of each, which is additive.

    Labels and predictions are (n, elements, n_classes). An image counts by the largest weight of
    its elements. Images on which the metric is NaN are left out.
    """

    metric: SumMetric
    terms: ClassVar[tuple[str, ...]] = ("of_images",)  # type: ignore[misc]

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name in logs, that of the metric."""
        return self.metric.name

    @property
    def kind(self) -> Kind:  # type: ignore[override]
        """What the metric gets."""
        return self.metric.kind

    @property
    def undefined(self) -> float:  # type: ignore[override]
        """Value of no image."""
        return self.metric.undefined

    def rows(self, y_true: Any, y_pred: Any, weight: Any, xp: Any) -> tuple[list[Any], Any]:
        """Return the metric of each image, (n, 1), and its weight."""
        parts = [xp.moveaxis(part, 0, -1) for part in (y_true, y_pred)]
        of_image = xp.ones_like(y_true[:, 0, :1])
        if weight is not None:
            of_image = xp.max(xp.max(weight, axis=2), axis=1)[:, None]
            weight = xp.moveaxis(weight, 0, -1)
        sums = self.metric.summary(parts[0], parts[1], weight, xp)
        value, defined = (self.metric.of_sums(sums, xp, zero) for zero in (None, 0.0))
        undefined = xp.logical_and(value != value, defined == defined)[:, None]
        return [value[:, None]], xp.where(undefined, xp.zeros_like(of_image), of_image)

    def value(self, sums: Any, xp: Any) -> Any:
        """Return the mean over images."""
        return divide(sums[0], sums[1], xp)


def weighted(values: Any, weight: Any, xp: Any) -> Any:
    """Multiply by weights, which broadcast; what has no weight is 0, even if it is NaN."""
    if weight is None:
        return values
    weight = weight + xp.zeros_like(values)
    with np.errstate(invalid="ignore"):
        return xp.where(weight == 0, xp.zeros_like(values), weight * values)


def divide(top: Any, bottom: Any, xp: Any) -> Any:
    """Divide; NaN where the denominator is 0, also of a numerator that rounding keeps from 0."""
    none = bottom == 0
    quotient = top / xp.where(none, xp.ones_like(bottom), bottom)
    return xp.where(none, xp.full_like(quotient, math.nan), quotient)


def check_sum_metric(metric: SumMetric) -> None:
    """Raise `InputError` for a subclass of `SumMetric` that breaks the contract."""
    name = getattr(metric, "name", None)
    checks.check_argument(isinstance(name, str), "metric", "must have a name", name)
    kinds = get_args(Kind)
    check(metric.kind in kinds, str(name), f"must have a kind of {kinds}", metric.kind)
    good = isinstance(metric.terms, tuple) and len(metric.terms) > 0
    good = good and all(re.fullmatch(r"[\w.-]+", str(term), re.ASCII) for term in metric.terms)
    rule = "must have a tuple of names, of letters, digits, _ . and -, as terms"
    check(good, str(name), rule, metric.terms)
    if metric.n_classes is not None:
        checks.check_integer("n_classes", metric.n_classes)
    if type(metric).value is SumMetric.value and type(metric).of_sums is SumMetric.of_sums:
        raise_input_error(str(name), "must have a method value(sums, xp)", type(metric).__name__)
