"""Evaluation of many pools: each distinct pool once, in chunks of similar pools that fit in memory.

Arrays for several pools are as large as the largest pool of the chunk needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from batchf1.metrics.counts import Floats
from batchf1.theory.distributions import MAX_TABLE_LENGTH, as_floats, support
from batchf1.theory.expected_error import Epoch, empty_terms
from batchf1.theory.pool import Batching, Pool

CHUNK_SIZE = 2**15
"""Approximate number of elements of a chunk's arrays; larger ones outgrow a processor's cache."""
POOLS = 2**14
"""Number of pools grouped at a time."""

Rows = NDArray[np.intp]


def map_pools(
    pool: Pool,
    batching: Batching,
    function: Callable[[Epoch], tuple[Floats, ...]],
    undefined: Sequence[float],
) -> Floats:
    """Apply `function` to every pool; returns its results, (k, p).

    They are `undefined` in pools without relevant samples.
    """
    first, same = unique_pools(pool)
    results = np.repeat(np.array(undefined)[:, None], first.size, axis=1)
    for rows, epoch in chunks(pool.of(first), batching.of(first)):
        results[:, rows] = np.concatenate(function(epoch), axis=1).T
    return results[:, same]


def unique_pools(pool: Pool) -> tuple[Rows, Rows]:
    """Return the rows of the distinct pools, and the index among these of each pool."""
    keys = [column[:, 0] for column in pool.keys]
    order = np.lexsort(keys)
    new = np.zeros(order.size, np.bool_)
    new[:1] = True
    for key in keys:
        new[1:] |= np.diff(key[order]) != 0
    same = np.empty_like(order)
    same[order] = np.cumsum(new) - 1
    return order[new], same


def chunks(pool: Pool, batching: Batching) -> Iterator[tuple[Rows, Epoch]]:
    """Yield chunks of pools with relevant samples: their rows, and an epoch of these pools.

    In a chunk all pools have the same groups, and all or none a short last batch.
    """
    order, kind = _ordered(pool, batching)
    for first in range(0, order.size, POOLS):
        rows = order[first : first + POOLS]
        edges = np.flatnonzero(np.diff(kind[rows])) + 1
        for part in np.split(rows, edges):
            yield from _split(part, Epoch(pool.of(part), batching.of(part)))


def _ordered(pool: Pool, batching: Batching) -> tuple[Rows, NDArray[np.intp]]:
    """Return the rows, sorted so that similar pools are adjacent, and the kind of each pool.

    The degrees that matter in the spread fall as the logarithm of the number of batches grows.
    """
    kind = (batching.rest > 0).astype(np.intp)[:, 0]
    for index, group in enumerate(pool.groups):
        kind += (group[:, 0] > 0) * 2 ** (index + 1)
    degree = np.rint(40 / np.log1p(batching.full[:, 0]))
    relevant = sum((group[:, 0] for group in pool.groups), np.zeros(len(kind)))
    order = np.lexsort((relevant / pool.total[:, 0], degree, kind))
    return order[np.searchsorted(relevant[order] > 0, True) :], kind


def _split(rows: Rows, epoch: Epoch) -> Iterator[tuple[Rows, Epoch]]:
    """Split so that few arrays have more than `CHUNK_SIZE` elements, or into single pools."""
    if len(rows) == 1:
        yield rows, epoch
        return
    sizes, start = _sizes(epoch.pool, epoch.batching), 0
    while start < len(rows):
        most = int(CHUNK_SIZE / sizes[start].prod()) + 1
        widest = np.maximum.accumulate(sizes[start : start + most]).prod(axis=1)
        fit = np.searchsorted(widest * np.arange(1, len(widest) + 1), CHUNK_SIZE, side="right")
        some = np.arange(start, start + max(int(fit), 1))
        yield rows[some], Epoch(epoch.pool.of(some), epoch.batching.of(some))
        start += len(some)


def _sizes(pool: Pool, batching: Batching) -> Floats:
    """Estimate the array sizes of each pool along the first count and along the others, (p, 2)."""
    first = support(pool.total, pool.relevant, as_floats(batching.size))
    numbers = np.concatenate([first.start, (first.start + first.stop) / 2, first.stop], axis=1)
    others = np.minimum(first.stop, MAX_TABLE_LENGTH) / first.points  # of the tables
    groups = np.ones_like(others)
    for group in pool.groups[:-1]:
        groups *= support(pool.relevant, group, numbers).points.max(axis=1, keepdims=True)
    others = np.maximum(others, groups)
    if np.isnan(batching.zero_division):
        others = np.maximum(others, 8 * np.minimum(empty_terms(pool, batching), 256))
    return np.concatenate([first.points, others], axis=1)
