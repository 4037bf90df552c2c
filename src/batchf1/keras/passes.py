"""Checks, batches and predictions of a pass over a data set at the end of an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import keras
from keras.src.backend.common.masking import get_keras_mask

from batchf1.errors import check

INFINITE, UNKNOWN = -1, -2
"""`tf.data.INFINITE_CARDINALITY`, and `tf.data.UNKNOWN_CARDINALITY`."""
NO_VALUE = (AttributeError, IndexError, RuntimeError, TypeError, ValueError)
"""Exceptions on reading a variable without a value, as on JAX in a compiled step."""


def is_arrays(data: Any) -> bool:
    """Return True if the data are a tuple (x, y) of arrays, and not batches."""
    return isinstance(data, tuple)


def batches(data: Iterable[Any]) -> Iterator[Any]:
    """Iterate once over the batches of a data set."""
    if isinstance(data, keras.utils.PyDataset):  # has a length, but its iteration does not end
        return (data[i] for i in range(data.num_batches))
    return iter(data)


def predicted(model: Any, x: Any) -> Any:
    """Predict the outputs of a batch, as many as its samples.

    With a distribution strategy `predict_on_batch` gives the whole batch to each device, and
    concatenates the outputs.
    """
    n = len(keras.tree.flatten(x)[0])
    return keras.tree.map_structure(lambda part: part[:n], model.predict_on_batch(x))


def predicted_with_mask(model: Any, x: Any) -> tuple[Any, Any]:
    """Predict the outputs of a batch, and return the mask of the first output, or None."""
    if not masks(model):
        return predicted(model, x), None
    # tensors, which have masks, unlike the arrays of `predict_on_batch`
    outputs = model(keras.tree.map_structure(keras.ops.convert_to_tensor, x), training=False)
    return outputs, mask_of(keras.tree.flatten(outputs)[0])


def mask_of(output: Any) -> Any:
    """Return the mask of an output as an array of bool; None without one."""
    mask = get_keras_mask(output)
    return None if mask is None else keras.ops.convert_to_numpy(mask).astype(bool)


def weighted(name: str, data: Any) -> tuple[Any, Any, Any]:
    """Return (x, y, sample_weight), None without weights; `InputError` for other parts."""
    good = len(data) in (2, 3)
    check(good, name, "needs (x, y) or (x, y, sample_weight)", f"{len(data)} parts")
    return (*data, None) if len(data) == 2 else tuple(data)


def check_repeatable(name: str, data: Any) -> None:
    """Raise `InputError` for data that cannot be iterated anew, or are known to have no end."""
    indexed = hasattr(data, "__getitem__")  # which iterates, too
    rule = "needs a tuple (x, y) of arrays, or a data set of such batches"
    check(isinstance(data, Iterable) or indexed, name, rule, type(data).__name__)
    rule = "needs data that can be iterated anew every epoch"
    check(iter(data) is not data, name, rule, type(data).__name__)
    if isinstance(data, keras.utils.PyDataset):
        endless = data.num_batches is None
    else:
        cardinality = getattr(data, "cardinality", None)  # of a tf.data.Dataset
        endless = callable(cardinality) and int(cardinality()) == INFINITE
    check(not endless, name, "needs data with an end, such as data.take(n)", "endless data")


def masks(model: Any) -> bool:
    """Return True for a model that masks samples or their elements."""
    outputs = getattr(model, "outputs", None) or []  # none in a subclassed model
    return any(get_keras_mask(output) is not None for output in outputs)


def has_unknown_length(data: Any) -> bool:
    """Return True for a `tf.data.Dataset` of unknown cardinality."""
    cardinality = getattr(data, "cardinality", None)
    return callable(cardinality) and int(cardinality()) == UNKNOWN


def validation_batching(model: Any) -> tuple[int | None, int | None]:
    """Return the batch size of validation arrays in `fit`, and `validation_steps`; None if unknown.

    Read from Keras' own iterator, which exists during `fit`.
    """
    iterator = getattr(model, "_eval_epoch_iterator", None)
    size = getattr(getattr(iterator, "data_adapter", None), "batch_size", None)
    return size, getattr(iterator, "steps_per_epoch", None)


def validated_samples(model: Any) -> int | None:
    """Return the number of samples in Keras' mean of the loss since its reset; None if unknown."""
    try:
        tracker = model.metrics[0]
        count = keras.ops.convert_to_numpy(tracker.count)
        return int(count) if tracker.name == "loss" else None
    except NO_VALUE:
        return None
