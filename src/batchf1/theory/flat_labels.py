"""Batches with labels of shape (n,): Keras 3 compares each prediction with each label.

Derivation: `docs/theory.md`, section 11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchf1.errors import check, raise_input_error
from batchf1.metrics import checks
from batchf1.metrics.arithmetic import dot, margin_weights, safe_divide
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.flat_labels import Written, check_written, pair_sums
from batchf1.metrics.ratios import F1, Ratio, check_ratio
from batchf1.theory.distributions import as_floats
from batchf1.theory.linear_value import LinearPool, is_linear, linear_pool
from batchf1.theory.nested import NestedDistribution, nested_distribution
from batchf1.theory.pool import Batching, Pool, checked_batching, checked_counts, expand_dims

POSITIVE, PREDICTED = (1.0, 0.0, 1.0, 0.0), (1.0, 1.0, 0.0, 0.0)
"""Whether TP, FP, FN and TN are positives, and predicted positives."""


@dataclass(frozen=True, eq=False)
class FlatPool(Pool):
    """Samples of one or several pools, grouped by label and prediction.

    `top` and `bottom` are the weights of the metric for labels (n, 1). `cells`: the place of each
    group in (TP, FP, FN, TN). `undefined`: the metric of a pool in which it is 0/0.
    """

    cells: tuple[int, ...]
    metric: Ratio
    written: Written
    undefined: float

    @property
    def defining(self) -> Floats:
        """Samples without which the metric of a batch is 0/0, (p, 1)."""
        pairs = zip(self.bottom, self.groups, strict=True)
        return np.asarray(sum((g for weight, g in pairs if weight > 0), np.zeros_like(self.total)))

    @property
    def true(self) -> Floats:
        """The metric of the whole pool for labels (n, 1), (p, 1)."""
        bottom = dot(self.bottom, self.groups)
        return safe_divide(dot(self.top, self.groups), bottom, self.undefined)

    def of(self, rows: NDArray[np.intp]) -> FlatPool:
        """Select pools; a group that none of them has is left out."""
        used = [i for i, group in enumerate(self.groups) if group[rows].any()]
        top, bottom, cells = (
            tuple(part[i] for i in used) for part in (self.top, self.bottom, self.cells)
        )
        groups = tuple(self.groups[i][rows] for i in used)
        parts: dict[str, Any] = {"groups": groups, "top": top, "bottom": bottom, "cells": cells}
        return replace(self, total=self.total[rows], **parts)

    def distribution(self, batch: ArrayLike, used: ArrayLike = 0.0) -> NestedDistribution:
        """Return the distribution of batches of these sizes, given `used` irrelevant others."""
        first = self.number(batch, used)
        sizes = np.broadcast_to(as_floats(batch), first.points.shape[:2])
        return nested_distribution(first, self.groups, finite=True, batch=sizes)

    def deviations(self, distribution: NestedDistribution, when_empty: ArrayLike) -> Floats:
        """Return the logged value of each outcome minus the true one, (p, n0, n1, ...).

        Where the logged value is 0/0 it is `when_empty`, single or (p, 1).
        """
        values, empty = self._values(distribution)
        return np.where(empty, expand_dims(np.atleast_2d(when_empty), values), values)

    def mean_curvature(self, distribution: NestedDistribution) -> Floats:
        """Average the deviations over the distribution of each batch, 0/0 as 0: shape (p, u)."""
        values, empty = self._values(distribution)
        return distribution.mean(np.where(empty, 0.0, values))

    def _values(self, distribution: NestedDistribution) -> tuple[Floats, NDArray[np.bool_]]:
        """Return logged minus true value, and where the logged one is 0/0."""
        counts = distribution.counts()
        size = distribution.batch
        assert size is not None
        positives, predicted = (
            dot([of_cell[cell] for cell in self.cells], counts) for of_cell in (POSITIVE, PREDICTED)
        )
        n = expand_dims(size, positives)
        top, bottom = pair_sums(positives, predicted, n, self.metric, self.written)
        empty = bottom == 0
        return top / np.where(empty, 1.0, bottom) - expand_dims(self.true, top), empty


def flat_pool(
    total: ArrayLike,
    counts: Sequence[ArrayLike],
    metric: Ratio,
    written: Written,
    undefined: float,
) -> FlatPool:
    """Build pools from counts or shares; true negatives are a group if the metric counts them."""
    cells = tuple(range(4 if metric.bottom[3] > 0 else 3))
    column, *groups = (
        as_floats(part).reshape(-1, 1) for part in (total, *(counts[cell] for cell in cells))
    )
    top, bottom = metric.top[: len(cells)], metric.bottom[: len(cells)]
    return FlatPool(column, tuple(groups), top, bottom, cells, metric, written, undefined)


def logged_pool(
    counts: Counts, metric: Ratio, written: Written, zero_division: float
) -> FlatPool | LinearPool:
    """Build pools from counts, as the spread of the mean over their batches needs them."""
    if np.isnan(zero_division) and is_linear(metric):
        return linear_pool(counts.n, counts, metric, written)
    return flat_pool(counts.n, counts, metric, written, zero_division)


def check_flat(metric: object, written: Written, zero_division: float) -> None:
    """Raise `InputError` unless the log of a function for the metric can be computed."""
    good = isinstance(metric, Ratio)
    name = getattr(metric, "name", metric)
    check(good, "metric", "must be a Ratio, of one class, with labels of shape (n,)", name)
    assert isinstance(metric, Ratio)
    check_ratio(metric)
    check_written(written, metric)
    tp, fp, fn, tn = (weight > 0 for weight in metric.bottom)
    rule = "must have in its denominator all of a row or a column of the table of confusion"
    check((tp or tn) and (fp or fn), "metric", rule, metric[:2])
    good = (tp and fp and fn) or is_linear(metric) or not np.isnan(zero_division)
    rule = f"must be 0 or 1 for {metric.name} with labels of shape (n,)"
    check(good, "zero_division", rule, zero_division)


def has_poles(metric: Ratio, written: Written) -> bool:
    """Return True if the value is infinite in some batch: by margins, if TP weighs too little."""
    return written == "margins" and margin_weights(metric.bottom)[0] < -1e-12 * max(metric.bottom)


def check_poles(
    counts: Sequence[ArrayLike], batching: Batching, metric: Ratio, written: Written
) -> None:
    """Raise `InputError` if the value of a batch that may occur is infinite."""
    if not has_poles(metric, written):
        return
    of_pairs, positive, predicted, _ = margin_weights(metric.bottom)
    tp, fp, fn, tn = (as_floats(part).reshape(-1, 1) for part in counts)
    most = min(batching.size, int(np.max(tp + fn, initial=0.0)))
    p = np.arange(1.0, most + 1)
    q = safe_divide(positive * p, -of_pairs * p - predicted, -1.0)
    whole = np.rint(q)
    at_pole = (q > 0) & (np.abs(q - whole) <= 1e-9 * whole)
    p, q = p[at_pole], whole[at_pole]
    for size in np.broadcast_arrays(*np.split(batching.sizes, batching.sizes.shape[-1], axis=-1)):
        least = np.maximum.reduce(np.broadcast_arrays(p + q - size, p - fn, q - fp, 0.0))
        enough = np.minimum.reduce(np.broadcast_arrays(p, q, tp, tn - size + p + q))
        if np.any(least <= enough):
            column = int(np.argmax((least <= enough).any(axis=0)))
            rule = (
                f"must be cells for {metric.name}: by margins a batch with {p[column]:.0f} "
                f"positives, {q[column]:.0f} predicted, is divided by 0"
            )
            raise_input_error("written", rule, written)


def flat_reconstructed(counts: Counts, batch_size: int, metric: Ratio = F1) -> Any:
    """Compute the expected metric of the counts that functions per sample log.

    With labels (n,) a function that returns y * p for each sample logs the mean over the batches,
    weighted by size, of P Q / B**2 instead of the share of true positives; positives and predicted
    positives stay right. This is the metric of these sums.

    Parameters
    ----------
    counts : Counts
        As in `batchf1.theory.expectation.expect`.
    batch_size : int
        From 1 to the smallest number of samples.
    metric : Ratio
        F-beta, precision, recall, accuracy or another whose denominator does not depend on TP where
        the margins are given.

    Returns
    -------
    float or float64 array of the shape of the pools
        In [0, 1]; 0 where the metric is 0/0. In batches of one it is the true value, in a single
        batch that of a random permutation of the predictions; it is linear in the number of
        batches.

    Raises
    ------
    InputError
        For counts or a batch size that `expect` refuses, and another metric.

    Notes
    -----
    E[P Q] of a batch of B is B TP / N + B (B - 1) (P Q - TP) / (N (N - 1)) with the TP, P and Q of
    the pool. Source: `docs/theory.md`, section 11.

    Examples
    --------
    >>> round(flat_reconstructed(Counts(tp=160, fp=40, fn=40, tn=9760), 32), 4)
    0.0443
    """
    check_ratio(metric)
    free = abs(margin_weights(metric.bottom)[0]) <= 1e-12 * max(metric.bottom)
    check(free, "metric", "must have a denominator of margins alone here", metric[:2])
    counts = checked_counts(counts)
    size = checks.check_integer("batch_size", batch_size)
    batches = checked_batching(counts.n, size, "size_weighted", 0.0).batches
    tp, p, q, n = map(
        as_floats, (counts.tp, counts.positives, counts.predicted_positives, counts.n)
    )
    batches = batches.reshape(n.shape)
    others = (p * q - tp) / np.maximum(n * (n - 1), 1.0)
    found = metric.from_margins(tp * batches / n + (n - batches) * others, p, q, n)
    return found.item() if found.ndim == 0 else found
