"""Counts of each class against the rest, per batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchf1.errors import check, raise_input_error
from batchf1.metrics import checks
from batchf1.metrics.counts import Counts, batch_counts, predicted_positive


def class_counts(
    y_true: ArrayLike,
    scores: ArrayLike,
    batch_size: int,
    n_classes: int | None = None,
    *,
    multilabel: bool = False,
    threshold: float = 0.5,
) -> Counts:
    """Count each class against the rest in consecutive batches.

    Parameters
    ----------
    y_true : array_like
        Without `multilabel` a sample has one class: the whole numbers 0 .. n_classes - 1, shape
        (n,) or (n, 1), or one-hot, (n, n_classes). With `multilabel` it has any number of classes:
        0 or 1 for each, (n, n_classes).
    scores : array_like of float, shape (n, n_classes)
        Predicted is the class of the largest score, the first of equal ones; with `multilabel`
        every class whose score is above `threshold`, as in `batch_counts`.
    batch_size : int
        At least 1. Batches are consecutive samples; the last may be short.
    n_classes : int, optional
        Checked against the columns of `scores` if given.
    multilabel : bool
        True if a sample may have any number of classes.
    threshold : float
        Goes with `multilabel` only.

    Returns
    -------
    Counts, int64 arrays of shape (n_classes, ceil(n / batch_size))
        What a `ClassAveraged` metric takes.

    Raises
    ------
    InputError
        For other shapes, labels or classes, fewer than two classes without `multilabel`, a
        `threshold` that would not be used, and as `batch_counts`.

    Examples
    --------
    >>> scores = [[0.9, 0.0, 0.1], [0.2, 0.7, 0.1], [0.6, 0.1, 0.3]]
    >>> class_counts([0, 1, 2], scores, batch_size=3).fn.tolist()
    [[0], [0], [1]]
    """
    given, labels = _table(scores, n_classes), checks.array("y_true", "must be numbers", y_true)
    if multilabel:
        _check_table(labels, given.shape)
        return batch_counts(labels.T, given.T, batch_size, threshold)
    check(
        given.shape[1] > 1, "scores", "must have a column for each class, at least 2", given.shape
    )
    check(threshold == 0.5, "threshold", "cannot be set without multilabel=True", threshold)
    predicted_positive(given)  # refuses a score that is no number
    predicted = _against_rest(given.argmax(axis=1), given.shape[1])
    return batch_counts(_one_hot(labels, given.shape), predicted, batch_size)


def _table(scores: ArrayLike, n_classes: int | None) -> NDArray[Any]:
    given = checks.array("scores", "must be numbers", scores)
    check(given.ndim == 2, "scores", "must have shape (n, n_classes)", given.shape)
    if n_classes is not None:
        columns = checks.check_integer("n_classes", n_classes)
        rule = f"must have a column for each of the {columns} classes"
        check(given.shape[1] == columns, "scores", rule, given.shape)
    return given


def _one_hot(labels: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the one-hot labels, (n_classes, n), from class indices or one-hot rows."""
    n, classes = shape
    if labels.shape in ((n,), (n, 1)):
        return _against_rest(_whole_labels(labels.reshape(-1), classes), classes)
    _check_table(labels, shape, f"must have shape (n,), (n, 1) or that of the scores, {shape}")
    once = ((labels == 0) | (labels == 1)).all(axis=1) & (labels.sum(axis=1) == 1)
    rule = "must have a single 1 in each one-hot row, and else 0 (multilabel=True allows several)"
    if not once.all():
        raise_input_error("y_true", rule, str(labels[~once][0].tolist()))
    return labels.T


def _whole_labels(labels: NDArray[Any], classes: int) -> NDArray[np.int64]:
    rule = f"must be whole numbers from 0 to {classes - 1}"
    check(labels.dtype != bool, "y_true", rule, "bools")
    good = np.isin(labels, np.arange(classes))
    if not good.all():
        raise_input_error("y_true", rule, labels[~good][0].item())
    return labels.astype(np.int64)


def _against_rest(chosen: NDArray[Any], classes: int) -> NDArray[np.bool_]:
    """Return a mask of the samples of each class, (n_classes, n)."""
    return np.asarray(np.arange(classes)[:, None] == chosen)


def _check_table(labels: NDArray[Any], shape: tuple[int, ...], rule: str | None = None) -> None:
    check(
        labels.shape == shape,
        "y_true",
        rule or f"must have the shape of the scores, {shape}",
        labels.shape,
    )
