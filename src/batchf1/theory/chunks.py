"""Many pools: each that differs once, and in portions of like ones that take little memory.

What is computed for several pools together is as large as the largest needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import Ratio
from batchf1.theory.distributions import MAX_TABLE_LENGTH, as_floats, support
from batchf1.theory.expected_error import Epoch, empty_terms
from batchf1.theory.pool import Cut, Pool, grouped

NUMBERS = 2**15
"""Aimed at in an array of a portion, within a factor of some; more outgrow a processor's cache."""
POOLS = 2**14
"""Looked at in one go."""

Rows = NDArray[np.intp]


def map_pools(
    counts: Counts,
    cut: Cut,
    metric: Ratio,
    find: Callable[[Epoch], tuple[Floats, ...]],
    undefined: Sequence[float],
) -> Floats:
    """What `find` finds for each pool, in an array for each thing; `undefined` where it is 0/0."""
    pool = grouped(counts.n, counts, metric)
    first, same = unique_pools(pool)
    found = np.repeat(np.array(undefined)[:, None], first.size, axis=1)
    for rows, epoch in chunks(pool.of(first), cut.of(first)):
        found[:, rows] = np.concatenate(find(epoch), axis=1).T
    return found[:, same].reshape(len(undefined), *counts.tp.shape)


def unique_pools(pool: Pool) -> tuple[Rows, Rows]:
    """Rows of pools that all differ, and which of these each pool is like."""
    keys = [column[:, 0] for column in (pool.total, *pool.groups)]
    order = np.lexsort(keys)
    new = np.zeros(order.size, np.bool_)
    new[:1] = True
    for key in keys:
        new[1:] |= np.diff(key[order]) != 0
    same = np.empty_like(order)
    same[order] = np.cumsum(new) - 1
    return order[new], same


def chunks(pool: Pool, cut: Cut) -> Iterator[tuple[Rows, Epoch]]:
    """Rows of pools in which something is relevant, and what they are as an epoch of their own.

    In a portion all have the same groups, and all or none a short last batch.
    """
    order, kind = _ordered(pool, cut)
    for first in range(0, order.size, POOLS):
        rows = order[first : first + POOLS]
        edges = np.flatnonzero(np.diff(kind[rows])) + 1
        for like in np.split(rows, edges):
            yield from _small(like, Epoch(pool.of(like), cut.of(like)))


def _ordered(pool: Pool, cut: Cut) -> tuple[Rows, NDArray[np.intp]]:
    """The rows, like ones together, and the kind of each pool.

    The degrees that matter in the spread fall as the logarithm of the number of batches grows.
    """
    kind = (cut.rest > 0).astype(np.intp)[:, 0]
    for place, group in enumerate(pool.groups):
        kind += (group[:, 0] > 0) * 2 ** (place + 1)
    degree = np.rint(40 / np.log1p(cut.full[:, 0]))
    relevant = sum((group[:, 0] for group in pool.groups), np.zeros(len(kind)))
    order = np.lexsort((relevant / pool.total[:, 0], degree, kind))
    return order[np.searchsorted(relevant[order] > 0, True) :], kind


def _small(rows: Rows, epoch: Epoch) -> Iterator[tuple[Rows, Epoch]]:
    """Cut so that few arrays have more than `NUMBERS` numbers, or else single pools."""
    if len(rows) == 1:
        yield rows, epoch
        return
    sizes, start = _sizes(epoch.pool, epoch.cut), 0
    while start < len(rows):
        most = int(NUMBERS / sizes[start].prod()) + 1
        widest = np.maximum.accumulate(sizes[start : start + most]).prod(axis=1)
        fit = np.searchsorted(widest * np.arange(1, len(widest) + 1), NUMBERS, side="right")
        some = np.arange(start, start + max(int(fit), 1))
        yield rows[some], Epoch(epoch.pool.of(some), epoch.cut.of(some))
        start += len(some)


def _sizes(pool: Pool, cut: Cut) -> Floats:
    """About how many numbers an array needs: along the first count, and beside it. (p, 2)."""
    number = support(pool.total, pool.relevant, as_floats(cut.size))
    some = np.concatenate([number.start, (number.start + number.stop) / 2, number.stop], axis=1)
    beside = np.minimum(number.stop, MAX_TABLE_LENGTH) / number.points  # of the tables
    groups = np.ones_like(beside)
    for group in pool.groups[:-1]:
        groups *= support(pool.relevant, group, some).points.max(axis=1, keepdims=True)
    beside = np.maximum(beside, groups)
    if np.isnan(cut.zero_division):
        beside = np.maximum(beside, 8 * np.minimum(empty_terms(pool, cut), 256))
    return np.concatenate([number.points, beside], axis=1)
