"""Areas under curves of many batches at once; labels (0 or 1) and scores have shape (..., n)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import rankdata

from batchf1.metrics.counts import Floats


def roc_auc(y: Any, scores: Any) -> Floats:
    """Return the area under the ROC curve, ties counting half; NaN with one class only.

    By the sum of ranks (Mann and Whitney 1947), as `sklearn.metrics.roc_auc_score` has it.
    """
    positive = np.asarray(y) == 1
    n_positive, n_negative = positive.sum(axis=-1), (~positive).sum(axis=-1)
    ranks = (rankdata(scores, axis=-1) * positive).sum(axis=-1)
    pairs = n_positive * n_negative
    above = ranks - n_positive * (n_positive + 1) / 2
    return np.where(pairs > 0, above / np.where(pairs > 0, pairs, 1), np.nan)


def average_precision(y: Any, scores: Any) -> Floats:
    """Return the mean, over positives, of precision at their score; NaN without a positive.

    As `sklearn.metrics.average_precision_score` has it, which gives 0 there.
    """
    positive, falling = np.asarray(y) == 1, -np.asarray(scores)
    order = np.argsort(falling, axis=-1, kind="stable")
    hits = np.take_along_axis(positive, order, axis=-1).cumsum(axis=-1)
    n_above = rankdata(falling, "max", axis=-1).astype(np.intp)  # with itself and its ties
    precision = np.take_along_axis(hits, n_above - 1, axis=-1) / n_above
    n_positive = positive.sum(axis=-1)
    mean = (precision * positive).sum(axis=-1) / np.where(n_positive > 0, n_positive, 1)
    return np.where(n_positive > 0, mean, np.nan)
