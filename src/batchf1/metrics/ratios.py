"""Metrics that are a ratio of two weighted sums of counts, binary or averaged over classes."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from batchf1.errors import check, raise_input_error, warn_renamed
from batchf1.metrics import checks
from batchf1.metrics.arithmetic import Weights, dot, margin_weights, safe_divide
from batchf1.metrics.counts import Counts, Floats, Integers, checked
from batchf1.metrics.labels import Columns, multilabel_of
from batchf1.metrics.sums import SumMetric, check_sum_metric, divide

Average = Literal["micro", "macro", "weighted"]


class _Weights(NamedTuple):
    top: Weights
    bottom: Weights
    name: str = "ratio"


class Ratio(_Weights, SumMetric):
    """A binary metric that is a ratio of two weighted sums of counts.

    Calling it with labels and predictions returns its value, with `Counts` that of each of them.

    Parameters
    ----------
    top : tuple of 4 floats
        Weights of (TP, FP, FN, TN) in the numerator, each from 0 to that of the denominator.
    bottom : tuple of 4 floats
        Weights of (TP, FP, FN, TN) in the denominator, finite and not all 0.
    name : str
        Name of the metric in logs.

    Examples
    --------
    >>> specificity = Ratio((0, 0, 0, 1), (0, 1, 0, 1), "specificity")
    >>> float(specificity(Counts(tp=3, fp=1, fn=2, tn=4)))
    0.8
    >>> specificity([1, 0, 0, 0, 0, 0], [0.9, 0.2, 0.1, 0.3, 0.8, 0.4])
    0.8
    """

    __slots__ = ()

    undefined: ClassVar[float] = 0.0

    def from_counts(  # type: ignore[override]
        self,
        tp: ArrayLike,
        fp: ArrayLike,
        fn: ArrayLike,
        tn: ArrayLike = 0,
        zero_division: float = 0.0,
    ) -> Floats:
        """Return the value for counts, or means or shares of them, that broadcast, unchecked."""
        cells = (tp, fp, fn, tn)
        return safe_divide(dot(self.top, cells), dot(self.bottom, cells), zero_division)

    def from_margins(  # type: ignore[override]
        self,
        tp: ArrayLike,
        positives: ArrayLike,
        predicted_positives: ArrayLike,
        n: ArrayLike = 0,
        zero_division: float = 0.0,
    ) -> Floats:
        """Return the value for TP, TP + FN, TP + FP and the number of samples, unchecked.

        They too may be means or shares. `n` does not matter where TN has no weight.
        """
        margins = (tp, positives, predicted_positives, n)
        top, bottom = margin_weights(self.top), margin_weights(self.bottom)
        return safe_divide(dot(top, margins), dot(bottom, margins), zero_division)

    def of_sums(self, sums: Any, xp: Any = np, zero_division: float | None = None) -> Any:
        """Return the value of TP, TP + FN, TP + FP and samples, (4, 1, ...); NaN of NaN.

        Of several columns it is that of their sums, the micro average.
        """
        return self._of_rows(xp.sum(sums, axis=1), xp, zero_division)

    def _of_rows(self, rows: Any, xp: Any, zero_division: float | None = None) -> Any:
        parts = [rows[i] for i in range(4)]  # a tensor cannot be iterated over
        top, bottom = (dot(margin_weights(weights), parts) for weights in (self.top, self.bottom))
        value = divide(top, bottom, xp)
        undefined = self.undefined if zero_division is None else zero_division
        return xp.where(bottom == 0, xp.full_like(value, undefined), value)

    def of(self, *counts: Any, **options: Any) -> Floats:
        """Call `from_counts`, by its old name."""
        warn_renamed("of", "from_counts")
        return self.from_counts(*counts, **options)

    def of_margins(self, *margins: Any, **options: Any) -> Floats:
        """Call `from_margins`, by its old name."""
        warn_renamed("of_margins", "from_margins")
        return self.from_margins(*margins, **options)


class _Averaged(NamedTuple):
    ratio: Ratio
    average: Average
    n_classes: int | None = None


class ClassAveraged(_Averaged, SumMetric):
    """A `Ratio` of each class, averaged over the classes as scikit-learn does.

    Calling it with labels and predictions returns its value, and so does calling it with `Counts`,
    whose first axis runs over the classes, each against the rest: (n_classes, ...), with batches on
    the last axis where there are any, as `class_counts` makes them.

    Parameters
    ----------
    ratio : Ratio
        The metric of each class.
    average : {"micro", "macro", "weighted"}
        `micro`: the ratio of the classes' counts added up. `macro`: the mean of the classes'
        values. `weighted`: their mean weighted by TP + FN.
    n_classes : int, optional
        Number of classes; None for as many as the counts have.

    Examples
    --------
    >>> macro = ClassAveraged(F1, "macro")
    >>> float(macro(Counts(tp=[2, 1, 0], fp=[0, 1, 1], fn=[0, 1, 1], tn=[3, 2, 3])))
    0.5
    >>> macro([0, 0, 1, 1, 2], [0, 0, 1, 2, 1])
    0.5
    """

    __slots__ = ()

    over_classes: ClassVar[bool] = True
    undefined: ClassVar[float] = 0.0

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name in logs, such as `f1_macro`, `f2_micro` or `precision_weighted`."""
        return f"{self.ratio.name}_{self.average}"

    def __call__(
        self,
        y_true: Any,
        y_pred: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        zero_division: float | None = None,
    ) -> Any:
        """Return the average over the classes, as scikit-learn's functions do.

        Parameters
        ----------
        y_true
            Labels, (n, ...). Of samples that may have any number of classes 0 or 1 for each class,
            (n, ..., n_classes). Instead of arrays also `Counts` of shape (n_classes, ...).
        y_pred
            Predicted labels of the same shape, or scores with a last axis of classes beside labels
            without it. Beside `Counts`: `zero_division`.
        sample_weight
            Weights, of the shape of the labels or of its first axes.
        zero_division : {0, 1, NaN}
            Value of a class where the ratio is 0/0, by default 0; NaN leaves the class out.

        Returns
        -------
        float, or float64 array of the shape of the counts without their axis of classes
            In [0, 1]; NaN where all classes are left out. With `weighted`, classes count alike
            where none that is left in has a label. As in `sklearn.metrics.f1_score`. Without
            `n_classes` the classes are those that occur in labels or predictions.

        Raises
        ------
        InputError
            For another `zero_division`, other shapes, labels, weights and counts, no class, or
            other than `n_classes`.
        """
        check_metric(self)
        if isinstance(y_true, Counts):
            self.check_shape(checked(y_true).tp.shape)
        return super().__call__(y_true, y_pred, sample_weight, zero_division=zero_division)

    def columns(self, y_true: Any, y_pred: Any, sample_weight: ArrayLike | None) -> Columns:
        """Convert labels, predictions and weights to the columns that `summary` takes."""
        columns = multilabel_of(y_true, y_pred, sample_weight, self.n_classes)
        return columns or super().columns(y_true, y_pred, sample_weight)

    def from_counts(  # type: ignore[override]
        self,
        tp: ArrayLike,
        fp: ArrayLike,
        fn: ArrayLike,
        tn: ArrayLike = 0,
        zero_division: float = 0.0,
    ) -> Floats:
        """Return the value for counts, or means or shares of them, that broadcast, unchecked."""
        return self._averaged(
            self.ratio.from_counts, (tp, fp, fn, tn), np.add(tp, fn), zero_division
        )

    def from_margins(  # type: ignore[override]
        self,
        tp: ArrayLike,
        positives: ArrayLike,
        predicted_positives: ArrayLike,
        n: ArrayLike = 0,
        zero_division: float = 0.0,
    ) -> Floats:
        """Return the value for TP, TP + FN, TP + FP and the number of samples, unchecked.

        All but `n` have a class axis. They too may be means or shares; `n` does not matter where TN
        has no weight.
        """
        margins = (tp, positives, predicted_positives, n)
        return self._averaged(self.ratio.from_margins, margins, positives, zero_division)

    def of(self, *counts: Any, **options: Any) -> Floats:
        """Call `from_counts`, by its old name."""
        warn_renamed("of", "from_counts")
        return self.from_counts(*counts, **options)

    def of_margins(self, *margins: Any, **options: Any) -> Floats:
        """Call `from_margins`, by its old name."""
        warn_renamed("of_margins", "from_margins")
        return self.from_margins(*margins, **options)

    def of_sums(self, sums: Any, xp: Any = np, zero_division: float | None = None) -> Any:
        """Return the value of TP, TP + FN, TP + FP and samples, (4, n_classes, ...); NaN of NaN."""
        if self.average == "micro":
            return self.ratio.of_sums(sums, xp, zero_division)
        values = self.ratio._of_rows(sums, xp, zero_division)
        weights = sums[1] if self.average == "weighted" else xp.ones_like(values)
        if zero_division is not None and math.isnan(zero_division):
            return _mean_over_classes(values, weights)
        # as scikit-learn: without a label in any class they count alike
        none = xp.sum(weights, axis=0) == 0
        weights = xp.where(none, xp.ones_like(weights), weights)
        return xp.sum(weights * values, axis=0) / xp.sum(weights, axis=0)

    def _averaged(self, value: Any, parts: Any, positives: Any, zero_division: float) -> Floats:
        parts = np.broadcast_arrays(*parts)
        if self.average == "micro":
            return np.asarray(value(*(part.sum(axis=0) for part in parts), zero_division))
        values = value(*parts, zero_division)
        return _mean_over_classes(values, positives if self.average == "weighted" else 1)

    def sizes(self, counts: Counts) -> Integers:
        """Return the number of samples behind each value, which all classes must share."""
        n = counts.n
        different = n[n != n[:1]]
        if different.size:
            rule = "must have the classes on the first axis, each of the same samples"
            raise_input_error("counts", rule, f"{n.flat[0]} and {different[0]} samples")
        return np.asarray(n[0])


Metric = SumMetric
RatioMetric = Ratio | ClassAveraged
"""Metric whose expectation over random batches is known."""


F1 = Ratio((2, 0, 0, 0), (2, 1, 1, 0), "f1")
PRECISION = Ratio((1, 0, 0, 0), (1, 1, 0, 0), "precision")
RECALL = Ratio((1, 0, 0, 0), (1, 0, 1, 0), "recall")
JACCARD = Ratio((1, 0, 0, 0), (1, 1, 1, 0), "jaccard")
ACCURACY = Ratio((1, 0, 0, 1), (1, 1, 1, 1), "accuracy")


def check_metric(metric: object) -> None:
    """Raise `InputError` unless this is a valid `Ratio`, `ClassAveraged` or other `SumMetric`."""
    if isinstance(metric, SumMetric) and not isinstance(metric, Ratio | ClassAveraged):
        check_sum_metric(metric)
        return
    if not isinstance(metric, ClassAveraged):
        check_ratio(metric)
        return
    check_ratio(metric.ratio)
    valid = metric.average in get_args(Average)
    check(valid, "average", "must be binary, micro, macro or weighted", metric.average)
    if metric.n_classes is not None:
        checks.check_integer("n_classes", metric.n_classes)


def check_ratio(metric: object) -> None:
    """Raise `InputError` unless this is a `Ratio` whose values lie in [0, 1]."""
    rule = "must be a Ratio of 4 and 4 weights, 0 <= top <= bottom, not all 0"
    if isinstance(metric, SumMetric) and not isinstance(metric, Ratio):
        over = ", over classes" * metric.over_classes
        raise_input_error("metric", "must be a Ratio, of one class, here", metric.name + over)
    checks.check_argument(isinstance(metric, Ratio), "metric", rule, metric)
    assert isinstance(metric, Ratio)
    given: Any = (metric.top, metric.bottom)
    weights = checks.array("metric", rule, given)
    check(weights.shape == (2, 4), "metric", rule, given)
    top, bottom = weights
    good = (top >= 0) & (top <= bottom) & (bottom < np.inf)
    check(bool(good.all() and bottom.any()), "metric", rule, given)


def _mean_over_classes(values: Floats, weights: Any) -> Floats:
    """Average the values that are not NaN over the classes; weights that are all 0 count alike."""
    defined = ~np.isnan(values)
    weights = np.where(defined, weights, 0)
    weights = np.where((weights == 0).all(axis=0), defined, weights)
    terms = np.where(defined, values, 0.0) * weights
    return safe_divide(terms.sum(axis=0), weights.sum(axis=0), np.nan)
