"""Pools for labels of shape (n,) where batches that are 0/0 are left out and may hold errors.

Precision is 0/0 without predicted positives, and otherwise logs the positives of a batch: a linear
function of them. Derivation: `docs/theory.md`, section 11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchf1.metrics.arithmetic import safe_divide
from batchf1.metrics.counts import Floats
from batchf1.metrics.flat_labels import Written
from batchf1.metrics.ratios import Ratio
from batchf1.theory.distributions import as_floats
from batchf1.theory.nested import NestedDistribution, nested_distribution
from batchf1.theory.pool import Pool, expand_dims

OUTSIDE = {(0, 1): 2, (0, 2): 1, (1, 3): 0, (2, 3): 0}
"""Cells in the denominator of precision, recall, specificity and negative predictive value: the
first is in the margin that is logged, and so is the cell with this index."""


def defining_cells(metric: Ratio) -> tuple[int, ...]:
    """Return the cells in the denominator, by their places in (TP, FP, FN, TN)."""
    return tuple(cell for cell, weight in enumerate(metric.bottom) if weight > 0)


def is_linear(metric: Ratio) -> bool:
    """Return True if a batch that is not 0/0 logs a linear function of a margin."""
    cells = defining_cells(metric)
    return cells in OUTSIDE and metric.bottom[cells[0]] == metric.bottom[cells[1]]


@dataclass(frozen=True, eq=False)
class LinearPool(Pool):
    """Samples that define the metric: the only group, with weights that do not matter.

    A batch logs `start` + `slope` x, divided by its size by cells, of its x samples in a margin.
    `inside`, `outside`: shares of the margin among the defining samples and among the others;
    `value`: the true metric. All three (p, 1).
    """

    inside: Floats
    outside: Floats
    value: Floats
    start: float
    slope: float
    written: Written

    @property
    def true(self) -> Floats:
        """The metric of the whole pool for labels (n, 1), (p, 1)."""
        return self.value

    @property
    def keys(self) -> tuple[Floats, ...]:
        """Columns that are equal in equal pools."""
        return *super().keys, self.inside, self.outside

    def of(self, rows: NDArray[np.intp]) -> LinearPool:
        """Select pools."""
        groups = tuple(group[rows] for group in self.groups if group[rows].any())
        columns = {name: getattr(self, name)[rows] for name in ("inside", "outside", "value")}
        return replace(self, total=self.total[rows], groups=groups, **columns)

    def distribution(self, batch: ArrayLike, used: ArrayLike = 0.0) -> NestedDistribution:
        """Return the distribution of batches of these sizes, given `used` others that are 0/0."""
        first = self.number(batch, used)
        sizes = np.broadcast_to(as_floats(batch), first.points.shape[:2])
        return nested_distribution(first, self.groups, finite=True, batch=sizes)

    def deviations(self, distribution: NestedDistribution, when_empty: ArrayLike) -> Floats:
        """Return the mean logged value given the defining samples minus the true one, (p, n0)."""
        number = distribution.number
        found = self.inside * number + self.outside * (self.size(distribution) - number)
        values = self.start + self.gain(distribution) * found - self.true
        return np.where(number == 0, expand_dims(np.atleast_2d(when_empty), values), values)

    def mean_curvature(self, distribution: NestedDistribution) -> Floats:
        """Average the deviations over the distribution of each batch, 0/0 as 0: shape (p, u)."""
        return distribution.mean(self.deviations(distribution, 0.0))

    def size(self, distribution: NestedDistribution) -> Floats:
        """Return the size of the batch at each number, (p, 1) or (p, n0)."""
        assert distribution.batch is not None
        return distribution.batch

    def gain(self, distribution: NestedDistribution) -> Floats:
        """Return the change of the logged value with each sample in the margin."""
        by_cells = self.written == "cells"
        return np.asarray(self.slope / (self.size(distribution) if by_cells else 1.0))

    @property
    def margins(self) -> list[tuple[Floats, Floats]]:
        """Shares in the margin and numbers of samples, inside and outside."""
        others = self.total - self.groups[0]
        return [(self.inside, self.groups[0]), (self.outside, others)]

    def drawn(self, distribution: NestedDistribution, part: int) -> Floats:
        """Return how many samples a batch draws inside (0) or outside (1), 0 if it is 0/0."""
        number = distribution.number
        if part == 0:
            return number
        return np.where(number == 0, 0.0, self.size(distribution) - number)


def linear_pool(
    total: ArrayLike, counts: Sequence[ArrayLike], metric: Ratio, written: Written
) -> LinearPool:
    """Build pools from counts for a metric that is linear."""
    first, second = defining_cells(metric)
    column, *cells = (as_floats(part).reshape(-1, 1) for part in (total, *counts))
    defining = cells[first] + cells[second]
    weight = metric.bottom[first]
    start, slope = metric.top[second] / weight, (metric.top[first] - metric.top[second]) / weight
    inside = safe_divide(cells[first], defining)
    outside = safe_divide(cells[OUTSIDE[first, second]], column - defining)
    value = start + slope * inside
    return LinearPool(
        column, (defining,), (1.0,), (1.0,), inside, outside, value, start, slope, written
    )
