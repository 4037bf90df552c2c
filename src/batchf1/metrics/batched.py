"""Metrics of many batches at once, with the values that scikit-learn and SciPy give.

A metric takes labels (b, n) and the output of a model, (b, n) or (b, n, c), for b batches of n
samples: scores of the positive class above 0.5 if it is predicted, probabilities of c classes, or
predicted numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from batchf1.metrics import ranks
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import F1, RECALL, Ratio
from batchf1.metrics.regression import correlation, determination


class Values(NamedTuple):
    """Values of b batches, and whether the metric is undefined for them."""

    value: Floats
    """(b,) float64; NaN where scikit-learn or SciPy give no number, for a batch to leave out."""
    undefined: NDArray[np.bool_]
    """(b,)"""


BatchMetric = Callable[[Any, Floats], Values]


def defined(value: Floats) -> Values:
    """Return values of which none is undefined."""
    return Values(value, np.zeros(np.shape(value), np.bool_))


def predicted_positive(scores: Any) -> NDArray[np.bool_]:
    """Return True for scores above 0.5."""
    return np.asarray(scores) > 0.5


def of_ratio(ratio: Ratio) -> BatchMetric:
    """Return a ratio of counts as a metric of batches; 0/0 is 0, as in scikit-learn."""

    def of_batches(y: Any, scores: Floats) -> Values:
        counts = _counts(y, scores)
        return Values(ratio(counts), np.asarray(np.isnan(ratio(counts, zero_division=np.nan))))

    return of_batches


def matthews(y: Any, scores: Floats) -> Values:
    """Return Matthews' correlation coefficient; 0 where it is 0/0."""
    tp, fp, fn, tn = (cell.astype(np.float64) for cell in _counts(y, scores))
    square = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    root = np.sqrt(np.where(square > 0, square, 1))
    return Values(np.where(square > 0, (tp * tn - fp * fn) / root, 0), np.asarray(square == 0))


def cohen_kappa(y: Any, scores: Floats) -> Values:
    """Return Cohen's kappa; NaN where chance agrees fully."""
    tp, fp, fn, tn = (cell.astype(np.float64) for cell in _counts(y, scores))
    n = tp + fp + fn + tn
    chance = ((tp + fp) * (tp + fn) + (tn + fp) * (tn + fn)) / n**2
    rest = np.where(chance < 1, 1 - chance, np.nan)
    return Values(((tp + tn) / n - chance) / rest, np.asarray(chance == 1))


def balanced_accuracy(y: Any, scores: Floats) -> Values:
    """Return the mean recall of the classes that a batch has, as scikit-learn does."""
    tp, fp, fn, tn = _counts(y, scores)
    recalls = [
        RECALL.from_counts(tp, 0, fn, zero_division=np.nan),
        RECALL.from_counts(tn, 0, fp, 0, np.nan),
    ]
    undefined = np.isnan(np.stack(recalls)).any(axis=0)
    return Values(np.nanmean(recalls, axis=0), np.asarray(undefined))


def roc_auc(y: Any, scores: Floats) -> Values:
    """Return the area under the ROC curve; NaN with one class only."""
    return _nan_undefined(ranks.roc_auc(y, scores))


def average_precision(y: Any, scores: Floats) -> Values:
    """Return the average precision; 0 without a positive."""
    value = ranks.average_precision(y, scores)
    return Values(np.nan_to_num(value), np.isnan(value))


def accuracy(y: Any, probabilities: Floats) -> Values:
    """Return the share of samples whose class is the most probable one."""
    return defined((probabilities.argmax(axis=-1) == y).mean(axis=-1))


def log_loss(y: Any, probabilities: Floats) -> Values:
    """Return the mean negative log-probability of the labels."""
    of_label = np.take_along_axis(probabilities, np.asarray(y)[..., None], axis=-1)[..., 0]
    return defined(-np.log(np.clip(of_label, np.finfo(np.float64).eps, 1)).mean(axis=-1))


def perplexity(y: Any, probabilities: Floats) -> Values:
    """Return the exponential of the log loss."""
    return defined(np.exp(log_loss(y, probabilities).value))


def macro_f1(y: Any, probabilities: Floats) -> Values:
    """Return the macro F1; a class that a batch neither has nor predicts has F1 0."""
    of_class, _ = _f1_of_classes(y, probabilities)
    undefined = np.asarray(np.isnan(of_class).any(axis=-1))
    return Values(np.nan_to_num(of_class).mean(axis=-1), undefined)


def weighted_f1(y: Any, probabilities: Floats) -> Values:
    """Return the mean of the classes' F1, weighted by their numbers of samples."""
    of_class, support = _f1_of_classes(y, probabilities)
    return defined((np.nan_to_num(of_class) * support).sum(axis=-1) / support.sum(axis=-1))


def mse(y: Any, predicted: Floats) -> Values:
    """Return the mean squared error."""
    return defined(((y - predicted) ** 2).mean(axis=-1))


def rmse(y: Any, predicted: Floats) -> Values:
    """Return the root of the mean squared error."""
    return defined(np.sqrt(mse(y, predicted).value))


def mae(y: Any, predicted: Floats) -> Values:
    """Return the mean absolute error."""
    return defined(np.abs(y - predicted).mean(axis=-1))


def r2(y: Any, predicted: Floats) -> Values:
    """Return R2; for constant labels, where it is undefined, as scikit-learn."""
    return Values(*determination(y, predicted))


def pearson(y: Any, predicted: Floats) -> Values:
    """Return Pearson's correlation; NaN for a constant argument."""
    return _nan_undefined(correlation(y, predicted))


def spearman(y: Any, predicted: Floats) -> Values:
    """Return Spearman's rank correlation; NaN for a constant argument."""
    return pearson(rankdata(y, axis=-1), rankdata(predicted, axis=-1))


def _nan_undefined(value: Floats) -> Values:
    return Values(value, np.isnan(value))


def _counts(y: Any, scores: Any) -> Counts:
    true, hit = np.asarray(y) == 1, predicted_positive(scores)
    cells = (true & hit, ~true & hit, true & ~hit, ~true & ~hit)
    return Counts(*(cell.sum(axis=-1) for cell in cells))


def _f1_of_classes(y: Any, probabilities: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return F1 of each class, NaN for 0/0, and the samples of each class: (b, c)."""
    classes = np.arange(probabilities.shape[-1])
    true = np.asarray(y)[..., None] == classes
    hit = probabilities.argmax(axis=-1)[..., None] == classes
    tp, positives, predicted = (part.sum(axis=-2) for part in (true & hit, true, hit))
    return F1.from_margins(tp, positives, predicted, zero_division=np.nan), positives
