"""Metrics as values: a ratio of two weighings of the four counts, of one class or over several."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from batchf1.errors import check, raise_input_error, warn_renamed
from batchf1.metrics import checks
from batchf1.metrics.arithmetic import Weights, dot, margin_weights, safe_divide
from batchf1.metrics.counts import Counts, Floats, Integers, checked

Average = Literal["micro", "macro", "weighted"]


class Ratio(NamedTuple):
    """A metric that is a ratio of two sums of counts: the weights of (TP, FP, FN, TN) in each.

    Called with counts it gives its value for each of them.

    >>> specificity = Ratio((0, 0, 0, 1), (0, 1, 0, 1), "specificity")
    >>> float(specificity(Counts(tp=3, fp=1, fn=2, tn=4)))
    0.8
    """

    top: Weights
    bottom: Weights
    name: str = "ratio"
    """What logs call it."""

    def __call__(self, counts: Counts, zero_division: float = 0.0) -> Floats:
        """The value for counts of any shape, float64 of that shape, in [0, 1].

        `zero_division` is the value where the bottom sum is 0, so that the metric is 0/0: 0, 1 or
        NaN, as in `sklearn.metrics.f1_score`. Raises `InputError` for another, and for counts that
        `as_counts` refuses.
        """
        counts, undefined = checked(counts), checks.zero_division(zero_division)
        return self.from_counts(*counts, zero_division=undefined)

    def from_counts(
        self,
        tp: ArrayLike,
        fp: ArrayLike,
        fn: ArrayLike,
        tn: ArrayLike = 0,
        zero_division: float = 0.0,
    ) -> Floats:
        """The value for counts, or means or shares of them, that broadcast; nothing is checked."""
        cells = (tp, fp, fn, tn)
        return safe_divide(dot(self.top, cells), dot(self.bottom, cells), zero_division)

    def from_margins(
        self,
        tp: ArrayLike,
        positives: ArrayLike,
        predicted_positives: ArrayLike,
        n: ArrayLike = 0,
        zero_division: float = 0.0,
    ) -> Floats:
        """The value for TP, TP + FN, TP + FP and the number of samples; nothing is checked.

        They too may be means or shares. `n` does not matter where TN has no weight.
        """
        margins = (tp, positives, predicted_positives, n)
        top, bottom = margin_weights(self.top), margin_weights(self.bottom)
        return safe_divide(dot(top, margins), dot(bottom, margins), zero_division)

    def sizes(self, counts: Counts) -> Integers:
        """How many samples each value is of."""
        return counts.n

    def of(self, *counts: Any, **options: Any) -> Floats:
        """Call `from_counts`, by its old name."""
        warn_renamed("of", "from_counts")
        return self.from_counts(*counts, **options)

    def of_margins(self, *margins: Any, **options: Any) -> Floats:
        """Call `from_margins`, by its old name."""
        warn_renamed("of_margins", "from_margins")
        return self.from_margins(*margins, **options)


class ClassAveraged(NamedTuple):
    """A ratio of each class, averaged over the classes as scikit-learn does; called as a `Ratio`.

    The first axis of counts runs over the classes, each against the rest: (n_classes, ...), with
    batches on the last where there are any, as `class_counts` makes them. `average`: `micro`, the
    ratio of the classes' counts added up; `macro`, the mean of the classes' values; `weighted`,
    their mean weighted by TP + FN. `n_classes`: None for as many as the counts have.

    >>> macro = ClassAveraged(F1, "macro")
    >>> float(macro(Counts(tp=[2, 1, 0], fp=[0, 1, 1], fn=[0, 1, 1], tn=[3, 2, 3])))
    0.5
    """

    ratio: Ratio
    average: Average
    n_classes: int | None = None

    @property
    def name(self) -> str:
        """What logs call it: `f1_macro`, `f2_micro`, `precision_weighted`."""
        return f"{self.ratio.name}_{self.average}"

    def __call__(self, counts: Counts, zero_division: float = 0.0) -> Floats:
        """The value for counts (n_classes, ...): float64 of the shape after the classes, in [0, 1].

        `zero_division` is the value of a class where the ratio is 0/0: 0, 1, or NaN to leave it
        out, and all left out is NaN. With `weighted`, classes count alike where none that is left
        in has a label. As in `sklearn.metrics.f1_score`. Raises `InputError` for another
        `zero_division`, counts that `as_counts` refuses, no class, or other than `n_classes`.
        """
        check_metric(self)
        counts, undefined = checked(counts), checks.zero_division(zero_division)
        self.check_shape(counts.tp.shape)
        return self.from_counts(*counts, zero_division=undefined)

    def from_counts(
        self,
        tp: ArrayLike,
        fp: ArrayLike,
        fn: ArrayLike,
        tn: ArrayLike = 0,
        zero_division: float = 0.0,
    ) -> Floats:
        """The value for counts, or means or shares of them, that broadcast; nothing is checked."""
        return self._over(self.ratio.from_counts, (tp, fp, fn, tn), np.add(tp, fn), zero_division)

    def from_margins(
        self,
        tp: ArrayLike,
        positives: ArrayLike,
        predicted_positives: ArrayLike,
        n: ArrayLike = 0,
        zero_division: float = 0.0,
    ) -> Floats:
        """The value for TP, TP + FN, TP + FP and the number of samples; nothing is checked.

        All but `n` have a class axis. They too may be means or shares; `n` does not matter where TN
        has no weight.
        """
        margins = (tp, positives, predicted_positives, n)
        return self._over(self.ratio.from_margins, margins, positives, zero_division)

    def of(self, *counts: Any, **options: Any) -> Floats:
        """Call `from_counts`, by its old name."""
        warn_renamed("of", "from_counts")
        return self.from_counts(*counts, **options)

    def of_margins(self, *margins: Any, **options: Any) -> Floats:
        """Call `from_margins`, by its old name."""
        warn_renamed("of_margins", "from_margins")
        return self.from_margins(*margins, **options)

    def _over(self, value: Any, parts: Any, positives: Any, zero_division: float) -> Floats:
        parts = np.broadcast_arrays(*parts)
        if self.average == "micro":
            return np.asarray(value(*(part.sum(axis=0) for part in parts), zero_division))
        values = value(*parts, zero_division)
        return _mean_over_classes(values, positives if self.average == "weighted" else 1)

    def sizes(self, counts: Counts) -> Integers:
        """How many samples each value is of, which all classes must agree on."""
        n = counts.n
        strange = n[n != n[:1]]
        if strange.size:
            rule = "have the classes on the first axis, each of the same samples"
            raise_input_error("counts", rule, f"{n.flat[0]} and {strange[0]} samples")
        return np.asarray(n[0])

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse counts whose first axis does not run over the classes."""
        wanted = len(shape) > 0 and shape[0] > 0 and self.n_classes in (None, shape[0])
        number = "" if self.n_classes is None else f"{self.n_classes} "
        check(wanted, "counts", f"{self.name} needs {number}classes on the first axis", shape)


Metric = Ratio | ClassAveraged


F1 = Ratio((2, 0, 0, 0), (2, 1, 1, 0), "f1")
PRECISION = Ratio((1, 0, 0, 0), (1, 1, 0, 0), "precision")
RECALL = Ratio((1, 0, 0, 0), (1, 0, 1, 0), "recall")
JACCARD = Ratio((1, 0, 0, 0), (1, 1, 1, 0), "jaccard")
ACCURACY = Ratio((1, 0, 0, 1), (1, 1, 1, 1), "accuracy")


def check_metric(metric: object) -> None:
    """Raise `InputError` unless this is a `Ratio` with values in [0, 1], or one over classes."""
    if not isinstance(metric, ClassAveraged):
        check_ratio(metric)
        return
    check_ratio(metric.ratio)
    known = metric.average in get_args(Average)
    check(known, "average", "is binary, micro, macro or weighted", metric.average)
    if metric.n_classes is not None:
        checks.check_integer("n_classes", metric.n_classes)


def check_ratio(metric: object) -> None:
    """Raise `InputError` unless this is a `Ratio` whose values lie in [0, 1]."""
    rule = "is a Ratio of 4 and 4 weights, 0 <= top <= bottom, not all 0"
    if isinstance(metric, ClassAveraged):
        raise_input_error("metric", "is of one class here, a Ratio", f"{metric.name}, over classes")
    checks.check_argument(isinstance(metric, Ratio), "metric", rule, metric)
    assert isinstance(metric, Ratio)
    given = (metric.top, metric.bottom)
    weights = checks.array("metric", rule, given)
    check(weights.shape == (2, 4), "metric", rule, given)
    top, bottom = weights
    good = (top >= 0) & (top <= bottom) & (bottom < np.inf)
    check(bool(good.all() and bottom.any()), "metric", rule, given)


def _mean_over_classes(values: Floats, weights: Any) -> Floats:
    """Mean of what is not NaN along the first axis; where all weights are 0, they count alike."""
    known = ~np.isnan(values)
    weights = np.where(known, weights, 0)
    weights = np.where((weights == 0).all(axis=0), known, weights)
    terms = np.where(known, values, 0.0) * weights
    return safe_divide(terms.sum(axis=0), weights.sum(axis=0), np.nan)
