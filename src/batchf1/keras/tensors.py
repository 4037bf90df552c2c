"""Labels, outputs and weights of a batch as tensors, for the metrics."""

from __future__ import annotations

import warnings
from typing import Any

import keras
from keras import ops
from keras.src.backend.common.masking import get_keras_mask

from batchf1.errors import check
from batchf1.metrics.elements import Elements, LabelFormat


def read(
    form: LabelFormat, y_true: Any, y_pred: Any, dtype: Any, sample_weight: Any = None
) -> Elements:
    """Read a batch with its weights, and with the mask of its outputs, as `LabelFormat.read`."""
    return form.read(y_true, y_pred, given_weights(y_pred, sample_weight), ops, dtype)


def given_weights(y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
    """Map the names of the weights of a batch to them: without weights and mask there are none."""
    mask = get_keras_mask(y_pred)  # no attribute of the arrays of JAX
    weights = {"sample_weight": sample_weight, "mask": mask}
    return {name: given for name, given in weights.items() if given is not None}


def binary(y_true: Any, y_pred: Any, threshold: float) -> tuple[Any, Any]:
    """Return binary labels and predictions, float32 (n,) each, as `LabelFormat.read` has them."""
    labels, predicted, _ = read(LabelFormat(threshold=threshold), y_true, y_pred, "float32")
    return labels[:, 0], predicted[:, 0]


def check_dtype(dtype: Any, name: str) -> None:
    """Raise `InputError` for a dtype that the backend narrows, as JAX by default float64."""
    asked = keras.dtype_policies.get(dtype).compute_dtype
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of JAX, whose reason is the error below
        actual = keras.backend.standardize_dtype(ops.zeros((), asked).dtype)
    rule = f"must count in {asked}, as float32 stops at 2**24: on JAX, set JAX_ENABLE_X64=1"
    check(actual == asked, name, rule, actual)


def n_replicas() -> int:
    """Return the number of devices of TensorFlow's current distribution strategy; else 1."""
    if keras.backend.backend() != "tensorflow":
        return 1
    from tensorflow import distribute

    return int(distribute.get_strategy().num_replicas_in_sync)
