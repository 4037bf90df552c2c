"""The batches that Keras validated, found again in the data that the callback was given."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import keras
import numpy as np

from batchf1.errors import check
from batchf1.keras import objects
from batchf1.keras.objects import Pair
from batchf1.keras.passes import (
    batches,
    check_repeatable,
    check_unmasked,
    has_unknown_length,
    is_arrays,
    predicted,
    unweighted,
    validated_samples,
    validation_cut,
)
from batchf1.metrics import checks

DEFAULT = 32
"""Keras' batch size of arrays."""


class Validated:
    """The validation data, and how Keras cut them in the last validation.

    `data`: a tuple (x, y) of arrays, or a re-iterable data set of (x, y) batches. `batch_size`: of
    arrays, where Keras does not reveal its own; None for 32.

    Raises `InputError` for sample weights and data that cannot be iterated anew or have no end.
    """

    def __init__(self, name: str, data: Any, batch_size: int | None) -> None:
        self.thing, self.data = name, data
        self.given = None if batch_size is None else checks.check_integer("batch_size", batch_size)
        if is_arrays(data):
            unweighted(name, data)
        else:
            check_repeatable(name, data)
            spec = getattr(data, "element_spec", None)  # of a tf.data.Dataset
            unweighted(name, spec if isinstance(spec, tuple) else (None, None))
        self.begin()

    def begin(self) -> None:
        """Forget what Keras validated."""
        self.number = 0
        self._size: int | None = None

    def count(self, model: Any, batch: int) -> None:
        """Note the end of a batch, numbered from 0, and from the first one the batch size."""
        if self.number == 0:
            self._size = (validated_samples(model) or 0) // (batch + 1) or None
        self.number = batch + 1

    def check(self, model: Any) -> None:
        """Refuse, before the first epoch, what cannot be audited.

        Raises `InputError` for masks, sample weights, and labels that do not fit the outputs.
        """
        check_unmasked(self.thing, model)
        if is_arrays(self.data):
            x, y = keras.tree.map_structure(lambda part: part[:DEFAULT], self.data)
        else:
            first = next(batches(self.data), None)
            check(first is not None, self.thing, "needs data with at least one batch", "none")
            x, y = unweighted(self.thing, first)
        objects.by_output(self.thing, model, y, predicted(model, x))

    @property
    def has_unknown_length(self) -> bool:
        """Whether Keras cannot tell how many batches there are before it has seen them."""
        return has_unknown_length(self.data)

    def pairs(self, model: Any) -> dict[str, list[Pair]]:
        """Output -> labels, as given, and scores of the batches that Keras validated.

        Raises `InputError` where there are other numbers of batches than Keras validated.
        """
        if is_arrays(self.data):
            x, y = self._rows(model)
            size = self.size(model)
            outputs = model.predict(x, batch_size=size, verbose=0)
            whole = objects.by_output(self.thing, model, y, outputs)
            return {output: _cut(*pair, size) for output, pair in whole.items()}
        found: dict[str, list[Pair]] = {}
        for x, y in self._batches(model):
            parts = objects.by_output(self.thing, model, y, predicted(model, x))
            for output, pair in parts.items():
                found.setdefault(output, []).append(pair)
        return found

    def whole(self, model: Any) -> tuple[Any, list[int]]:
        """Inputs and labels (x, y) of all that Keras validated, as NumPy arrays, and the sizes."""
        if is_arrays(self.data):
            rows = keras.tree.map_structure(np.asarray, self._rows(model))
            n, size = _length(rows), self.size(model)
            return rows, [min(size, n - start) for start in range(0, n, size)]
        parts = [
            keras.tree.map_structure(keras.ops.convert_to_numpy, part)
            for part in self._batches(model)
        ]
        joined = keras.tree.map_structure(lambda *cells: np.concatenate(cells), *parts)
        return joined, [_length(part) for part in parts]

    def size(self, model: Any) -> int:
        """The batch size of arrays: what Keras took, else what was given, else 32."""
        return validation_cut(model)[0] or self._size or self.given or DEFAULT

    def _rows(self, model: Any) -> Any:
        """The arrays, as far as Keras validated them."""
        n, size = _length(self.data), self.size(model)
        in_all = -(-n // size)
        number = self._number(model)
        wanted = in_all if number is None else number
        whole = wanted == in_all or (validation_cut(model)[1] is not None and wanted < in_all)
        rule = f"needs the {wanted} batches that Keras validated: is batch_size= that of fit?"
        check(whole, self.thing, rule, f"{in_all} batches of {size}")
        end = min(n, wanted * size)
        return keras.tree.map_structure(lambda part: part[:end], self.data)

    def _batches(self, model: Any) -> Iterator[Any]:
        number, seen = self._number(model), 0
        for batch in islice(batches(self.data), number):
            seen += 1
            yield unweighted(self.thing, batch)
        rule = f"needs the {number} batches that Keras validated"
        check(number in (None, seen), self.thing, rule, f"{seen} batches")

    def _number(self, model: Any) -> int | None:
        """How many batches Keras validated; None for all, where several a step hide it."""
        if model.steps_per_execution == 1:
            return self.number
        return validation_cut(model)[1]


def _length(rows: Any) -> int:
    return len(keras.tree.flatten(rows)[0])


def _cut(labels: Any, scores: Any, size: int) -> list[Pair]:
    return [(labels[i : i + size], scores[i : i + size]) for i in range(0, len(labels), size)]
