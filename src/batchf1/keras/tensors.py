"""What the metrics share: the labels, decisions and weights of a batch, as tensors."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from batchf1.errors import check, raise_input_error


def cut(threshold: float, from_logits: bool) -> float:
    """The score above which a prediction is positive: the threshold, or its logit."""
    return math.log(threshold / (1 - threshold)) if from_logits else threshold


def binary(
    y_true: Any, y_pred: Any, threshold: float, from_logits: bool = False
) -> tuple[Any, Any]:
    """Labels and predictions of a batch as float32 tensors of shape (n,), each 0 or 1.

    A label that is neither 0 nor 1 becomes NaN, and so does the label of a score that is NaN or,
    unless a logit, outside [0, 1]: what is computed from them is NaN and never silently wrong.
    Raises `InputError` for a shape that is neither (n,) nor (n, 1), and for other numbers of labels
    than of scores; where only the batch tells them, one label for many scores gives NaN.
    """
    labels, scores = (
        _vector(x, thing) for x, thing in ((y_true, "labels"), (y_pred, "model output"))
    )
    return thresholded(labels, scores, threshold, from_logits)


def thresholded(
    labels: Any, scores: Any, threshold: float, from_logits: bool = False
) -> tuple[Any, Any]:
    """What `binary` gives, of labels and scores of one shape, whatever it is."""
    check_as_many(labels, scores)
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(scores.dtype)):
        scores = ops.cast(scores, "float32")  # the threshold is no whole number
    decided = scores > ops.cast(cut(threshold, from_logits), scores.dtype)
    labels = ops.cast(labels, "float32")
    valid = ops.logical_and(
        ops.logical_or(ops.equal(labels, 0), ops.equal(labels, 1)), ops.equal(scores, scores)
    )
    if not from_logits:
        valid = ops.logical_and(valid, ops.logical_and(scores >= 0, scores <= 1))
    return known(labels, valid, scores), ops.cast(decided, "float32")


def check_as_many(labels: Any, scores: Any) -> None:
    """Refuse other numbers of labels than of scores, where they are known before the batch."""
    n, wanted = labels.shape[0], scores.shape[0]
    check(
        None in (n, wanted) or n == wanted, "labels", f"must be as many as the scores, {wanted}", n
    )


def known(labels: Any, valid: Any, scores: Any) -> Any:
    """The labels, NaN where not valid, and all NaN where a batch has another number of scores."""
    if None in (labels.shape[0], scores.shape[0]):
        # known in the batch alone: one label would fit any number of scores
        same = ops.equal(ops.shape(labels)[0], ops.shape(scores)[0])
        valid = ops.logical_and(valid, same)
    return ops.where(valid, labels, ops.full_like(labels, float("nan")))


def weights(y_pred: Any, sample_weight: Any = None) -> Any:
    """The weights of a batch's samples, float64 of shape (n,), 0 where the model masks; or None.

    None stands for neither weights nor a mask. Raises `InputError` for a shape that is neither
    (n,) nor (n, 1).
    """
    mask = getattr(y_pred, "_keras_mask", None)  # where Keras puts it
    given = {"sample_weight": sample_weight, "mask": mask}
    vectors = [_vector(x, thing, VECTOR) for thing, x in given.items() if x is not None]
    parts = [ops.cast(vector, "float64") for vector in vectors]
    return math.prod(parts[1:], start=parts[0]) if parts else None


def check_kept(dtype: Any, name: str) -> None:
    """Refuse a dtype that the backend narrows: JAX, unless told, makes float32 of float64."""
    asked = keras.dtype_policies.get(dtype).compute_dtype
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what JAX warns of is refused here
        kept = keras.backend.standardize_dtype(ops.zeros((), asked).dtype)
    rule = f"must count in {asked}, as float32 stops at 2**24: on JAX, set JAX_ENABLE_X64=1"
    check(kept == asked, name, rule, kept)


VECTOR = "must have shape (n,) or (n, 1)"
BINARY = f"{VECTOR} for a binary metric"


def _vector(x: Any, name: str, rule: str = BINARY) -> Any:
    x = ops.convert_to_tensor(x)
    check_shape(x.shape, name, rule)
    return ops.reshape(x, (-1,))


def check_shape(shape: Sequence[int | None], name: str, rule: str = BINARY) -> None:
    """Refuse a shape that is neither (n,) nor (n, 1)."""
    if not (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)):
        raise_input_error(name, rule, tuple(shape))
