"""Metrics of counts on encoded samples: of all samples, of each batch, of prefixes and subsets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from batchf1.auditing.broadcast import of_counts
from batchf1.metrics.counts import Counts, Floats, Integers
from batchf1.metrics.ratios import ClassAveraged, Metric, Ratio

ROWS, CELLS = 2**20, 2**21
"""Limits of one counting step: rows, and batches x classes."""


class PerBatch(NamedTuple):
    """Values of a metric on each batch, (b,) float64 each, by how 0/0 counts.

    `values`: as the metric gives it, which is 0 for 0/0 of counts. `defined`: NaN for 0/0; over
    classes such a class is left out. `ones`: 1 for 0/0.
    """

    values: Floats
    defined: Floats
    ones: Floats


@dataclass(frozen=True, eq=False)
class CountMetric:
    """Metric of counts, with the samples: classes numbered from 0; 1 is positive if there are two.

    `true` and `predicted`: (n,) integers. `sizes`: (b,), the batch sizes, which add up to n.
    `reshape`: how to give labels the shape of the scores, where the one is (n,), the other (n, 1).
    """

    metric: Metric
    true: NDArray[Any]
    predicted: NDArray[Any]
    sizes: Integers
    classes: int
    reshape: str | None = None

    def pooled(self) -> float:
        """Compute the metric of all samples."""
        return float(self.metric(self.counts()))

    def counts(self) -> Counts:
        """Count all samples: scalars, or (n_classes,) for a metric over classes."""
        parts = [part.pooled() for part in self._counts()]
        return Counts(*(sum(cells[1:], cells[0]) for cells in zip(*parts, strict=True)))

    def per_batch(self) -> PerBatch:
        """Compute the metric of each batch."""
        values = [
            [self.metric(part, zero) for zero in (0.0, np.nan, 1.0)] for part in self._counts()
        ]
        return PerBatch(*(np.concatenate(parts) for parts in zip(*values, strict=True)))

    def prefixes(self) -> Floats | None:
        """Compute the metric of all samples up to the end of each batch."""
        before: Any = (0, 0, 0, 0)
        values = []
        for part in self._counts():
            sums = Counts(
                *(
                    np.cumsum(cell, axis=-1) + np.asarray(so_far)[..., None]
                    for cell, so_far in zip(part, before, strict=True)
                )
            )
            before = Counts(*(cell[..., -1] for cell in sums))
            values.append(self.metric(sums))
        return np.concatenate(values)

    def broadcast(self) -> dict[str, Floats]:
        """Map the rules `broadcast...` to the values that functions for a ratio give each batch.

        Empty where labels and scores have one shape.
        """
        if self.reshape is None or not isinstance(self.metric, Ratio):
            return {}
        return of_counts(self.metric, self._counts())

    def of(self, rows: NDArray[np.bool_]) -> float:
        """Compute the metric of some samples, selected by a mask (n,)."""
        sizes = np.array([rows.sum()])
        return replace(
            self, true=self.true[rows], predicted=self.predicted[rows], sizes=sizes
        ).pooled()

    def shuffled(self, rng: np.random.Generator) -> Self:
        """Return the same samples in random order."""
        kinds = self.true * np.min_scalar_type(self.classes**2).type(self.classes) + self.predicted
        rng.shuffle(kinds)
        true, predicted = np.divmod(kinds, self.classes)
        return replace(self, true=true, predicted=predicted)

    def _counts(self) -> Iterator[Counts]:
        """Yield the counts of consecutive batches: (b,), or (n_classes, b) over classes."""
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
        first_cell = np.repeat(np.arange(len(sizes)) * self.classes, sizes)

        def number(cells: NDArray[Any]) -> Integers:
            counts = np.bincount(cells, minlength=len(sizes) * self.classes)
            return counts.reshape(len(sizes), self.classes).T

        of_class = first_cell + true
        return _of_margins(
            number(of_class[true == predicted]),
            number(of_class),
            number(first_cell + predicted),
            sizes,
        )


class MultilabelCountMetric(CountMetric):
    """Metric of counts, with multilabel samples, each of any number of classes.

    `true` and `predicted`: (n, n_classes) uint8, 1 for each class of a sample.
    """

    def shuffled(self, rng: np.random.Generator) -> Self:
        """Return the same samples in random order."""
        order = rng.permutation(len(self.true))
        return replace(self, true=self.true[order], predicted=self.predicted[order])

    def _of_classes(self, rows: slice, sizes: Integers) -> Counts:
        true, predicted = self.true[rows], self.predicted[rows]
        starts = np.cumsum(sizes) - sizes

        def number(cells: NDArray[Any]) -> Integers:
            return np.add.reduceat(cells, starts, axis=0, dtype=np.int64).T

        return _of_margins(number(true & predicted), number(true), number(predicted), sizes)


def _of_margins(tp: Integers, positives: Integers, predicted: Integers, n: Integers) -> Counts:
    return Counts(tp, predicted - tp, positives - tp, n - predicted - positives + tp)
