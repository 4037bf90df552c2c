"""Metrics as values: a ratio of two weighings of the four counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from batchf1.errors import require
from batchf1.metrics import checks
from batchf1.metrics.counts import Counts, Floats, checked

Weights = tuple[float, float, float, float]


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
        return self.of(*counts, zero_division=undefined)

    def of(
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

    def of_margins(
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


def f_beta(beta: float) -> Ratio:
    """F-beta = (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP), as in `sklearn.metrics.fbeta_score`.

    Logs call it `f1`, `f2`, `f0.5` and so on. Raises `InputError` unless 0 < beta < infinity.

    >>> float(f_beta(2)(Counts(tp=4, fp=1, fn=1, tn=94)))
    0.8
    """
    checks.must(0 < checks.real(beta) < np.inf, "beta", "must be above 0 and finite", beta)
    square = float(beta) ** 2
    return Ratio((1 + square, 0, 0, 0), (1 + square, 1, square, 0), f"f{beta:g}")


F1 = f_beta(1)
PRECISION = Ratio((1, 0, 0, 0), (1, 1, 0, 0), "precision")
RECALL = Ratio((1, 0, 0, 0), (1, 0, 1, 0), "recall")
JACCARD = Ratio((1, 0, 0, 0), (1, 1, 1, 0), "jaccard")
ACCURACY = Ratio((1, 0, 0, 1), (1, 1, 1, 1), "accuracy")


def check_metric(metric: object) -> None:
    """Raise `InputError` unless this is a `Ratio` whose values lie in [0, 1]."""
    rule = "is a Ratio of 4 and 4 weights, 0 <= top <= bottom, not all 0"
    checks.must(isinstance(metric, Ratio), "metric", rule, metric)
    assert isinstance(metric, Ratio)
    given = (metric.top, metric.bottom)
    weights = checks.array("metric", rule, given)
    require(weights.shape == (2, 4), "metric", rule, given)
    top, bottom = weights
    good = (top >= 0) & (top <= bottom) & (bottom < np.inf)
    require(bool(good.all() and bottom.any()), "metric", rule, given)


def safe_divide(numerator: ArrayLike, denominator: ArrayLike, zero_division: float = 0.0) -> Floats:
    """numerator / denominator in float64, and `zero_division` where the denominator is 0."""
    top, bottom = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    shape = np.broadcast_shapes(top.shape, bottom.shape)
    result = np.full(shape, zero_division, np.float64)
    filled: Any = np.divide(top, bottom, out=result, where=bottom != 0)
    return np.asarray(filled)


def margin_weights(weights: Weights) -> Weights:
    """The weights of (TP, TP + FN, TP + FP, n) that weigh as those of (TP, FP, FN, TN) do."""
    tp, fp, fn, tn = weights
    return tp - fp - fn + tn, fn - tn, fp - tn, tn


def dot(weights: Sequence[Any], counts: Sequence[Any]) -> Any:
    """Sum of weight x count."""
    terms = [weight * count for weight, count in zip(weights, counts, strict=True)]
    return sum(terms[1:], terms[0])
