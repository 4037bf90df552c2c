"""R2 and correlation of many batches at once; labels and predictions have shape (..., n)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchf1.metrics.counts import Floats


def determination(y: Any, predicted: Any) -> tuple[Floats, NDArray[np.bool_]]:
    """Return R2 = 1 - squared errors / squares about the mean, and where labels are constant.

    There it is 1 for a perfect prediction and else 0, as in `sklearn.metrics.r2_score`.
    """
    errors = ((y - predicted) ** 2).sum(axis=-1)
    squares = (_centred(y) ** 2).sum(axis=-1)
    constant = np.ptp(y, axis=-1) == 0
    value = 1 - errors / np.where(constant, 1, squares)
    return np.where(constant, (errors == 0).astype(np.float64), value), constant


def correlation(x: Any, y: Any) -> Floats:
    """Return Pearson's correlation; NaN for a constant argument, as in `scipy.stats.pearsonr`."""
    constant = (np.ptp(x, axis=-1) == 0) | (np.ptp(y, axis=-1) == 0)
    a, b = _centred(x), _centred(y)
    squares = (a**2).sum(axis=-1) * (b**2).sum(axis=-1)
    value = (a * b).sum(axis=-1) / np.sqrt(np.where(constant, 1, squares))
    return np.where(constant, np.nan, value)


def _centred(values: Any) -> Floats:
    centred: Floats = values - np.mean(values, axis=-1, keepdims=True)
    return centred
