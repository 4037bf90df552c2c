"""Counts of true and false predictions, per batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchf1.errors import check, raise_input_error
from batchf1.metrics import checks

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Counts(NamedTuple):
    """True positives, false positives, false negatives and true negatives.

    Four int64 arrays of one shape, or four whole numbers. Where they describe an epoch, the last
    axis runs over its batches; any axes before it (epochs, runs, draws) are carried along.

    Parameters
    ----------
    tp, fp, fn, tn : int or int64 array
        Numbers of true positives, false positives, false negatives and true negatives. Nothing is
        checked here; the functions that take counts require whole numbers from 0 to 2**53.

    Examples
    --------
    >>> Counts(tp=160, fp=40, fn=40, tn=9760).positives
    200
    """

    tp: Any
    fp: Any
    fn: Any
    tn: Any

    @property
    def n(self) -> Integers:
        """Number of samples."""
        total: Integers = self.tp + self.fp + self.fn + self.tn
        return total

    @property
    def positives(self) -> Integers:
        """Number of positive labels, TP + FN (the article's `possible_positives`)."""
        total: Integers = self.tp + self.fn
        return total

    @property
    def predicted_positives(self) -> Integers:
        """Number of positive predictions, TP + FP."""
        total: Integers = self.tp + self.fp
        return total

    @property
    def errors(self) -> Integers:
        """Number of wrong predictions, FP + FN."""
        total: Integers = self.fp + self.fn
        return total

    @property
    def empty(self) -> NDArray[np.bool_]:
        """Mask of counts without a positive, labelled or predicted, where F1 is 0/0."""
        return np.asarray((self.tp + self.fp + self.fn) == 0)

    def pooled(self, axis: int = -1) -> Counts:
        """Add the counts up along `axis`."""
        return Counts(*(np.asarray(part.sum(axis=axis)) for part in self))


def as_counts(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, tn: ArrayLike) -> Counts:
    """Return counts of whole numbers from 0 to 2**53, broadcast to one shape, as int64.

    Raises `InputError` for anything else, by name, and for shapes that do not go together.
    """
    parts = {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    arrays = [checks.check_integers(name, part) for name, part in parts.items()]
    return Counts(*map(np.array, checks.broadcast("tp, fp, fn, tn", *arrays)))


def checked(counts: Counts) -> Counts:
    """Check counts and convert them as `as_counts` does; raise `InputError` as it does."""
    checks.check_argument(
        isinstance(counts, Counts), "counts", "must be a batchf1.metrics.counts.Counts", counts
    )
    return as_counts(*counts)


def predicted_positive(scores: ArrayLike, threshold: float = 0.5) -> NDArray[np.bool_]:
    """Return a mask of the scores above the threshold; a score exactly at it is negative.

    The comparison is made in the dtype of the scores, as Keras makes it. Rounding half to even,
    the article's way at 0.5, sends 0.5 to negative too. Raises `InputError` for a score that is
    NaN or no number, and for a threshold that is no finite number.
    """
    array = checks.array("scores", "must be numbers", scores)
    check(not np.isnan(array).any(), "scores", "must not contain NaN")
    finite = bool(np.isfinite(checks.real(threshold)))
    checks.check_argument(finite, "threshold", "must be a finite number", threshold)
    # by kind: to NumPy Keras' bfloat16 is no np.floating
    kind = np.dtype(np.float64) if array.dtype.kind in "biu" else array.dtype
    return array > kind.type(threshold)


def batch_counts(
    y_true: ArrayLike, scores: ArrayLike, batch_size: int, threshold: float = 0.5
) -> Counts:
    """Count true and false predictions in consecutive batches.

    Parameters
    ----------
    y_true : array_like, shape (..., n)
        Labels 0 or 1.
    scores : array_like of float, shape (..., n)
        A score above `threshold` is a positive prediction. The comparison is made in the dtype of
        the scores, as Keras makes it.
    batch_size : int
        At least 1. Batches are consecutive samples; the last may be short.
    threshold : float
        A score exactly at it is a negative prediction.

    Returns
    -------
    Counts, int64 arrays of shape (..., ceil(n / batch_size))

    Raises
    ------
    InputError
        For other labels, a score that is NaN or no number, a threshold that is no finite number,
        differing shapes, no samples, or a batch size that is no whole number >= 1.

    Examples
    --------
    >>> batch_counts([1, 0, 1, 0, 1], [0.9, 0.8, 0.2, 0.1, 0.7], batch_size=2).tp.tolist()
    [1, 0, 1]
    """
    rule, size = "must be 0 or 1", checks.check_integer("batch_size", batch_size)
    labels, decided = checks.array("y_true", rule, y_true), predicted_positive(scores, threshold)
    if labels.shape != decided.shape:
        raise_input_error(
            "y_true and scores", "must have one shape", f"{labels.shape} and {decided.shape}"
        )
    check(
        labels.ndim > 0 and labels.shape[-1] > 0,
        "y_true",
        "must have at least one sample",
        labels.shape,
    )
    good = (labels == 0) | (labels == 1)
    if not good.all():
        raise_input_error("y_true", rule, labels[~good][0].item())
    positive = labels.astype(bool)
    starts = np.arange(0, labels.shape[-1], size)
    cells = (positive & decided, ~positive & decided, positive & ~decided, ~positive & ~decided)
    return Counts(*(np.add.reduceat(cell, starts, axis=-1, dtype=np.int64) for cell in cells))
