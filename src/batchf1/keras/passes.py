"""The data of a pass of one's own at the end of an epoch, and the model that it goes through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import keras

from batchf1.errors import check

INFINITE, UNKNOWN = -1, -2
"""`tf.data.INFINITE_CARDINALITY`, and `tf.data.UNKNOWN_CARDINALITY`."""

UNREADABLE = (AttributeError, IndexError, RuntimeError, TypeError, ValueError)
"""What reading a variable raises whose value is elsewhere, as on JAX in a compiled step."""


def is_arrays(data: Any) -> bool:
    """Whether the data are a tuple (x, y) of arrays, and not batches."""
    return isinstance(data, tuple)


def batches(data: Iterable[Any]) -> Iterator[Any]:
    """The batches of a data set, once."""
    if isinstance(data, keras.utils.PyDataset):  # has a length, but its iteration does not end
        return (data[i] for i in range(data.num_batches))
    return iter(data)


def predicted(model: Any, x: Any) -> Any:
    """The outputs of a batch, as many as its samples.

    `predict_on_batch` gives the batch to each device of a strategy, and all outputs one after the
    other.
    """
    n = len(keras.tree.flatten(x)[0])
    return keras.tree.map_structure(lambda part: part[:n], model.predict_on_batch(x))


def unweighted(name: str, data: Any) -> Any:
    """The two parts of (x, y); `InputError` for other numbers of parts."""
    check(len(data) == 2, name, "needs (x, y): it has no weighted form", f"{len(data)} parts")
    return data


def check_repeatable(name: str, data: Any) -> None:
    """Refuse a data set that cannot be iterated anew, or has no end, as far as it tells."""
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


def check_unmasked(name: str, model: Any) -> None:
    """Refuse a model that masks samples: predictions tell nothing of that."""
    outputs = getattr(model, "outputs", None) or []  # none in a subclassed model
    masked = any(getattr(output, "_keras_mask", None) is not None for output in outputs)
    check(not masked, name, "needs a model that masks no samples", model.name)


def has_unknown_length(data: Any) -> bool:
    """Whether a `tf.data.Dataset` does not tell its number of batches."""
    cardinality = getattr(data, "cardinality", None)
    return callable(cardinality) and int(cardinality()) == UNKNOWN


def validation_cut(model: Any) -> tuple[int | None, int | None]:
    """The batch size of the arrays that `fit` validates, and `validation_steps`; None if unknown.

    From what Keras itself iterates over, which it keeps for the time of `fit`.
    """
    iterator = getattr(model, "_eval_epoch_iterator", None)
    size = getattr(getattr(iterator, "data_adapter", None), "batch_size", None)
    return size, getattr(iterator, "steps_per_epoch", None)


def validated_samples(model: Any) -> int | None:
    """The samples in Keras' own mean of the loss since the last reset; None where it has none."""
    try:
        tracker = model.metrics[0]
        count = keras.ops.convert_to_numpy(tracker.count)
        return int(count) if tracker.name == "loss" else None
    except UNREADABLE:
        return None
