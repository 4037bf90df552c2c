"""Conversion of labels, scores and weights of a batch to tensors, for the metrics."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from batchf1.auditing.classes import score_threshold
from batchf1.errors import check, raise_input_error


def binary(
    y_true: Any, y_pred: Any, threshold: float, from_logits: bool = False
) -> tuple[Any, Any]:
    """Convert binary labels and scores to float32 tensors (n,) of labels and predictions, 0 or 1.

    A label that is neither 0 nor 1 becomes NaN, and so does the label of a score that is NaN or,
    unless a logit, outside [0, 1]: a metric of them is NaN and never silently wrong. Raises
    `InputError` for a shape that is neither (n,) nor (n, 1), and for different numbers of labels
    and scores; if the numbers are unknown before the batch is run, the labels become NaN.
    """
    labels, scores = (
        _vector(x, name) for x, name in ((y_true, "labels"), (y_pred, "model output"))
    )
    return thresholded(labels, scores, threshold, from_logits)


def thresholded(
    labels: Any, scores: Any, threshold: float, from_logits: bool = False
) -> tuple[Any, Any]:
    """Convert labels and scores of any shape, the same for both, as `binary` does."""
    check_as_many(labels, scores)
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(scores.dtype)):
        scores = ops.cast(scores, "float32")  # the threshold is no whole number
    decided = scores > ops.cast(score_threshold(threshold, from_logits), scores.dtype)
    labels = ops.cast(labels, "float32")
    valid = ops.logical_and(
        ops.logical_or(ops.equal(labels, 0), ops.equal(labels, 1)), ops.equal(scores, scores)
    )
    if not from_logits:
        valid = ops.logical_and(valid, ops.logical_and(scores >= 0, scores <= 1))
    return nan_where_invalid(labels, valid, scores), ops.cast(decided, "float32")


def check_as_many(labels: Any, scores: Any) -> None:
    """Raise `InputError` for different numbers of labels and scores, if both are static."""
    n, n_scores = labels.shape[0], scores.shape[0]
    check(
        None in (n, n_scores) or n == n_scores,
        "labels",
        f"must be as many as the scores, {n_scores}",
        n,
    )


def nan_where_invalid(labels: Any, valid: Any, scores: Any) -> Any:
    """Set invalid labels to NaN, and all labels if their number is not that of the scores."""
    if None in (labels.shape[0], scores.shape[0]):
        # the shape is not static: a single label would be broadcast to any number of scores
        same = ops.equal(ops.shape(labels)[0], ops.shape(scores)[0])
        valid = ops.logical_and(valid, same)
    return ops.where(valid, labels, ops.full_like(labels, float("nan")))


def weights(y_pred: Any, sample_weight: Any = None) -> Any:
    """Return the weights of a batch's samples, float64 (n,), 0 for masked ones.

    None without weights and mask. Raises `InputError` for a shape that is neither (n,) nor (n, 1).
    """
    mask = getattr(y_pred, "_keras_mask", None)
    given = {"sample_weight": sample_weight, "mask": mask}
    vectors = [_vector(x, name, VECTOR) for name, x in given.items() if x is not None]
    parts = [ops.cast(vector, "float64") for vector in vectors]
    return math.prod(parts[1:], start=parts[0]) if parts else None


def check_dtype(dtype: Any, name: str) -> None:
    """Raise `InputError` for a dtype that the backend narrows, as JAX by default float64."""
    asked = keras.dtype_policies.get(dtype).compute_dtype
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of JAX, whose reason is the error below
        actual = keras.backend.standardize_dtype(ops.zeros((), asked).dtype)
    rule = f"must count in {asked}, as float32 stops at 2**24: on JAX, set JAX_ENABLE_X64=1"
    check(actual == asked, name, rule, actual)


VECTOR = "must have shape (n,) or (n, 1)"
BINARY = f"{VECTOR} for a binary metric"


def _vector(x: Any, name: str, rule: str = BINARY) -> Any:
    x = ops.convert_to_tensor(x)
    check_shape(x.shape, name, rule)
    return ops.reshape(x, (-1,))


def check_shape(shape: Sequence[int | None], name: str, rule: str = BINARY) -> None:
    """Raise `InputError` for a shape that is neither (n,) nor (n, 1)."""
    if not (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)):
        raise_input_error(name, rule, tuple(shape))
