"""The batches that Keras validated, reproduced from the callback's own validation data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import keras
import numpy as np

from batchf1.auditing.broadcast import Pair
from batchf1.errors import check, raise_input_error
from batchf1.keras import objects
from batchf1.keras.passes import (
    batches,
    check_repeatable,
    has_unknown_length,
    is_arrays,
    mask_of,
    masks,
    predicted,
    predicted_with_mask,
    validated_samples,
    validation_batching,
    weighted,
)
from batchf1.metrics import checks

DEFAULT_SIZE = 32
"""Keras' default batch size of arrays."""


class Validated:
    """Validation data, and the batches in which Keras validated them last.

    `name`: prefix of messages. `data`: a tuple (x, y) or (x, y, sample_weight) of arrays, or a
    re-iterable data set of such batches. `batch_size`: of arrays, where Keras does not reveal its
    own; None for 32.

    Raises `InputError` for other parts and data that cannot be iterated anew or have no end.
    """

    def __init__(self, name: str, data: Any, batch_size: int | None) -> None:
        self.name, self.data = name, data
        self.given = None if batch_size is None else checks.check_integer("batch_size", batch_size)
        if is_arrays(data):
            self.data = _without_none(name, data)
        else:
            check_repeatable(name, data)
            spec = getattr(data, "element_spec", None)  # of a tf.data.Dataset
            weighted(name, spec if isinstance(spec, tuple) else (None, None))
        self.is_weighted = False
        self.masks: dict[str, list[Any]] = {}
        self.begin()

    def begin(self) -> None:
        """Reset the count of validated batches."""
        self.number = 0
        self._size: int | None = None

    def count(self, model: Any, batch: int) -> None:
        """Count a batch, numbered from 0; the first one gives the batch size."""
        if self.number == 0:
            self._size = (validated_samples(model) or 0) // (batch + 1) or None
        self.number = batch + 1

    def check(self, model: Any) -> None:
        """Check before the first epoch that the model can be audited.

        Raises `InputError` for labels that do not fit the outputs.
        """
        if is_arrays(self.data):
            first = keras.tree.map_structure(lambda part: part[:DEFAULT_SIZE], self.data)
        else:
            first = next(batches(self.data), None)
            check(first is not None, self.name, "needs data with at least one batch", "none")
            first = _without_none(self.name, first)
        x, y, *weights = first
        self.is_weighted = bool(weights)
        objects.by_output(self.name, model, y, predicted(model, x))

    @property
    def has_unknown_length(self) -> bool:
        """Whether the number of batches is unknown before they are iterated over."""
        return has_unknown_length(self.data)

    def pairs(self, model: Any) -> dict[str, list[Pair]]:
        """Map each output to labels, as given, and scores of the validated batches.

        `masks` has the mask of each batch then, of the outputs that have masks. Raises `InputError`
        for another number of batches than Keras validated.
        """
        if is_arrays(self.data) and not masks(model):
            x, y, *_ = self._rows(model)
            size = self.size(model)
            outputs = model.predict(x, batch_size=size, verbose=0)
            joined = objects.by_output(self.name, model, y, outputs)
            return {output: _batched(*pair, size) for output, pair in joined.items()}
        batches_of: dict[str, list[Pair]] = {}
        self.masks = {}
        for x, y, *_ in self._batches(model):
            outputs, _ = predicted_with_mask(model, x)
            parts = objects.by_output(self.name, model, y, outputs)
            for output, pair in parts.items():
                batches_of.setdefault(output, []).append(pair)
            for output, tensor in objects.by_name(model, outputs).items():
                mask = mask_of(tensor)
                if mask is not None:
                    self.masks.setdefault(output, []).append(mask)
        return batches_of

    def all_samples(self, model: Any) -> tuple[Any, list[int]]:
        """Return the parts of all validated samples, as NumPy arrays, and the batch sizes."""
        if is_arrays(self.data):
            rows = keras.tree.map_structure(np.asarray, self._rows(model))
            n, size = _length(rows), self.size(model)
            return rows, [min(size, n - start) for start in range(0, n, size)]
        parts = [
            keras.tree.map_structure(keras.ops.convert_to_numpy, part)
            for part in self._batches(model)
        ]
        try:
            joined = keras.tree.map_structure(lambda *cells: np.concatenate(cells), *parts)
        except ValueError:  # of batches padded to different lengths
            raise_input_error(self.name, "needs samples of one shape in all batches")
        return joined, [_length(part) for part in parts]

    def weights(self, model: Any) -> Any:
        """Return the weights of all validated samples; None where the data have none."""
        return self.all_samples(model)[0][2] if self.is_weighted else None

    def size(self, model: Any) -> int:
        """Return the batch size of arrays: that of Keras if known, else the given one, else 32."""
        return validation_batching(model)[0] or self._size or self.given or DEFAULT_SIZE

    def _rows(self, model: Any) -> Any:
        """Return the validated part of the arrays."""
        n, size = _length(self.data), self.size(model)
        in_all = -(-n // size)
        number = self._number(model)
        validated = in_all if number is None else number
        limited = validation_batching(model)[1] is not None and validated < in_all
        rule = f"needs the {validated} batches that Keras validated: is batch_size= that of fit?"
        check(validated == in_all or limited, self.name, rule, f"{in_all} batches of {size}")
        end = min(n, validated * size)
        return keras.tree.map_structure(lambda part: part[:end], self.data)

    def _batches(self, model: Any) -> Iterator[Any]:
        if is_arrays(self.data):
            rows, size = self._rows(model), self.size(model)
            yield from _sliced(rows, size)
            return
        number, seen = self._number(model), 0
        for batch in islice(batches(self.data), number):
            seen += 1
            yield _without_none(self.name, batch)
        rule = f"needs the {number} batches that Keras validated"
        check(number in (None, seen), self.name, rule, f"{seen} batches")

    def _number(self, model: Any) -> int | None:
        """Return the number of validated batches; None if unknown, with several batches a step."""
        if model.steps_per_execution == 1:
            return self.number
        return validation_batching(model)[1]


def _without_none(name: str, batch: Any) -> tuple[Any, ...]:
    """Return (x, y), or (x, y, sample_weight) with weights."""
    *parts, weights = weighted(name, batch)
    return (*parts, weights) if weights is not None else tuple(parts)


def _length(rows: Any) -> int:
    return len(keras.tree.flatten(rows)[0])


def _sliced(rows: Any, size: int) -> Iterator[Any]:
    for i in range(0, _length(rows), size):
        yield keras.tree.map_structure(lambda part, i=i: part[i : i + size], rows)


def _batched(labels: Any, scores: Any, size: int) -> list[Pair]:
    return [(labels[i : i + size], scores[i : i + size]) for i in range(0, len(labels), size)]
