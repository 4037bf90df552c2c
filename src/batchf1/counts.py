"""Batch counts, and F1 from them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchf1.errors import refuse, require

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Counts(NamedTuple):
    """True positives, false positives, false negatives and true negatives.

    Four int64 arrays of one shape. Where they describe an epoch, the last axis runs over its
    batches; any axes before it (epochs, runs, draws) are carried along.
    """

    tp: Integers
    fp: Integers
    fn: Integers
    tn: Integers

    @property
    def n(self) -> Integers:
        """Number of samples."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def positives(self) -> Integers:
        """Number of positive labels, TP + FN (the article's `possible_positives`)."""
        return self.tp + self.fn

    @property
    def predicted_positives(self) -> Integers:
        """Number of positive predictions, TP + FP."""
        return self.tp + self.fp

    @property
    def errors(self) -> Integers:
        """Number of wrong predictions, FP + FN."""
        return self.fp + self.fn

    @property
    def empty(self) -> NDArray[np.bool_]:
        """Whether there is neither a positive nor a predicted positive, so that F1 is 0/0."""
        return np.asarray((self.tp + self.fp + self.fn) == 0)

    def pooled(self, axis: int = -1) -> Counts:
        """The counts added up along `axis`."""
        return Counts(*(np.asarray(part.sum(axis=axis)) for part in self))


def as_counts(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, tn: ArrayLike) -> Counts:
    """Checked counts: whole numbers >= 0, broadcast to one shape, as int64.

    Raises `InputError` for a negative, fractional or NaN count.
    """
    parts = {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    arrays = np.broadcast_arrays(*(_whole(name, part) for name, part in parts.items()))
    return Counts(*(np.array(array) for array in arrays))


def _whole(name: str, values: ArrayLike) -> Integers:
    array = np.asarray(values)
    good = np.isreal(array) & (array >= 0) & (array == np.floor(array))
    require(bool(np.all(good)), name, "counts are whole numbers >= 0", values)
    return array.astype(np.int64)


def predicted_positive(scores: ArrayLike, threshold: float = 0.5) -> NDArray[np.bool_]:
    """Whether each score lies above the threshold; a score exactly at it is negative.

    The comparison is made in the dtype of the scores, as Keras makes it. Rounding half to even,
    the article's way at 0.5, sends 0.5 to negative too. Raises `InputError` for a NaN score.
    """
    array = np.asarray(scores)
    require(not np.isnan(array).any(), "scores", "must not be NaN", "NaN")
    kind = array.dtype if np.issubdtype(array.dtype, np.floating) else np.dtype(np.float64)
    return array > kind.type(threshold)


def batch_counts(
    y_true: ArrayLike, scores: ArrayLike, batch_size: int, threshold: float = 0.5
) -> Counts:
    """Counts of each batch when the samples are cut, in their order, into batches.

    `y_true`: (..., n) labels 0 or 1. `scores`: (..., n). The result has shape
    (..., ceil(n / batch_size)); the last batch may be short. Raises `InputError` for other labels,
    NaN scores, differing shapes, no samples, or `batch_size` < 1.
    """
    labels, decided = np.asarray(y_true), predicted_positive(scores, threshold)
    if labels.shape != decided.shape:
        refuse("y_true and scores", "must have one shape", f"{labels.shape} and {decided.shape}")
    require(labels.ndim > 0 and labels.shape[-1] > 0, "y_true", "needs a sample", labels.shape)
    require(batch_size >= 1, "batch_size", "must be at least 1", batch_size)
    if not ((labels == 0) | (labels == 1)).all():
        refuse("y_true", "labels are 0 or 1", np.unique(labels))
    positive = labels.astype(bool)
    starts = np.arange(0, labels.shape[-1], batch_size)
    cells = (positive & decided, ~positive & decided, positive & ~decided, ~positive & ~decided)
    return Counts(*(np.add.reduceat(cell, starts, axis=-1, dtype=np.int64) for cell in cells))


def f1(counts: Counts, zero_division: float = 0.0) -> Floats:
    """F1 = 2 TP / (2 TP + FP + FN), in float64, range [0, 1], of the shape of the counts.

    Where there is neither a positive nor a predicted positive F1 is 0/0 and the result is
    `zero_division`: 0, 1 or NaN, as in `sklearn.metrics.f1_score`.
    """
    return ratio(2 * counts.tp, 2 * counts.tp + counts.errors, zero_division)


def ratio(numerator: ArrayLike, denominator: ArrayLike, zero_division: float = 0.0) -> Floats:
    """numerator / denominator in float64, and `zero_division` where the denominator is 0."""
    top, bottom = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    shape = np.broadcast_shapes(top.shape, bottom.shape)
    result = np.full(shape, zero_division, np.float64)
    filled: Any = np.divide(top, bottom, out=result, where=bottom != 0)
    return np.asarray(filled)
