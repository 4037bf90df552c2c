"""Metrics of a regression that are functions of moments of labels and predictions.

The moments of two sets of samples are merged as by Chan, Golub and LeVeque (1983), in which no
square of a mean is subtracted from a mean of squares: 1e-9 of the value is kept where the mean is a
million times the spread. Means of what samples add, which is all that a framework may log, cannot
be merged so: of a mean m and a standard deviation s they keep a relative (b + 32) 2**-53 (1 + m^2 /
s^2), with b the number of batches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from batchf1.metrics.sums import Kind, SumMetric, divide, weighted

EPSILON = 2.0**-52
ROUNDING = 16
"""Multiples of `EPSILON`, of the mean square, below which a spread is rounding."""
PAIRS = ((1, 1), (2, 2), (1, 2), (3, 3))
"""Rows of the means of `MomentMetric.summary` whose centred products follow in it."""


@dataclass(frozen=True)
class MomentMetric(SumMetric):
    """Function of the moments of labels y, predictions p and errors e = p - y.

    `terms`: names of the products whose means determine it, letters of y, p and e.
    """

    kind: ClassVar[Kind] = "numbers"
    lowest: ClassVar[float] = -math.inf

    def adds(self, y_true: Any, y_pred: Any, xp: Any) -> Sequence[Any]:
        """Return the products of `terms`."""
        factors = {"y": y_true, "p": y_pred, "e": y_pred - y_true}
        return [
            math.prod([factors[x] for x in term[1:]], start=factors[term[0]]) for term in self.terms
        ]

    def summary(self, y_true: Any, y_pred: Any, weight: Any = None, xp: Any = np) -> Any:
        """Return the moments (8, 1, ...): n, the means of y, p and e, sums of centred products.

        Of these yy, pp, yp and ee. A number that is NaN or infinite makes them NaN.
        """
        with np.errstate(invalid="ignore"):
            error = y_pred - y_true
            bad = error - error  # 0, or NaN
            parts = [part + bad for part in (xp.ones_like(y_true), y_true, y_pred, error)]
            n = xp.sum(weighted(parts[0], weight, xp), axis=0)
            some = xp.where(n == 0, xp.ones_like(n), n)
            means = [xp.sum(weighted(part, weight, xp), axis=0) / some for part in parts[1:]]
            off = [parts[0], *(part - mean for part, mean in zip(parts[1:], means, strict=True))]
            products = [xp.sum(weighted(off[i] * off[j], weight, xp), axis=0) for i, j in PAIRS]
            return xp.stack([n, *means, *products])

    def merge(self, one: Any, other: Any, xp: Any = np) -> Any:
        """Merge moments by the formulas of Chan, Golub and LeVeque (1983)."""
        n = one[0] + other[0]
        share = other[0] / xp.where(n == 0, xp.ones_like(n), n)
        off = [other[i] - one[i] for i in range(4)]
        means = [one[i] + off[i] * share for i in range(1, 4)]
        products = [
            one[4 + k] + other[4 + k] + off[i] * off[j] * (one[0] * share)
            for k, (i, j) in enumerate(PAIRS)
        ]
        return xp.stack([n, *means, *products])

    def from_means(self, means: Any, xp: Any = np) -> Any:
        """Convert means of `terms`, then 1, to moments; a variance that is rounding becomes 0."""
        given = {term: means[i] for i, term in enumerate(self.terms)}
        one = means[len(self.terms)]
        mean = {x: given.get(x, 0 * one) for x in "ype"}
        if not given.keys() & {"e", "ee"}:
            mean["e"] = mean["p"] - mean["y"]
        products = []
        for x, z in ("yy", "pp", "yp", "ee"):
            raw = given.get(x + z, 0 * one)
            centred = raw - mean[x] * mean[z]
            if x == z:
                centred = xp.where(centred <= ROUNDING * EPSILON * raw, 0 * one, centred)
            products.append(centred)
        return xp.stack([one, *mean.values(), *products])

    def value(self, sums: Any, xp: Any) -> Any:
        """Return the metric of moments; NaN of no sample."""
        return self.of_moments(Moments(*sums, xp=xp), xp)

    def of_moments(self, m: Moments, xp: Any) -> Any:
        """Return the metric of the moments."""
        raise NotImplementedError


class Moments:
    """Means `y`, `p` and `e`, variances `yy`, `pp` and `ee`, covariance `yp`, mean square `mse`."""

    def __init__(self, n: Any, y: Any, p: Any, e: Any, *products: Any, xp: Any) -> None:
        self.y, self.p, self.e = y, p, e
        yy, pp, self.yp, ee = (divide(part, n, xp) for part in products)
        self.mse = ee + e * e
        self.yy, self.pp, self.ee = (
            _unless_rounding(*pair, xp) for pair in ((yy, y), (pp, p), (ee, e))
        )


def _unless_rounding(variance: Any, mean: Any, xp: Any) -> Any:
    """Return 0 for the variance of equal numbers, as far as their mean is off by rounding."""
    rounding = variance <= (ROUNDING * EPSILON * mean) ** 2
    return xp.where(rounding, xp.zeros_like(variance), variance)


def _explained(errors: Any, labels: Any, xp: Any) -> Any:
    """Return 1 - errors / labels; of constant labels 1 without an error, and else 0."""
    perfect = xp.where(errors == 0, xp.ones_like(errors), xp.zeros_like(errors))
    constant = labels == 0
    share = errors / xp.where(constant, xp.ones_like(labels), labels)
    return xp.where(constant, perfect, 1 - share)


class _Mse(MomentMetric):
    name, terms, lowest, highest = "mse", ("ee",), 0.0, math.inf

    def of_moments(self, m: Moments, xp: Any) -> Any:
        return m.mse


class _Rmse(_Mse):
    name = "rmse"

    def of_moments(self, m: Moments, xp: Any) -> Any:
        return xp.sqrt(m.mse)


class _R2(MomentMetric):
    name, terms = "r2", ("y", "yy", "ee")

    def of_moments(self, m: Moments, xp: Any) -> Any:
        return _explained(m.mse, m.yy, xp)


class _ExplainedVariance(MomentMetric):
    name, terms = "explained_variance", ("y", "yy", "e", "ee")

    def of_moments(self, m: Moments, xp: Any) -> Any:
        return _explained(m.ee, m.yy, xp)


class _Pearson(MomentMetric):
    name, terms, lowest = "pearson", ("y", "p", "yy", "pp", "yp"), -1.0

    def of_moments(self, m: Moments, xp: Any) -> Any:
        value = divide(m.yp, xp.sqrt(m.yy) * xp.sqrt(m.pp), xp)
        one = xp.ones_like(value)
        return xp.where(value > one, one, xp.where(value < -one, -one, value))  # of rounding


class _ConcordanceCorrelation(MomentMetric):
    name, terms, lowest = "concordance_correlation", ("y", "p", "yy", "pp", "yp"), -1.0

    def of_moments(self, m: Moments, xp: Any) -> Any:
        return divide(2 * m.yp, m.yy + m.pp + m.e * m.e, xp)


def mse() -> SumMetric:
    """Return the mean squared error as a metric.

    Returns
    -------
    SumMetric
        Named `mse` in logs; at least 0. It is additive: a mean over batches by their size is right.

    Notes
    -----
    As in `sklearn.metrics.mean_squared_error`.

    Examples
    --------
    >>> from batchf1 import mse
    >>> mse()([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    return _Mse()


def rmse() -> SumMetric:
    """Return the root of the mean squared error as a metric.

    Returns
    -------
    SumMetric
        Named `rmse` in logs; at least 0.

    Notes
    -----
    As in `sklearn.metrics.root_mean_squared_error`.

    Examples
    --------
    >>> from batchf1 import rmse
    >>> rmse()([1.0, 2.0], [3.0, 4.0])
    2.0
    """
    return _Rmse()


def r2() -> SumMetric:
    """Return R2, the coefficient of determination, as a metric.

    Returns
    -------
    SumMetric
        Named `r2` in logs; at most 1. Of constant labels it is 1 without an error, and else 0.

    Notes
    -----
    As in `sklearn.metrics.r2_score`, of all elements together where there are several outputs.

    Examples
    --------
    >>> from batchf1 import r2
    >>> round(r2()([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]), 3)
    0.5
    """
    return _R2()


def explained_variance() -> SumMetric:
    """Return the explained variance as a metric: as R2, but a constant error does not count.

    Returns
    -------
    SumMetric
        Named `explained_variance` in logs; at most 1. Of constant labels it is 1 if the errors are
        equal, and else 0.

    Notes
    -----
    As in `sklearn.metrics.explained_variance_score`.

    Examples
    --------
    >>> from batchf1 import explained_variance
    >>> explained_variance()([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    1.0
    """
    return _ExplainedVariance()


def pearson() -> SumMetric:
    """Return Pearson's correlation of labels and predictions as a metric.

    Returns
    -------
    SumMetric
        Named `pearson` in logs; in [-1, 1], and NaN for constant labels or predictions.

    Notes
    -----
    As in `scipy.stats.pearsonr`. `keras.metrics.PearsonCorrelation` is a mean over batches.

    Examples
    --------
    >>> from batchf1 import pearson
    >>> round(pearson()([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]), 3)
    0.982
    """
    return _Pearson()


def concordance_correlation() -> SumMetric:
    """Return Lin's concordance correlation of labels and predictions as a metric.

    Returns
    -------
    SumMetric
        Named `concordance_correlation` in logs; in [-1, 1], and NaN where all labels and
        predictions are one number.

    Notes
    -----
    2 cov / (var + var + (difference of the means)^2), with variances over n, as Lin (1989) has it;
    torchmetrics' `ConcordanceCorrCoef` divides by n - 1. `keras.metrics.ConcordanceCorrelation` is
    a mean over batches.

    Examples
    --------
    >>> from batchf1 import concordance_correlation
    >>> round(concordance_correlation()([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]), 3)
    0.571
    """
    return _ConcordanceCorrelation()
