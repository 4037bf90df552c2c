"""Labels and predictions as arrays with a column for each class, for metrics called on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchf1.errors import check, raise_input_error
from batchf1.metrics import checks
from batchf1.metrics.counts import Floats, predicted_positive

Columns = tuple[Floats, Floats, Floats | None]
"""Labels and predictions, (n, columns) each, and weights, (n, 1) or None."""


def numbers_of(y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None) -> Columns:
    """Return numbers of one shape, or (n,) and (n, 1), and their weights as columns."""
    true, predicted = (
        np.asarray(checks.array(name, "must be numbers", part), np.float64)
        for name, part in (("y_true", y_true), ("y_pred", y_pred))
    )
    shape = _check_shape(true, predicted)
    for name, part in (("y_true", true), ("y_pred", predicted)):
        check(bool(np.isfinite(part).all()), name, "must be finite numbers", "NaN or infinity")
    return true.reshape(-1, 1), predicted.reshape(-1, 1), _weights(sample_weight, shape)


def columns_of(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None, n_classes: int | None
) -> Columns:
    """Return one-hot labels and predictions; without `n_classes` the classes are those that occur.

    Predictions are labels, scores above 0.5 of class 1 of two, or scores with a last axis of
    classes, of which the largest decides.
    """
    true, predicted = _labels_of(y_true, y_pred)
    if predicted.ndim > 1 and predicted.shape[-1] > 1 and true.shape != predicted.shape:
        scores = checks.array("y_pred", "must be numbers", predicted)
        rule = f"must have a last axis of {n_classes} classes"
        check(n_classes in (None, scores.shape[-1]), "y_pred", rule, scores.shape)
        check(not np.isnan(scores).any(), "y_pred", "must not contain NaN")
        n_classes, predicted = scores.shape[-1], scores.argmax(axis=-1)
    shape = _check_shape(true, predicted)
    true, predicted = true.ravel(), predicted.ravel()
    if predicted.dtype.kind == "f" and (predicted != np.floor(predicted)).any():
        good = n_classes in (None, 2) and bool(((predicted >= 0) & (predicted <= 1)).all())
        rule = "must be labels, or scores in [0, 1] of class 1 of two"
        check(good, "y_pred", rule, "other numbers")
        n_classes, predicted = 2, predicted_positive(predicted).astype(int)
    classes = np.union1d(true, predicted) if n_classes is None else np.arange(n_classes)
    hot = [
        _one_hot(name, part, classes) for name, part in (("y_true", true), ("y_pred", predicted))
    ]
    return hot[0], hot[1], _weights(sample_weight, shape)


def multilabel_of(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None, n_classes: int | None
) -> Columns | None:
    """Return labels and predictions with a last axis of classes, 0 or 1 for each, as columns.

    Labels and predictions of other shapes have no such axis, and give None.
    """
    true, predicted = _labels_of(y_true, y_pred)
    shape = true.shape
    if shape != predicted.shape or len(shape) < 2 or shape[-1] == 1:
        return None
    rule = f"must have a last axis of {n_classes} classes"
    check(n_classes in (None, shape[-1]), "y_true", rule, shape)
    check(true.size > 0, "y_true", "must have at least one sample", shape)
    rule = "must be 0 or 1 for each class of the last axis, or have no such axis, as y_true.ravel()"
    for name, labels in (("y_true", true), ("y_pred", predicted)):
        good = (labels == 0) | (labels == 1)
        if not good.all():
            raise_input_error(name, rule, repr(labels[~good][0].item()))
    true, predicted = (part.reshape(-1, shape[-1]).astype(float) for part in (true, predicted))
    return true, predicted, _weights(sample_weight, shape[:-1])


def _labels_of(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return labels and predictions as arrays, of text too."""
    try:
        return np.asarray(y_true), np.asarray(y_pred)
    except ValueError:  # lists of different lengths
        raise_input_error("y_true and y_pred", "must be arrays", "lists of different lengths")


def _one_hot(name: str, labels: NDArray[Any], classes: NDArray[Any]) -> Floats:
    good = np.isin(labels, classes)
    if not good.all():
        rule = f"must be classes from 0 to {len(classes) - 1}"
        raise_input_error(name, rule, repr(labels[~good][0].item()))
    return np.asarray(labels[:, None] == classes, np.float64)


def _check_shape(true: NDArray[Any], predicted: NDArray[Any]) -> tuple[int, ...]:
    """Return the shape that both have, apart from a last axis of one."""
    shapes = [_without_last_one(part.shape) for part in (true, predicted)]
    rule = "must have one shape"
    given = f"{true.shape} and {predicted.shape}"
    check(shapes[0] == shapes[1], "y_true and y_pred", rule, given)
    check(true.size > 0, "y_true", "must have at least one sample", true.shape)
    return shapes[0]


def _without_last_one(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape


def _weights(weights: ArrayLike | None, shape: tuple[int, ...]) -> Floats | None:
    """Return the weight of each element, (n, 1), from weights of the first axes."""
    if weights is None:
        return None
    given = np.asarray(checks.array("sample_weight", "must be numbers", weights), np.float64)
    squeezed = given.reshape(_without_last_one(given.shape))
    rule = f"must have the shape of the labels, {shape}, or of its first axes"
    check(
        squeezed.ndim > 0 and squeezed.shape == shape[: squeezed.ndim],
        "sample_weight",
        rule,
        given.shape,
    )
    good = bool(((given >= 0) & np.isfinite(given)).all())
    check(good, "sample_weight", "must be finite and at least 0", "other weights")
    expanded = squeezed.reshape(squeezed.shape + (1,) * (len(shape) - squeezed.ndim))
    return np.broadcast_to(expanded, shape).reshape(-1, 1)
