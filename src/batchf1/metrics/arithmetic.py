"""Weighted sums of counts, and division with a value for 0/0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from batchf1.metrics.counts import Floats

Weights = tuple[float, float, float, float]


def safe_divide(numerator: ArrayLike, denominator: ArrayLike, zero_division: float = 0.0) -> Floats:
    """Divide in float64; where the denominator is 0 the result is `zero_division`."""
    top, bottom = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    result = np.full(np.broadcast_shapes(top.shape, bottom.shape), zero_division, np.float64)
    filled: Any = np.divide(top, bottom, out=result, where=bottom != 0)
    return np.asarray(filled)


def margin_weights(weights: Weights) -> Weights:
    """Convert weights of (TP, FP, FN, TN) to weights of (TP, TP + FN, TP + FP, n)."""
    tp, fp, fn, tn = weights
    return tp - fp - fn + tn, fn - tn, fp - tn, tn


def dot(weights: Sequence[Any], counts: Sequence[Any]) -> Any:
    """Return the sum of weight x count."""
    terms = [weight * count for weight, count in zip(weights, counts, strict=True)]
    return sum(terms[1:], terms[0])
