"""A metric of counts on the classes of samples, for all of them and for each batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from batchf1.metrics.counts import Counts, Floats, Integers
from batchf1.metrics.ratios import ClassAveraged, Metric

ROWS, CELLS = 2**20, 2**21
"""At most so many rows, and so many batches x classes, are counted at a time."""


class PerBatch(NamedTuple):
    """A metric of each batch, (b,) float64 each.

    `values`: as the metric gives it, 0/0 of counts being 0. `defined`: NaN, or over classes without
    the class, where it is 0/0. `ones`: 1 there.
    """

    values: Floats
    defined: Floats
    ones: Floats


@dataclass(frozen=True, eq=False)
class CountMetric:
    """A metric of counts on the classes of samples, numbered from 0; of two classes 1 is positive.

    `true` and `predicted`: (n,) whole numbers. `sizes`: (b,) of the batches, which add up to n.
    """

    metric: Metric
    true: NDArray[Any]
    predicted: NDArray[Any]
    sizes: Integers
    classes: int

    def pooled(self) -> float:
        """The metric of all samples."""
        return float(self.metric(self.counts()))

    def counts(self) -> Counts:
        """Those of all samples, (n_classes,) of a metric over classes."""
        parts = [part.pooled() for part in self._counts()]
        return Counts(*(sum(cells[1:], cells[0]) for cells in zip(*parts, strict=True)))

    def per_batch(self) -> PerBatch:
        """The metric of each batch."""
        found = [
            [self.metric(part, zero) for zero in (0.0, np.nan, 1.0)] for part in self._counts()
        ]
        return PerBatch(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def prefixes(self) -> Floats | None:
        """The metric of all samples up to the end of each batch."""
        before: Any = (0, 0, 0, 0)
        found = []
        for part in self._counts():
            sums = Counts(
                *(
                    np.cumsum(cell, axis=-1) + np.asarray(so_far)[..., None]
                    for cell, so_far in zip(part, before, strict=True)
                )
            )
            before = Counts(*(cell[..., -1] for cell in sums))
            found.append(self.metric(sums))
        return np.concatenate(found)

    def of(self, rows: NDArray[np.bool_]) -> float:
        """The metric of some samples."""
        sizes = np.array([rows.sum()])
        return replace(
            self, true=self.true[rows], predicted=self.predicted[rows], sizes=sizes
        ).pooled()

    def shuffled(self, rng: np.random.Generator) -> Self:
        """The same samples in another order."""
        kinds = self.true * np.min_scalar_type(self.classes**2).type(self.classes) + self.predicted
        rng.shuffle(kinds)
        true, predicted = np.divmod(kinds, self.classes)
        return replace(self, true=true, predicted=predicted)

    def _counts(self) -> Iterator[Counts]:
        """Of some batches after others: (b,), or (n_classes, b) of a metric over classes."""
        ends = np.cumsum(self.sizes)
        first = 0
        while first < len(ends):
            start = int(ends[first] - self.sizes[first])
            fit = int(np.searchsorted(ends, start + ROWS, side="right"))
            last = max(first + 1, min(fit, first + CELLS // self.classes))
            rows = slice(start, int(ends[last - 1]))
            counts = self._of_classes(rows, self.sizes[first:last])
            over = isinstance(self.metric, ClassAveraged)
            yield counts if over else Counts(*(cell[1] for cell in counts))
            first = last

    def _of_classes(self, rows: slice, sizes: Integers) -> Counts:
        true, predicted = self.true[rows], self.predicted[rows]
        place = np.repeat(np.arange(len(sizes)) * self.classes, sizes)

        def number(where: NDArray[Any]) -> Integers:
            found = np.bincount(where, minlength=len(sizes) * self.classes)
            return found.reshape(len(sizes), self.classes).T

        of_class = place + true
        tp, positives = number(of_class[true == predicted]), number(of_class)
        called = number(place + predicted)
        return Counts(tp, called - tp, positives - tp, sizes - called - positives + tp)


class CountedLabels(CountMetric):
    """The same for samples of any number of classes.

    `true` and `predicted`: (n, n_classes) uint8, 1 for each class of a sample.
    """

    def shuffled(self, rng: np.random.Generator) -> Self:
        """The same samples in another order."""
        order = rng.permutation(len(self.true))
        return replace(self, true=self.true[order], predicted=self.predicted[order])

    def _of_classes(self, rows: slice, sizes: Integers) -> Counts:
        true, predicted = self.true[rows], self.predicted[rows]
        starts = np.cumsum(sizes) - sizes

        def number(cells: NDArray[Any]) -> Integers:
            return np.add.reduceat(cells, starts, axis=0, dtype=np.int64).T

        tp, positives, called = map(number, (true & predicted, true, predicted))
        return Counts(tp, called - tp, positives - tp, sizes - called - positives + tp)
